"""One story for all tests: three real nodes, a real Prometheus, and what befell them."""

import shutil
from collections.abc import Iterator

import pytest

from grafana.answers import Answer, Window, ask, panels
from grafana.story import Moment, Story, play
from vipservice.lab.prometheus import PROGRAM, Series

PANELS = panels()
FRESH = 2.0
"""A series whose last sample is older than so many seconds shows nothing at that moment."""


class Told:
    """The story when it is over, and what the dashboard showed at its moments."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.moments = story.moments

    def at(self, title: str, event: str) -> list[tuple[str, Series]]:
        """What a panel showed when all had settled after the event: names and series, by all its queries."""
        moment = self.moments[event]
        answers = self._ask(title, moment.wall)
        return [
            (name, series)
            for answer in answers
            for name, series in zip(answer.names(), answer.series, strict=True)
            if moment.wall - series.samples[-1][0] < FRESH
        ]

    def numbers(self, title: str, event: str) -> dict[str, float]:
        """The same, as numbers by name; what is no number is left out."""
        found = self.at(title, event)
        assert len({name for name, _ in found}) == len(found), "two series have the same name"
        return {name: one.value for name, one in found if one.value == one.value}

    def throughout(self, title: str) -> dict[str, tuple[tuple[float, float], ...]]:
        """What a panel showed over the whole story: samples (wall clock, number) by name."""
        (answer,) = self._ask(title, self.story.ended)
        return {name: series.samples for name, series in zip(answer.names(), answer.series, strict=True)}

    def others(self, event: str) -> set[str]:
        """The nodes with power that did not own the address."""
        moment = self.moments[event]
        return set(moment.alive) - {moment.owner}

    def _ask(self, title: str, until: float) -> list[Answer]:
        return ask(self.story.prometheus, PANELS[title], Window(self.story.began, until))


@pytest.fixture(autouse=True, scope="session")
def _needs_prometheus() -> None:
    assert shutil.which(PROGRAM), "prometheus is missing: scripts/test installs it"


@pytest.fixture(scope="session")
def told() -> Iterator[Told]:
    with Story.begin() as story:
        try:
            play(story)
        except TimeoutError as error:
            pytest.fail(f"{error}\n{story.prometheus.alerts()}\n{story.cluster.report()}")
        yield Told(story)


@pytest.fixture(params=["start", "handover", "death", "return", "adverts restored"])
def calm(request: pytest.FixtureRequest, told: Told) -> Moment:
    """A moment at which every node with power runs and hears all others."""
    return told.moments[request.param]
