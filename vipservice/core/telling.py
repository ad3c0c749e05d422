"""What a backup's verdict means to an operator: exactly the condition that it means is on."""

from vipservice.core.actions import ConditionKind
from vipservice.core.group import Group
from vipservice.core.silence import Silence
from vipservice.core.timing import LAPSE_TAIL
from vipservice.core.values import Mac
from vipservice.core.verdicts import Conflict, HeldByPeer, Unknown, Verdict

LOOKING_CONDITIONS = (ConditionKind.HELD_BY_SILENT_PEER, ConditionKind.CONFLICT, ConditionKind.DEAF)

TELL_AFTER = 1.0
"""Seconds of silence of a holder that are worth a word: at short intervals a few milliseconds are not."""


def tell(group: Group, silence: Silence, verdict: Verdict, now: float) -> None:
    """Begin, refresh or end what the verdict has to say."""
    told = _condition(group, silence, verdict, now)
    for kind in LOOKING_CONDITIONS:
        group.note(kind, kind in told, told.get(kind, ""))


def _condition(group: Group, silence: Silence, verdict: Verdict, now: float) -> dict[ConditionKind, str]:
    match verdict:
        case HeldByPeer(mac) if now - silence.since >= TELL_AFTER:
            return {ConditionKind.HELD_BY_SILENT_PEER: _held_silently(group, silence, mac, now)}
        case Conflict(mac):
            return {ConditionKind.CONFLICT: f"the stranger {group.around.call(mac)} answers for the address"}
        case Unknown(reason) if group.barred is None:
            return {ConditionKind.DEAF: reason}
    return {}


def _held_silently(group: Group, silence: Silence, mac: Mac, now: float) -> str:
    said = f"{group.around.call(mac)} answers for the address but none of its adverts come through"
    watched = silence.watched
    outlived = watched and mac in watched.macs and now > watched.lease_end + LAPSE_TAIL
    return f"{said}; the address has outlived the lease, so its daemon lives" if outlived else said
