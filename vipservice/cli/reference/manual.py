"""The manual pages as reStructuredText, from the words of --help and of the configuration's tables."""

import contextlib
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

from vipservice import __version__
from vipservice.cli.main import COMMANDS, make_parser
from vipservice.config.durations import show_duration
from vipservice.config.schema import Key, Section
from vipservice.config.sections import SECTIONS
from vipservice.config.timers import PRESETS

EXAMPLE = Path("examples/vipservice.yml")
"""Seen from the top of a checkout: the pages are written there."""

WIDTH = "78"
"""Columns of the --help texts; a terminal of 80 shows them unbroken."""

PREAMBLE = """\
{line}
{title}
{line}

{under}
{subtitle}
{under}

:Manual section: {section}
:Manual group: vipservice
:Version: {version}
"""

COMMAND_SEE_ALSO = "vipservice.yml(5), systemctl(1), ip-address(8)"
FILES = """\
/etc/vipservice/vipservice.yml
    The configuration; vipservice.yml(5) describes it.
/var/lib/vipservice
    What a node remembers across restarts: its id, its terms, its peers.
/run/vipservice/control.sock
    Where the commands reach the daemon.
"""
CONFIGURATION = """\
One YAML file says what the nodes share. Anchors, aliases and tags are refused, and so is a key that is
written twice. Every key is optional: ``floating_ip: {enabled: true}`` alone is a working configuration.

Durations are written ``100ms``, ``3s``, ``1m``, ``1h``. ``vipservice check`` prints every setting in force
and where it comes from, and all problems of a file in one go; ``vipservice reload`` puts a changed file in
force, and a file that cannot be used changes nothing.
"""


def command_page() -> str:
    """vipservice(8): every command as its own --help has it."""
    parts = [
        _preamble("vipservice", "a floating IP: two or more hosts share an address, one holds it", 8),
        _heading("SYNOPSIS"),
        "| **vipservice** *COMMAND* [*options*]\n",
        _heading("DESCRIPTION"),
        _literal(_help()),
        _heading("COMMANDS"),
    ]
    for name in COMMANDS:
        parts += [_heading(f"vipservice {name}", "-"), _literal(_help(name))]
    parts += [_heading("FILES"), FILES, _heading("SEE ALSO"), COMMAND_SEE_ALSO]
    return "\n".join(parts)


def configuration_page() -> str:
    """vipservice.yml(5): every key of the tables that read it."""
    parts = [
        _preamble("vipservice.yml", "the configuration of vipservice", 5),
        _heading("SYNOPSIS"),
        "/etc/vipservice/vipservice.yml\n",
        _heading("DESCRIPTION"),
        CONFIGURATION,
    ]
    for section in SECTIONS:
        parts += [_heading(section.name.upper()), f"{section.doc}\n", *_keys(section)]
    parts += [_heading("TIMING"), _presets(), _heading("EXAMPLE"), _literal(EXAMPLE.read_text())]
    parts += [_heading("SEE ALSO"), "vipservice(8)"]
    return "\n".join(parts)


def _preamble(title: str, subtitle: str, section: int) -> str:
    return PREAMBLE.format(
        title=title,
        line="#" * len(title),
        subtitle=subtitle,
        under="~" * len(subtitle),
        section=section,
        version=__version__,
    )


def _heading(text: str, line: str = "=") -> str:
    return f"\n{text}\n{line * len(text)}\n"


def _literal(text: str) -> str:
    return "::\n\n" + "".join(f"  {line}\n" for line in text.rstrip().splitlines())


def _keys(section: Section) -> Iterator[str]:
    for key in section.keys:
        yield f"**{key.name}**\n    {_escaped(key.doc)} Allowed: {_escaped(key.allowed)}. {_default(key)}\n"


def _default(key: Key[object]) -> str:
    return f"Default: {_escaped(key.default_text)}." if key.default_text not in {"", "None"} else ""


def _presets() -> str:
    lines = (
        f"**{name}**\n    {show_duration(preset.advert_interval)}, {preset.reason}.\n"
        for name, preset in PRESETS.items()
    )
    return "What the words of ``timing`` stand for:\n\n" + "\n".join(lines)


def _escaped(text: str) -> str:
    return re.sub(r"([*`_|\\])", r"\\\1", text)


def _help(*words: str) -> str:
    """What `vipservice WORDS --help` prints."""
    said = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    try:
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            make_parser(*words).parse_args([*words, "--help"])
    finally:
        os.environ.pop("COLUMNS") if before is None else os.environ.update(COLUMNS=before)
    return said.getvalue()
