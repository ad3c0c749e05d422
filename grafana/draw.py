"""Draws pictures of the dashboard's panels: `python -m grafana.draw`, by scripts/pictures.

Three real nodes live through the story (story.py), a real Prometheus watches, and what it answers to the
panels' queries is drawn by Grafana's own components (pictures/draw.jsx) in a headless Chromium. No Grafana
server takes part.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Any

from grafana.answers import Window, ask
from grafana.dashboard import FILE
from grafana.story import Story, play
from vipservice.lab.prometheus import Prometheus

PICTURES = {
    "now": ("Now", "Roles"),
    "failovers": ("Failovers", "Round trips"),
    "adverts": ("Adverts",),
    "hosts": ("Lease and loop", "Resources"),
}
"""Rows of the dashboard in each picture."""

FOLDER = Path("docs/pictures")
SOURCE = Path("grafana/pictures/draw.jsx")
MODULES = Path("build/pictures/node_modules")

WIDTH = 1400
MARGIN = 8
CELL = 38
"""Pixels of a row of Grafana's grid: 30 and a gap of 8."""

LOADERS = ("svg", "woff", "woff2", "ttf", "eot")
TIMEOUT = 120.0

PAGE = """\
<!doctype html><meta charset="utf-8"><title>panels</title><link rel="stylesheet" href="bundle.css">
<style>html, body {{ margin: 0; background: #111217 }} #page {{ padding: {margin}px }}</style>
<div id="page"></div>
<script>window.DATA = {data}; Date.now = () => window.DATA.end * 1000</script>
<script src="bundle.js"></script>
"""

CHROMIUM = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--allow-file-access-from-files", "--virtual-time-budget=8000",
)  # fmt: skip
"""It draws a file of ours and asks nobody on the network; root has no sandbox."""


def main() -> None:
    """Play the story, ask every panel, draw every picture."""
    with Story.begin() as story:
        play(story)
        window = Window(story.moments["start"].wall - 5, story.ended)
        pages = {name: page(story.prometheus, window, rows) for name, rows in PICTURES.items()}
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        bundle(Path(folder))
        for name, (text, height) in pages.items():
            draw(Path(folder), name, text, height)


def page(prometheus: Prometheus, window: Window, rows: tuple[str, ...]) -> tuple[str, int]:
    """The page of some rows with everything that Prometheus answered, and its height in pixels."""
    drawn = [_answered(prometheus, panel, window) for panel in _panels_of(rows)]
    tops = [panel["gridPos"]["y"] for panel in drawn]
    ends = [panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in drawn]
    shown = {"start": window.start, "end": window.end, "step": window.step}
    data = {"panels": drawn, "width": WIDTH, **shown}
    text = PAGE.format(margin=MARGIN, data=json.dumps(data).replace("</", "<\\/"))
    return text, (max(ends) - min(tops)) * CELL + MARGIN


def bundle(folder: Path) -> None:
    """Make one script and one style sheet of ours and Grafana's."""
    command = [
        str(MODULES / ".bin/esbuild"), str(SOURCE), "--bundle", "--minify",
        f"--outfile={folder / 'bundle.js'}", "--log-level=warning",
        '--define:process.env.NODE_ENV="production"',
        *(f"--loader:.{kind}=dataurl" for kind in LOADERS),
    ]  # fmt: skip
    _run(command, env={"NODE_PATH": str(MODULES.resolve()), "PATH": "/usr/local/bin:/usr/bin:/bin"})


def draw(folder: Path, name: str, text: str, height: int) -> None:
    """Open the page in Chromium and keep what is seen."""
    (folder / f"{name}.html").write_text(text, encoding="utf-8")
    picture = folder / f"{name}.png"
    size = f"--window-size={WIDTH + 2 * MARGIN},{height}"
    profile = f"--user-data-dir={folder / 'profile'}"
    _run([*CHROMIUM, size, profile, f"--screenshot={picture}", f"file://{folder / name}.html"])
    shutil.copy(picture, FOLDER / picture.name)


def _answered(prometheus: Prometheus, panel: dict[str, Any], window: Window) -> dict[str, Any]:
    """A panel with its series; what is no number is a hole."""
    series = [
        {
            "name": name,
            "labels": dict(one.labels),
            "samples": [[at, None if isnan(value) else value] for at, value in one.samples],
        }
        for answer in ask(prometheus, panel, window)
        for name, one in zip(answer.names(), answer.series, strict=True)
    ]
    kept = ("title", "type", "gridPos", "fieldConfig", "options", "transformations")
    return {"options": {}, **{key: panel[key] for key in kept if key in panel}, "series": series}


def _panels_of(rows: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The panels of some rows, moved up by the headings that are left out."""
    title, headings = "", 0
    for panel in json.loads(FILE.read_text())["panels"]:
        if panel["type"] == "row":
            title = panel["title"]
            headings += title in rows
        elif title in rows:
            panel["gridPos"]["y"] -= headings
            yield panel


def _run(command: list[str], env: dict[str, str] | None = None) -> None:
    done = subprocess.run(  # noqa: S603 - our own argv, never a shell
        command, capture_output=True, text=True, timeout=TIMEOUT, check=False, env=env
    )
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed: {done.stderr.strip()}")


if __name__ == "__main__":
    main()
