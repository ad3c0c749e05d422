"""What a run of the demo found, as values for machines."""

from dataclasses import asdict, dataclass
from typing import Any

from vipservice.lab.demo.play import RESOLUTION, Result


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run. Durations in seconds."""

    interval: str
    results: tuple[Result, ...]
    seconds: float
    """From the first start to the end."""
    owned_twice: float
    """For how long two kernels between which frames could pass had the address, in the whole run."""
    sent: int
    lost: int
    noise: float
    """The longest gap with nothing happening."""

    @property
    def safe(self) -> bool:
        """Nobody ever owned it twice, in the whole run, incidents and what lies between them."""
        return self.owned_twice == 0 and all(result.most <= 1 for result in self.results)

    @property
    def missed(self) -> list[Result]:
        """Incidents whose bar was not held."""
        return [result for result in self.results if result.held is False]

    @property
    def tolerance(self) -> float:
        """What is added to a bar: what this machine does with nothing happening."""
        return max(self.noise, RESOLUTION)


def to_json(report: Report) -> dict[str, Any]:
    """The report as JSON takes it; durations in seconds, `began` and `ended` since the first start."""
    zero = report.results[0].began if report.results else 0.0
    return {
        "interval": report.interval,
        "seconds": round(report.seconds, 3),
        "owned_twice": report.owned_twice,
        "safe": report.safe,
        "sent": report.sent,
        "lost": report.lost,
        "noise": report.noise,
        "events": [_event(result, zero) for result in report.results],
    }


def _event(result: Result, zero: float) -> dict[str, Any]:
    values = asdict(result)
    moments = {key: round(values[key] - zero, 4) for key in ("began", "ended")}
    return {**values, **moments, "allowed": result.allowed, "held": result.held}
