"""After the last fault exactly the node that the rules name holds the address.

An oracle of its own, from settings and history: whoever can serve and holds it stays, except where a better
node may ask for it.
"""

from tests.simulation.judge.moves import Moves
from tests.simulation.judge.record import Record
from vipservice.core.budgets import REPAIR_FAULT

MOVES_BEFORE_DAMPING = 3
WINDOW = 60.0


def judge_end(record: Record, moves: Moves, problems: list[str]) -> None:
    """Say what is wrong with who holds it at the end of a calm in which everything works again."""
    now = record.lan.now
    willing = [
        name
        for name in record.awake_since
        if record.node(name).groups and name not in moves.drained | moves.stopping
    ]
    able = [name for name in willing if not moves.robbed(name)]
    back = [name for name in willing if not moves.robbed(name, REPAIR_FAULT)]  # after a minute in fault, too
    if any(not record.leased(name) for name in record.holders):
        return  # somebody's own configuration: nobody here may bind, and nobody can make it let go
    holders = record.holders
    few = not able and any(
        moves.robbed(name) for name in holders
    )  # who is alone serves between two robberies
    if len(holders) != min(1, len(able)) and not (few or (moves.cloned and len(able) < 2)):
        problems.append(
            f"{now:.4f} wrong at the end: the address is held by {' and '.join(holders) or 'nobody'}"
        )
    barred = [name for name in holders if name not in back]
    if able and barred:
        problems.append(f"{now:.4f} wrong at the end: {barred[0]} holds it, which may not, and {able[0]} may")
    damped = sum(at > now - WINDOW for at in moves.moved_at) > MOVES_BEFORE_DAMPING
    for name in able:
        settings = record.node(name).groups[0]
        for holder in holders:
            lesser = record.node(holder).groups[0].priority < settings.priority
            if lesser and settings.failback is not None and not damped and not moves.cloned:
                problems.append(
                    f"{now:.4f} wrong at the end: {holder} holds it, and {name} is better and may ask"
                )
