"""The keys of a hook, one row each."""

from typing import Any

from vipservice.config.check_keys import read_argv
from vipservice.config.check_settings import HookSettings
from vipservice.config.scalars import duration, read_name, word_of
from vipservice.config.schema import Key, Reader, Values, list_of, mapping_of, not_empty

ROLES = ("active", "backup", "fault")
INCIDENTS = ("conflict", "repair", "handover")
OCCASIONS = (*ROLES, *INCIDENTS)
DEFAULT_TIMEOUT = 30.0
MAX_NAME_BYTES = 63

_read_occasions: Reader[tuple[str, ...]] = not_empty(list_of(word_of({word: word for word in OCCASIONS})))

RUN: Key[tuple[str, ...]] = Key(
    "run",
    read_argv,
    (),
    "a list: the program's absolute path, then its arguments",
    "The program. It gets what happened as JSON on its standard input and in its environment; no shell.",
    "none",
)
NAME: Key[str | None] = Key(
    "name",
    read_name,
    None,
    "1 to 63 printable bytes",
    "What status, history and metrics call it; different for each hook of the group.",
    "the program's file name",
)
ON: Key[tuple[str, ...]] = Key(
    "on",
    _read_occasions,
    ROLES,
    f"one or several of {', '.join(OCCASIONS)}",
    "When to run it: with a role that this node takes, a stranger that answers for the address, an address "
    "that was put back, or a handover.",
    "[active, backup, fault]",
)
TIMEOUT: Key[float] = Key(
    "timeout",
    duration(0.1, 3600),
    DEFAULT_TIMEOUT,
    "a duration between 100ms and 1h",
    "After this long its process group is killed.",
    "30s",
)
USER: Key[str] = Key(
    "user",
    read_name,
    "",
    "a user's name",
    "Who runs it, through a transient unit of systemd.",
    "the service's user, without its capabilities",
)
HOOK_KEYS: tuple[Key[Any], ...] = (RUN, NAME, ON, TIMEOUT, USER)


def _make(values: Values) -> HookSettings:
    argv = values[RUN]
    occasions = values[ON]
    file_name = argv[0].rsplit("/", 1)[-1].encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    return HookSettings(
        name=values[NAME] or file_name,
        argv=argv,
        on=frozenset(occasions),
        timeout=values[TIMEOUT],
        user=values[USER],
    )


read_hook = mapping_of(HOOK_KEYS, _make, (RUN,))
"""One hook of the list."""
