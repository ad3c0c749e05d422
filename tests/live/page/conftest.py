"""A real browser on the client's host of the lab, and everything that it says and asks for."""

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.namespaces import Namespace

QUIET = ("--no-proxy-server", "--disable-gpu", "--disable-quic", "--disable-sync")
"""On top of what the library asks of a browser under test, no requests of its own among it."""

PORT = 10234
UNANSWERED = "Failed to load resource"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(("a", "b"), gateway=True) as made:
        made.start("a", "b")
        made.wait_until_whole()
        yield made


@pytest.fixture(scope="module")
def browser(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser_in(cluster.lan.client, tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@contextmanager
def browser_in(host: Namespace, folder: Path) -> Iterator[Browser]:
    """A browser that sees a host's network and nothing else; we talk to it by pipes."""
    program = folder / "browser"
    program.write_text(f'#!/bin/sh\nexec nsenter --net={host.network_path} chromium "$@"\n', encoding="ascii")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@dataclass(slots=True)
class Visit:
    """A page somebody looks at, and what went on behind it."""

    page: Page
    node: str
    said: list[str] = field(default_factory=list)
    """Console messages and errors."""
    asked: list[str] = field(default_factory=list)
    """Every address that was asked for."""
    lonely: bool = False
    """Its node went away for a while: a browser complains of each answer that it does not get."""

    @property
    def origin(self) -> str:
        return f"http://{self.node}:{PORT}/"

    def watch(self) -> None:
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))


Look = Callable[..., Visit]


@pytest.fixture
def look(browser: Browser, cluster: Cluster) -> Iterator[Look]:
    """Look at a node's page; whatever a test is about, nothing may be complained of or fetched elsewhere."""
    visits: list[Visit] = []

    def look(name: str, *, scripts: bool = True, dark: bool = False, width: int = 1200) -> Visit:
        context = browser.new_context(
            java_script_enabled=scripts,
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 800},
        )
        visit = Visit(context.new_page(), str(cluster.lan.address_of(name)))
        visits.append(visit)
        visit.watch()
        visit.page.goto(visit.origin)
        return visit

    yield look
    for visit in visits:
        visit.page.context.close()
    for visit in visits:
        assert visit.asked
        assert [url for url in visit.asked if not url.startswith(visit.origin)] == []
        complaints = (line for line in visit.said if not (visit.lonely and UNANSWERED in line))
        assert list(complaints) == []
