"""How moments, durations and round trips are written for people."""

from datetime import UTC, datetime
from math import inf

from vipservice.adapters.page.markup import Markup, element
from vipservice.runtime.status import rfc3339

NO_BREAK = "\N{NO-BREAK SPACE}"


def moment(wall: float) -> Markup:
    """A moment of the wall clock: `22 Nov 12:03:04 UTC`."""
    written = datetime.fromtimestamp(wall, UTC).strftime("%d %b %H:%M:%S UTC")
    return element("time", written, datetime=rfc3339(wall))


def duration(seconds: float) -> str:
    """As people say it, in its two largest units: `0.3 s`, `12 s`, `2 h 14 min`; no line breaks in a unit."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f}{NO_BREAK}s"
    if seconds < 60:
        return f"{seconds:.0f}{NO_BREAK}s"
    minutes, left = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}{NO_BREAK}min {left}{NO_BREAK}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}{NO_BREAK}h {minutes}{NO_BREAK}min"
    return f"{hours // 24}{NO_BREAK}d {hours % 24}{NO_BREAK}h"


def ago(seconds: float) -> str:
    """How long it is since something was heard: `0.1 s ago`, `12 min ago`, `never`."""
    if seconds == inf:
        return "never"
    return f"{duration(seconds) if seconds < 60 else duration(seconds).partition(' ')[0]} ago"


def milliseconds(seconds: float) -> str:
    """A short duration in three digits: `0.21 ms`, `12 ms`, `1.2 s`."""
    if seconds >= 1:
        return f"{seconds:.1f}{NO_BREAK}s"
    value = 1000 * seconds
    digits = 0 if value >= 10 else 1 if value >= 1 else 2
    return f"{value:.{digits}f}{NO_BREAK}ms"
