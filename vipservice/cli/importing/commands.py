"""The programs that keepalived's scripts name: a list for us, never a line for a shell."""

import re
import shlex
from typing import Any

SHELL = re.compile(r"[|&;<>()$`*?\[\]~]")
PORT = re.compile(r"(?:(?:/bin/)?(?:ba)?sh -c '?\s*)?</dev/tcp/([A-Za-z0-9.:_-]+)/([0-9]{1,5})'?")
PROCESS = re.compile(r"(?:/\S*/)?(?:killall(?:5)? -0|pidof(?: -s)?|pgrep -x) ([A-Za-z0-9_.-]{1,63})")
ENV = "/usr/bin/env"


def argv(text: str) -> list[str] | None:
    """A program and its arguments; None where only a shell could read it."""
    if SHELL.search(text):
        return None
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    if not words or (len(words[0].split("/")) > 1 and not words[0].startswith("/")):
        return None  # a path that begins nowhere
    return words if words[0].startswith("/") else [ENV, *words]


def asked(text: str) -> dict[str, Any] | None:
    """What a check of ours asks instead of running this: a port, a process, else the program."""
    text = text.strip()
    if port := PORT.fullmatch(text):
        host = f"[{port[1]}]" if ":" in port[1] else port[1]
        return {"tcp": f"{host}:{port[2]}"}
    if process := PROCESS.fullmatch(text):
        return {"process": process[1]}
    program = argv(text)
    return None if program is None else {"command": program}
