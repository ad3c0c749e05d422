"""The page of real nodes in a real browser, while their address moves."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.live.page.conftest import Look
from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import VIP, Cluster

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

WITHIN = 1.0
"""Seconds after the new owner's kernel has the address, at each open page."""

WITHOUT_SCRIPTS_WITHIN = 4.0
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def _whole(cluster: Cluster) -> None:
    cluster.heal()
    cluster.wait_until_whole()


def owner_shown(page: Page, owner: str, within: float) -> None:
    expect(page.get_by_role("status")).to_contain_text(
        re.compile(rf"^node-{owner}(, this node,)? holds the address$"), timeout=1000 * within
    )


def hand_over(cluster: Cluster) -> str:
    """Move the address; the new owner."""
    owner = cluster.wait_for_owner(5)
    cluster.daemons[owner].ask({"command": "handover"})
    return cluster.wait_for_owner(5, other_than=owner)


def test_during_a_failover_the_page_shows_the_new_owner_within_a_second(cluster: Cluster, look: Look) -> None:
    owner = cluster.wait_for_owner(5)
    (heir,) = set(cluster.daemons) - {owner}
    page = look(heir).page
    owner_shown(page, owner, WITHIN)
    page.evaluate("window.stillTheSamePage = true")
    cluster.power_off(owner)
    assert cluster.wait_for_owner(5, other_than=owner) == heir
    began = now()
    owner_shown(page, heir, WITHIN)
    assert now() - began < WITHIN
    assert page.evaluate("window.stillTheSamePage")  # the script brought it, no reload
    expect(page.get_by_role("article")).to_contain_text("nobody is ready to take over", timeout=3000)
    expect(page.get_by_role("article")).to_contain_text("probing → active")
    expect(page.get_by_role("table")).to_contain_text("silent")


def test_the_page_says_what_the_node_says_of_itself(cluster: Cluster, look: Look) -> None:
    owner = cluster.wait_for_owner(5)
    page = look(owner).page
    group = cluster.daemons[owner].status()["groups"][0]
    article = page.get_by_role("article", name=group["name"])
    for said in (
        str(VIP),
        f"on {group['interface']}",
        "active here",
        group["detail"],
        f"term {group['term']}",
    ):
        expect(article).to_contain_text(said)
    peer = group["nodes"][0]
    row = article.get_by_role("row", name=peer["name"])
    expect(row).to_contain_text(peer["address"])
    expect(row).to_contain_text("backup")
    expect(row).to_contain_text(re.compile(r"\d\.\d\ss ago.*\d\.\d\ss ago"))
    for target in (f"{peer['name']} {peer['address']}", "gateway 10.99.0.1"):
        chart = article.get_by_role("img", name=re.compile(f"Round trips to {target}: .*median"))
        expect(chart).to_be_visible(timeout=5000)
    expect(article.get_by_role("meter", name=re.compile("Lease"))).to_be_visible()


def test_what_is_selected_stays_selected_while_the_page_refreshes_itself(
    cluster: Cluster, look: Look
) -> None:
    page = look("a").page
    name, link = page.get_by_role("heading", level=2), page.get_by_role("link", name="metrics")
    name.select_text()
    link.focus()
    clock = page.locator("header time").first
    expect(clock).not_to_have_text(clock.inner_text(), timeout=3000)
    assert page.evaluate("getSelection().toString()") == name.inner_text()
    expect(link).to_be_focused()


def test_without_scripts_the_page_is_whole_and_asks_again(cluster: Cluster, look: Look) -> None:
    page = look("a", scripts=False).page
    owner_shown(page, cluster.wait_for_owner(5), WITHIN)
    expect(page.get_by_role("table")).to_be_visible()
    expect(page.get_by_role("img").first).to_be_visible()
    owner_shown(page, hand_over(cluster), WITHOUT_SCRIPTS_WITHIN)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200], ids=["phone", "desktop"])
def test_axe_finds_nothing_to_mend_and_nothing_is_cut_off(look: Look, dark: bool, width: int) -> None:
    page = look("a", dark=dark, width=width).page
    expect(page.get_by_role("img").first).to_be_visible(timeout=5000)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) < 3 * 128) == dark


def test_a_node_that_hangs_is_told_from_one_that_is_well(cluster: Cluster, look: Look) -> None:
    visit = look("a")
    visit.lonely = True
    page = visit.page
    silence = page.get_by_role("alert")
    expect(silence).to_be_hidden()
    cluster.daemons["a"].hang()
    expect(silence).to_contain_text("No answer from this node for", timeout=10_000)
    cluster.daemons["a"].resume()
    expect(silence).to_be_hidden(timeout=10_000)
