"""How hooks went, as values."""

from vipservice.core.frozen import dataclass


@dataclass(frozen=True, slots=True)
class HookStatus:
    """How a hook's last run went."""

    name: str
    event: str = ""
    result: str = ""
    """`ok`, `failed`, `timed_out`, `not_started`; empty where it has not been run."""
    status: int | None = None
    """Exit status, minus the signal's number where one ended it."""
    seconds: float = 0.0
    output: str = ""
    at: float = 0.0
    """Wall clock, seconds since the epoch."""


def sentence(status: HookStatus) -> str:
    """How a run went, for log and history."""
    how = {
        "ok": "done",
        "failed": f"failed with exit status {status.status}",
        "timed_out": "killed: it took too long",
        "not_started": "not started",
    }[status.result]
    said = f": {status.output}" if status.output else ""
    return f"hook {status.name} for {status.event} {how} after {status.seconds:.2f} s{said}"
