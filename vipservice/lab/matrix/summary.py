"""What the trials of an event say together: medians, the worst, and whether the bar was held."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from vipservice.lab.demo.play import RESOLUTION
from vipservice.lab.matrix.rows import ROWS, Row
from vipservice.lab.matrix.settings import BY_NAME, SETTINGS
from vipservice.lab.matrix.trials import Trial

HELD = "held"
MISSED = "MISSED"
NOT_JUDGED = "not judged"

OURS_BESIDE = {"100ms": "keepalived@100ms", "10ms": "keepalived@10ms", "5ms": "keepalived@10ms"}
"""keepalived at the same pace, or at its fastest."""
FASTEST = "keepalived@10ms"


@dataclass(frozen=True, slots=True)
class Summary:
    """All trials of an event with one setting and so many nodes. Durations in seconds."""

    event: str
    setting: str
    nodes: int
    company: str
    trials: int
    """Those that nothing disturbed; gaps, losses and role changes are theirs."""
    disturbed: int
    """The others."""
    gap: float
    """The median of the longest gaps."""
    worst: float
    gap_over: bool
    """Whether all of them had an end in the watch."""
    lost: float
    owners: int
    """The greatest number at once in any trial, disturbed or not."""
    twice: float
    """The longest time with more than one in any trial."""
    for_good: bool
    """Whether there was more than one when the watch of some trial ended."""
    role_changes: float
    noise: float
    bar: float | None
    verdict: str
    """Whether the bar was held; empty where there is none."""
    why: str = ""
    """What made it miss."""

    @property
    def floor(self) -> float:
        """The gap, but never less than what can be told from nothing."""
        return max(self.gap, self.noise, RESOLUTION)


def summaries(trials: Iterable[Trial]) -> list[Summary]:
    """One for each event, setting and number of nodes, in the order of the tables."""
    groups: dict[tuple[int, str, str], list[Trial]] = defaultdict(list)
    for one in trials:
        groups[one.nodes, one.event, one.setting].append(one)
    events, settings = list(ROWS), [setting.name for setting in SETTINGS]
    order = sorted(groups, key=lambda key: (key[0], events.index(key[1]), settings.index(key[2])))
    return [_summary(groups[key]) for key in order]


def ratio(theirs: Summary, ours: Summary) -> float:
    """How many times longer their outage is than ours; 1 where neither can be told from nothing."""
    return theirs.floor / ours.floor


def _summary(trials: Sequence[Trial]) -> Summary:
    calm = [one for one in trials if one.calm] or list(trials)
    first = trials[0]
    setting, row = BY_NAME[first.setting], ROWS[first.event]
    bar = row.step.bar_at(setting.pace) if setting.ours else None
    why = _missed(row, setting.pace, bar, trials) if setting.ours else ""
    judged = setting.ours and (bar is not None or bool(why))
    return Summary(
        event=first.event,
        setting=first.setting,
        nodes=first.nodes,
        company=first.company,
        trials=sum(one.calm for one in trials),
        disturbed=sum(not one.calm for one in trials),
        gap=median(one.gap for one in calm),
        worst=max(one.gap for one in calm),
        gap_over=all(one.gap_over for one in calm),
        lost=median(one.lost for one in calm),
        owners=max(one.owners for one in trials),
        twice=max(one.twice for one in trials),
        for_good=any(one.owners_left > 1 for one in trials),
        role_changes=median(one.role_changes for one in calm),
        noise=_noise(calm),
        bar=bar,
        verdict=_verdict(why, calm) if judged else "",
        why=why,
    )


def _verdict(why: str, calm: Sequence[Trial]) -> str:
    if why:
        return MISSED
    return HELD if calm[0].calm else NOT_JUDGED


def _noise(trials: Sequence[Trial]) -> float:
    """The median of the longest gaps with nothing happening; none was measured before a start."""
    return median([one.noise for one in trials if one.noise] or [0.0])


def _missed(row: Row, pace: str, bar: float | None, trials: Sequence[Trial]) -> str:
    """Why the promise of a row was not kept; nothing where it was.

    Two owners count in every trial; how long a gap was, in those that nothing disturbed.
    """
    calm = [one for one in trials if one.calm]
    tolerance = max(_noise(calm), RESOLUTION)
    if row.two_owners is None:
        several = [one.twice for one in trials if one.owners > 1]
    else:
        allowed = row.two_owners[pace] + tolerance
        several = [one.twice for one in calm if one.twice > allowed or one.owners > 2]
    if several:
        return f"two owners for up to {1000 * max(several):.1f} ms"
    wrong = [one for one in calm if one.overdue or not one.as_it_must]
    if wrong:
        return wrong[0].overdue or f"{row.step.fate.value}: not so in {len(wrong)} of {len(calm)} trials"
    if bar is None or not calm:
        return ""
    if bar == 0:
        lost = median(one.lost for one in calm)
        return f"{lost:g} pings lost" if lost else ""
    gap = median(one.gap for one in calm)
    return f"{1000 * gap:.1f} ms" if gap > bar + tolerance else ""
