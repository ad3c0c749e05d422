"""What a record of address changes and of cuts says about who owned an address: arithmetic, no kernel."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from vipservice.core.values import Address
from vipservice.lab.reach import ReachChange, Segments


@dataclass(frozen=True, slots=True)
class Turn:
    """At `at` (seconds, the lab's clock) a host's kernel got the address, or lost it."""

    at: float
    host: str
    address: Address
    held: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """How it stood from `since` until the next one."""

    since: float
    serving: frozenset[str]
    """Owners whom the client can reach."""
    most: int
    """The greatest number of owners within one broadcast domain."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """How an address was owned during a window. `none`, `one` and `several` are seconds and add up to it."""

    address: Address
    since: float
    until: float
    none: float
    """Nobody whom the client could reach."""
    one: float
    several: float
    """Two or more in one broadcast domain: what must never be."""
    most: int
    """The greatest number of owners at once in one broadcast domain."""
    final: frozenset[str]
    """Who owned it at the end, of those whom the client could reach."""
    moves: int
    """How often another host than the last owner became the only one."""


def holdings(turns: Iterable[Turn], changes: Iterable[ReachChange], client: str) -> list[Holding]:
    """Replay the turns of one address and the cuts, oldest first.

    Turns keep their order where stamps are equal; a cut at the same instant comes first.
    """
    held: set[str] = set()
    segments: Segments = {}
    found = []
    course: list[ReachChange | Turn] = [*changes, *turns]
    for at, events in groupby(sorted(course, key=_at), key=_at):
        for event in events:
            if isinstance(event, ReachChange):
                segments = event.segments
            elif event.held:
                held.add(event.host)
            else:
                held.discard(event.host)
        found.append(_holding(at, held, segments, client))
    return found


def ownership(address: Address, course: Sequence[Holding], since: float, until: float) -> Ownership:
    """Sum a course up over a window; before its first entry nobody owned the address."""
    window = list(_clip(course, since, until))
    seconds = {"none": 0.0, "one": 0.0, "several": 0.0}
    for now, then in pairwise([*window, Holding(until, frozenset(), 0)]):
        seconds[_kind(now)] += then.since - now.since
    return Ownership(
        address,
        since,
        until,
        **seconds,
        most=max(holding.most for holding in window),
        final=window[-1].serving,
        moves=_moves(window),
    )


def _at(event: ReachChange | Turn) -> float:
    return event.at


def _holding(at: float, held: set[str], segments: Segments, client: str) -> Holding:
    domains: dict[str, set[str]] = {}
    for host in held:
        domain = segments.get(host)
        if domain is not None:
            domains.setdefault(domain, set()).add(host)
    home = segments.get(client)
    serving = domains.get(home, set()) if home is not None else set()
    return Holding(at, frozenset(serving), max(map(len, domains.values()), default=0))


def _kind(holding: Holding) -> str:
    if holding.most > 1:
        return "several"
    return "one" if holding.serving else "none"


def _clip(course: Sequence[Holding], since: float, until: float) -> Iterator[Holding]:
    """The course within the window, its first entry moved to the window's begin."""
    before = [holding for holding in course if holding.since <= since]
    first = before[-1] if before else Holding(since, frozenset(), 0)
    yield Holding(since, first.serving, first.most)
    yield from (holding for holding in course if since < holding.since < until)


def _moves(window: Sequence[Holding]) -> int:
    owners = [holding.serving for holding in window if len(holding.serving) == 1]
    return sum(before != after for before, after in pairwise(owners))
