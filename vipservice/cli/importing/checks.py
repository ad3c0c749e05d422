"""track_script, track_process and track_interface of keepalived.conf(5) as checks."""

from collections.abc import Mapping
from typing import Any

from vipservice.cli.importing.blocks import Statement
from vipservice.cli.importing.commands import asked
from vipservice.cli.importing.draft import Draft, Group
from vipservice.cli.importing.numbers import seconds, whole

GREATEST = 254
MOST_WEIGHT = 253
DEFAULT_INTERVAL = "1s"
"""keepalived's, where a script says none; it counts one good and one bad try."""

KNOWN = {"script", "interval", "timeout", "rise", "fall", "weight", "process", "quorum"}


def track_script(draft: Draft, group: Group, statement: Statement, scripts: Mapping[str, Statement]) -> None:
    """A check for each script that the instance tracks."""
    for entry in statement.block:
        script = scripts.get(entry.keyword)
        if script is None:
            draft.note("track_script: names a script that the file does not have", entry.line)
            continue
        said = {inner.keyword: inner for inner in script.block}
        text = _first(said, "script", whole_line=True)
        check = asked(text)
        if check is None:
            draft.note(
                "vrrp_script: only a shell could run it; write a program, or another check", script.line
            )
            continue
        _leave(draft, said)
        _add(draft, group, {**check, "name": entry.keyword, **_pace(said)}, _weight(entry, said))


def track_process(
    draft: Draft, group: Group, statement: Statement, processes: Mapping[str, Statement]
) -> None:
    """A check for each process that the instance tracks."""
    for entry in statement.block:
        process = processes.get(entry.keyword)
        said = {inner.keyword: inner for inner in process.block} if process else {}
        name = _first(said, "process")
        if not name:
            draft.note("track_process: names a process that the file does not have", entry.line)
            continue
        check: dict[str, Any] = {"process": name.rsplit("/", 1)[-1], "name": entry.keyword}
        if count := whole(_first(said, "quorum")):
            check["count"] = count
        _leave(draft, said)
        _add(draft, group, check, _weight(entry, said))


def track_interface(draft: Draft, group: Group, statement: Statement) -> None:
    """A check for each further interface."""
    for entry in statement.block:
        check = {"interface": entry.keyword, "name": f"interface {entry.keyword}"}
        _add(draft, group, check, _weight(entry, {}))


def _first(said: Mapping[str, Statement], keyword: str, whole_line: bool = False) -> str:
    found = said.get(keyword)
    if found is None or not found.arguments:
        return ""
    return " ".join(found.arguments) if whole_line else found.arguments[0]


def _pace(said: Mapping[str, Statement]) -> dict[str, Any]:
    pace: dict[str, Any] = {"interval": seconds(_first(said, "interval")) or DEFAULT_INTERVAL}
    if (timeout := seconds(_first(said, "timeout"))) not in {None, "0ms"}:
        pace["timeout"] = timeout
    for keyword in ("rise", "fall"):
        pace[keyword] = whole(_first(said, keyword)) or 1
    return pace


def _weight(entry: Statement, said: Mapping[str, Statement]) -> int:
    options = dict(zip(entry.arguments[::2], entry.arguments[1::2], strict=False))
    return whole(options.get("weight", _first(said, "weight"))) or 0


def _leave(draft: Draft, said: Mapping[str, Statement]) -> None:
    for keyword, statement in said.items():
        if keyword.startswith("@"):
            draft.note("lines for one configuration id (@...) are left out", statement.line)
        elif keyword not in KNOWN:
            draft.note(f"{keyword[:40]}: a check has no such key", statement.line)


def _add(draft: Draft, group: Group, check: dict[str, Any], weight: int) -> None:
    """Theirs adds to the priority while all is well, or takes off while it is not; ours only takes off."""
    if weight > 0:
        group["priority"] = min(GREATEST, group["priority"] + weight)
        name = group["name"]
        draft.note(
            f"{name[:40]}: weights that add while a check passes are taken off a greater priority instead"
        )
    checks = group.setdefault("checks", [])
    if any(one["name"] == check["name"] for one in checks):
        return
    checks.append({**check, "weight": min(MOST_WEIGHT, abs(weight))} if weight else check)
