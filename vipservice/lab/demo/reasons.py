"""Why the address moved, or didn't, in the nodes' own words: sentences of their logs, none of ours."""

from collections.abc import Sequence

from vipservice.core.actions import ConditionKind
from vipservice.lab.demo.cluster import Sentence

_CONDITIONS = tuple(f"{kind.value.replace('_', ' ')}: " for kind in ConditionKind)


def reason(said: Sequence[Sentence], owner: str | None) -> str:
    """The sentence that tells the most: who took it and why, else what is alarming, else who changed role."""
    for found in (_taken(said, owner), _alarm(said), _turned(said), _removed(said)):
        if found:
            return found
    return ""


def role_changes(said: Sequence[Sentence]) -> int:
    """How often a node entered or left active; adopting an address of one's own earlier life is neither."""
    turns = [sentence.turn for sentence in said if sentence.turn is not None]
    return sum((old == "active") or (new == "active" and old != "initialize") for old, new, _detail in turns)


def _taken(said: Sequence[Sentence], owner: str | None) -> str:
    """Why the owner became active."""
    for sentence in said:
        if sentence.node == owner and sentence.turn is not None and sentence.turn[1] == "active":
            return f"node-{owner}: {sentence.turn[2]}"
    return ""


def _alarm(said: Sequence[Sentence]) -> str:
    alarms = [sentence for sentence in said if sentence.text.startswith(_CONDITIONS)]
    return f"node-{alarms[0].node}: {alarms[0].text}" if alarms else ""


def _turned(said: Sequence[Sentence]) -> str:
    turned = [sentence for sentence in said if sentence.turn is not None]
    return f"node-{turned[-1].node}: {turned[-1].text.removeprefix('role ')}" if turned else ""


def _removed(said: Sequence[Sentence]) -> str:
    """Whatever else a node found worth a warning, or its last word."""
    grave = [sentence for sentence in said if sentence.level == "warning"] or list(said)
    return f"node-{grave[0].node}: {grave[0].text}" if grave else ""
