"""`vipservice upgrade`: the daemon becomes the code that is installed now, and says how that went."""

import argparse
import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vipservice.cli import exit_codes
from vipservice.cli.asking import Answer, HungUpError, add_socket, ask
from vipservice.cli.exit_codes import CommandError

EXAMPLES = """\
example:
  vipservice upgrade                        after the package has been installed anew

Same process, same configuration file, new code: the address stays where it is, and no client notices. The new
code is tried beside the running one first; where it does not start, or refuses the configuration, nothing
changes. Every key is read anew but 'node.state_directory' and 'node.control_socket', which need a restart.
A lease that is shorter than the start of the new code and half a second needs a restart, too.
"""

UPGRADE_TIMEOUT = 30.0
"""Seconds for the rehearsal, and for a turn that is under way."""

BACK_WITHIN = 15.0
LOOK_AGAIN = 0.05
SETTLED = {"active", "backup", "fault"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where."""
    add_socket(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Ask for it, wait for the new code, and compare."""
    before = ask(arguments.socket, {"command": "status"})
    _ask_for_it(arguments.socket)
    after = _wait_for_other_life(arguments.socket, before)
    print(_summary(before, after))
    if moved := _moved(before, after):
        raise CommandError(exit_codes.TEMPFAIL, moved, "see 'vipservice history'")
    return exit_codes.OK


def _ask_for_it(path: Path) -> None:
    """No answer is the good one: the process that would give it is another by then."""
    try:
        answer = ask(path, {"command": "upgrade"}, UPGRADE_TIMEOUT)
    except HungUpError:
        return
    raise CommandError(exit_codes.UNAVAILABLE, str(answer.get("detail", "refused")))


def _wait_for_other_life(path: Path, before: Answer) -> Answer:
    deadline = time.monotonic() + BACK_WITHIN
    while time.monotonic() < deadline:
        with contextlib.suppress(CommandError):
            status = ask(path, {"command": "status"})
            if status["incarnation"] != before["incarnation"] and _settled(status, before):
                return status
        time.sleep(LOOK_AGAIN)
    raise CommandError(
        exit_codes.UNAVAILABLE,
        f"the new code did not take part within {BACK_WITHIN:g} s",
        "see its log: journalctl -u vipservice",
    )


def _settled(status: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether it takes part again, as far as it did."""
    as_before = SETTLED | {group["role"] for group in before["groups"]}
    return status["upgraded"] is not None and all(group["role"] in as_before for group in status["groups"])


def _summary(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    roles = ", ".join(f"{group['name']} is {group['role']}" for group in after["groups"]) or "no groups"
    stood = after["upgraded"]["stood_for"]
    return f"vipservice {before['version']} -> {after['version']}: the loop stood for {stood:.3f} s; {roles}"


def _moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What is active or not active any more; nothing where all is as it was."""
    roles = {group["id"]: group["role"] for group in after["groups"]}
    return "; ".join(
        f"{group['name']} was {group['role']} and is {roles.get(group['id'], 'gone')}"
        for group in before["groups"]
        if (group["role"] == "active") != (roles.get(group["id"]) == "active")
    )
