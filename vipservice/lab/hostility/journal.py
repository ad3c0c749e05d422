"""A file of what a long run sees, a line of JSON each, so that nothing is lost when the run ends early."""

import json
import threading
from dataclasses import asdict, fields
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vipservice.lab.hostility.scraping import Sample, Scrape, Usage
from vipservice.lab.hostility.watching import Stretch
from vipservice.lab.results import Record


class Journal:
    """Takes samples and stretches down, from any thread; closed with the block."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._turn:
            self._file.close()

    def run(self, record: Record) -> None:
        """What run this is; its figures are still those that it was asked for."""
        self._write({"kind": "run", **asdict(record)})

    def sample(self, sample: Sample) -> None:
        """A look at one node."""
        self._write({"kind": "sample", **asdict(sample)})

    def stretch(self, stretch: Stretch, load: float, stolen: float) -> None:
        """What was seen since the last stretch, the load at its end, the seconds that a hypervisor took."""
        self._write({"kind": "stretch", "load": load, "stolen": stolen, **asdict(stretch)})

    def noise(self, late: dict[float, float], worst: float) -> None:
        """How late the machine was by itself, over the whole run so far."""
        self._write({"kind": "noise", "late": late, "worst": worst})

    def _write(self, line: dict[str, Any]) -> None:
        with self._turn:
            if not self._file.closed:
                self._file.write(json.dumps(line) + "\n")
                self._file.flush()


class Entries:
    """What is in a journal, read back."""

    def __init__(self, path: Path) -> None:
        self.run: Record | None = None
        self.samples: list[Sample] = []
        self.stretches: list[Stretch] = []
        self.loads: list[float] = []
        self.stolen: list[float] = []
        """Seconds that a hypervisor took in each stretch; empty where it was not noted."""
        self.noise: dict[float, float] = {}
        self.noise_worst = 0.0
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):  # the last one may have been cut off with its run
                self._take(json.loads(line))

    def _take(self, line: dict[str, Any]) -> None:
        match line.pop("kind"):
            case "run":
                self.run = Record(**line)
            case "sample":
                self.samples.append(_sample(line))
            case "stretch":
                self.loads.append(line.pop("load"))
                if "stolen" in line:
                    self.stolen.append(line.pop("stolen"))
                self.stretches.append(Stretch(**line))
            case "noise":
                self.noise, self.noise_worst = _buckets(line["late"]), line["worst"]


def _sample(line: dict[str, Any]) -> Sample:
    scrape = line["scrape"]
    if scrape is not None:
        known = {field.name: scrape.get(field.name, 0.0) for field in fields(Scrape)}
        scrape = Scrape(**{**known, "lag": _buckets(scrape["lag"])})
    return Sample(line["at"], line["node"], Usage(**line["usage"]), scrape)


def _buckets(written: dict[str, float]) -> dict[float, float]:
    """JSON has only text for keys, and prints the open end as Infinity's text."""
    return {inf if end in {"inf", "Infinity"} else float(end): count for end, count in written.items()}
