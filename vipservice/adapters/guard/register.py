"""What a guard guards, on disk: so that the next one knows if this one is killed together with its daemon.

Written when an address comes or goes, not at each renewal. It lies where a boot clears it, as a boot clears
the addresses.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from vipservice.adapters.guard.messages import GuardMessageError, Held, read_request

LONGEST_LEASE = 60.0
"""Seconds that an address may stay which was guarded by somebody else; renewals make it longer."""


def load(path: Path) -> dict[Held, float]:
    """Addresses and the seconds of their leases; none where the file is missing or spoilt."""
    with suppress(OSError, ValueError, RecursionError, GuardMessageError, TypeError, KeyError):
        listed = json.loads(path.read_text())
        return {held: _bounded(seconds) for held, seconds in map(_entry, listed)}
    return {}


def save(path: Path, leases: Mapping[Held, float]) -> None:
    """Replace the file; `leases` has seconds that are left."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps([[*held, seconds] for held, seconds in leases.items()]))
    draft.replace(path)


def _entry(listed: list[object]) -> tuple[Held, float]:
    """By the same reader as a word of the daemon: these become words of a command."""
    interface, address, seconds = listed
    said = json.dumps({"n": 0, "keep": [interface, address], "until": seconds})
    keep = read_request(said.encode())
    return keep.held, keep.until  # type: ignore[union-attr] # it is a Keep: that is what was written


def _bounded(seconds: float) -> float:
    return max(0.0, min(seconds, LONGEST_LEASE))
