"""What a look at something led to, in words for whoever has to act on it."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from vipservice.cli import exit_codes
from vipservice.core.frozen import dataclass


class Severity(IntEnum):
    """How bad it is; the greater the worse."""

    OK = 0
    INFO = 1
    """Worth knowing; nothing is wrong."""
    WARNING = 2
    """It works now, and a fault that it should survive will hurt."""
    ERROR = 3
    """It does not work, or two hosts could have the address."""

    @property
    def word(self) -> str:
        """As it is printed."""
        return self.name.lower()


WARNINGS = 1
"""Exit code for warnings and nothing worse."""

_EXIT_CODES = {
    Severity.OK: exit_codes.OK,
    Severity.INFO: exit_codes.OK,
    Severity.WARNING: WARNINGS,
    Severity.ERROR: exit_codes.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what is there, why it matters, what to do."""

    check: str
    """What was looked at, in one word; the same in every release, for programs."""
    severity: Severity
    what: str
    why: str = ""
    do: str = ""
    snippet: tuple[str, ...] = ()
    """Lines to copy: commands, or a file."""


def ok(check: str, what: str) -> Finding:
    """Nothing to do."""
    return Finding(check, Severity.OK, what)


def info(check: str, what: str, why: str = "", do: str = "", snippet: Iterable[str] = ()) -> Finding:
    """Worth knowing."""
    return Finding(check, Severity.INFO, what, why, do, tuple(snippet))


def warning(check: str, what: str, why: str, do: str, snippet: Iterable[str] = ()) -> Finding:
    """Works, until something else happens."""
    return Finding(check, Severity.WARNING, what, why, do, tuple(snippet))


def error(check: str, what: str, why: str, do: str, snippet: Iterable[str] = ()) -> Finding:
    """Does not work."""
    return Finding(check, Severity.ERROR, what, why, do, tuple(snippet))


def worst(findings: Iterable[Finding]) -> Severity:
    """The severity that decides."""
    return max((finding.severity for finding in findings), default=Severity.OK)


def exit_code(findings: Iterable[Finding]) -> int:
    """By severity; 78 where the configuration is what is wrong."""
    found = list(findings)
    if any(one.check == "configuration" and one.severity is Severity.ERROR for one in found):
        return exit_codes.CONFIG
    return _EXIT_CODES[worst(found)]


def to_json(findings: Iterable[Finding]) -> dict[str, Any]:
    """For programs: `worst`, and `findings` [{`check`, `severity`, `what`, `why`, `do`, `snippet`}]."""
    found = list(findings)
    return {
        "worst": worst(found).word,
        "findings": [
            {
                "check": one.check,
                "severity": one.severity.word,
                "what": one.what,
                "why": one.why,
                "do": one.do,
                "snippet": list(one.snippet),
            }
            for one in found
        ],
    }
