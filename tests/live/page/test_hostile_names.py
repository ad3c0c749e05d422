"""A node whose name is markup, on the page of its peer."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.live.page.conftest import Look
from vipservice.lab.daemons import CONFIG
from vipservice.lab.demo.cluster import Cluster

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

MARKUP = "<img src=/x onerror=document.title='got'>"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(("a", "b")) as made:
        config = made.lan.node("b").root / CONFIG.relative_to("/")
        made.daemons["b"].write_config(config.read_text().replace("name: node-b", f'name: "{MARKUP}"'))
        made.start("a", "b")
        made.wait_until_whole()
        yield made


def test_a_name_that_is_markup_stays_text_in_the_first_page_and_in_those_that_the_script_fetches(
    cluster: Cluster, look: Look
) -> None:
    visit = look("a")
    expect(visit.page.get_by_role("row", name=MARKUP)).to_be_visible()
    count = len(visit.asked)
    visit.page.wait_for_event("request", lambda _: len(visit.asked) > count + 2)
    expect(visit.page.get_by_role("row", name=MARKUP)).to_be_visible()
    assert visit.page.locator("img, [onerror]").count() == 0
    assert visit.page.title() == f"node-a: {cluster.daemons['a'].status()['groups'][0]['role']}"
