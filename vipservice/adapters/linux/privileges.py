"""Which of the two capabilities a process lacks (capabilities(7))."""

from collections.abc import Iterable
from pathlib import Path

_NEEDED = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13}
_STATUS = Path("/proc/thread-self/status")


def missing_capabilities(status: Path | None = None) -> tuple[str, ...]:
    """Names of the capabilities the daemon needs and this thread, or that of `status`, does not have."""
    with (status or _STATUS).open(encoding="ascii", errors="replace") as lines:
        effective = _effective(lines)
    return tuple(name for name, bit in _NEEDED.items() if not effective >> bit & 1)


def _effective(lines: Iterable[str]) -> int:
    """The effective set as a number; none where the kernel does not tell."""
    for line in lines:
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0
