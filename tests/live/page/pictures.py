"""Draws the pictures of the page in README and docs: scripts/page-pictures."""

import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

from tests.live.page.conftest import PORT, browser_in
from vipservice.lab.demo.cluster import Cluster

DOCS = Path("docs")
WIDE, NARROW = 1100, 390
PICTURES: dict[str, tuple[int, Literal["light", "dark"], float]] = {
    "page.png": (WIDE, "light", 1.5),
    "page-dark.png": (WIDE, "dark", 1.5),
    "page-phone.png": (NARROW, "dark", 2),
}
"""Width in CSS pixels, colours, and how many pixels each of them has."""

ECHOES = 62.0
"""Seconds until the charts are full."""


def main() -> None:
    """Bring up the nodes, cut the owner's cable and plug it in again, wait, draw."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    with Cluster(gateway=True) as cluster:
        cluster.start(*cluster.daemons)
        cluster.wait_until_whole()
        time.sleep(ECHOES / 2)
        owner = cluster.wait_for_owner(5)
        cluster.lan.cut(owner)
        heir = cluster.wait_for_owner(5, other_than=owner)
        time.sleep(3)
        cluster.heal()
        cluster.wait_until_whole()
        time.sleep(ECHOES / 2)
        draw(cluster, heir, folder)


def draw(cluster: Cluster, node: str, folder: Path) -> None:
    """Take each picture of a node's page."""
    url = f"http://{cluster.lan.address_of(node)}:{PORT}/"
    with (
        tempfile.TemporaryDirectory() as scratch,
        browser_in(cluster.lan.client, Path(scratch)) as browser,
    ):
        for name, (width, colours, sharpness) in PICTURES.items():
            page = browser.new_page(
                viewport={"width": width, "height": 600},
                color_scheme=colours,
                device_scale_factor=sharpness,
            )
            page.goto(url)
            page.screenshot(path=folder / name, full_page=True)
            page.close()


if __name__ == "__main__":
    main()
