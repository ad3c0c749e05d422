"""A draft as a file that our own loader takes: what it refuses is taken out and told."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from vipservice.cli.importing.draft import Draft
from vipservice.config.load import loads
from vipservice.config.problems import ConfigError, Problem

ATTEMPTS = 100
"""Each takes out at least one thing; a draft with more that is wrong is not somebody's configuration."""

GROUP = re.compile(r"floating_ip\[(\d+)\](?:\.(.*))?")
STEP = re.compile(r"([a-z_]+)(?:\[(\d+)\])?")
VITAL = frozenset({"id", "ip", "name"})
"""Without these a group would be another one than was meant."""


def write(draft: Draft, source: str) -> str:
    """Write the file, its head telling what could not be carried over.

    Raises:
        ConfigError: Nothing is left that could be written.
    """
    for _ in range(ATTEMPTS):
        if not draft.groups:
            break
        text = _yaml(draft.data())
        try:
            loads(text, Path("-"))
        except ConfigError as error:
            _take_out(draft, error.problems)
        else:
            return "".join(_head(draft, source)) + text
    hint = "; ".join(draft.sentences())
    raise ConfigError(
        Path(source), [Problem(0, "", "has no floating IPv4 address that can be imported", hint)]
    )


def _yaml(data: dict[str, Any]) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def _head(draft: Draft, source: str) -> Iterator[str]:
    yield f"# Written by 'vipservice import' from {_printable(source)}; try it with 'vipservice check'.\n"
    if any("advert_interval" in group for group in draft.groups):
        yield "# The advert_interval is theirs; without it adverts go each 100ms, for failovers in 0.3 s.\n"
    if notes := draft.sentences():
        yield "#\n# Not carried over:\n"
        yield from (f"#   {_printable(note)}\n" for note in notes)
    yield "\n"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _take_out(draft: Draft, problems: tuple[Problem, ...]) -> None:
    """Remove the values that these problems are about; from the last on, so that numbers stay right."""
    for problem in sorted(set(problems), key=_place, reverse=True):
        match = GROUP.fullmatch(problem.key_path)
        if match is None or int(match[1]) >= len(draft.groups):
            draft.peers.clear()
            draft.note(f"the peers: {problem.found}")
            continue
        group = draft.groups[int(match[1])]
        name = group["name"]
        if not _remove(group, match[2] or ""):
            draft.groups.remove(group)
        draft.note(f"{name}{'.' if match[2] else ''}{match[2] or ''}: {problem.found}")


def _place(problem: Problem) -> list[tuple[int, str]]:
    """A key path with its numbers as numbers."""
    return [
        (int(number or -1), name) for name, number in re.findall(r"([a-z_]+)?\[?(\d+)?", problem.key_path)
    ]


def _remove(group: dict[str, Any], path: str) -> bool:
    """Take a value out of a group; False where the group is none without it.

    A problem inside of a list's entry takes the entry with it.
    """
    step = STEP.match(path)
    if step is None or step[1] not in group:
        return path.startswith(("hooks", "checks"))
    key, index = step[1], step[2]
    values = group[key]
    if index is not None and isinstance(values, list) and int(index) < len(values):
        del values[int(index)]
        if values:
            return True
    if key in VITAL:
        return False
    del group[key]
    return True
