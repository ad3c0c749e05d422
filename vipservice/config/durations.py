"""Durations as operators write them: `100ms`, `3s`, `1m`, `2h`. In the program they are seconds."""

import re
from decimal import Decimal

UNITS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}

_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?([a-zA-Z]*)")


class DurationError(ValueError):
    """A text is no duration; the message continues "found '5', ..."."""


def parse_duration(text: str) -> float:
    """Read a duration in seconds; the unit is required.

    Raises:
        DurationError: It is none.
    """
    if text.startswith("-"):
        raise DurationError("which is negative")
    match = _DURATION.fullmatch(text)
    if match is None:
        raise DurationError("which is not a duration")
    number, unit = match.groups()
    if not unit:
        raise DurationError("which has no unit")
    if unit not in UNITS:
        raise DurationError("which has no unit that we know (ms, s, m, h)")
    return float(Decimal(number) * UNITS[unit])


def show_duration(seconds: float) -> str:
    """Write a duration the way `parse_duration` reads it, in the largest unit that stays whole.

    A minute stays 60s: up to two of them, seconds are what people say.
    """
    milliseconds = Decimal(repr(round(seconds, 9))) * 1000
    if milliseconds % 1000 or not milliseconds:
        return f"{_plain(milliseconds)}ms"
    whole = int(milliseconds) // 1000
    if whole % 3600 == 0:
        return f"{whole // 3600}h"
    if whole % 60 == 0 and whole > 60:
        return f"{whole // 60}m"
    return f"{whole}s"


def _plain(number: Decimal) -> str:
    """Write a number without exponent and trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
