"""The loop's wait, with the daemon's rounds in it: over real descriptors, by a clock that the test sets."""

import asyncio
import selectors
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from math import inf
from typing import Any

import pytest

from vipservice.runtime.waiting import Waiting

Pair = tuple[socket.socket, socket.socket]


class Clock:
    """Stands where it is put."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waiting(clock: Clock) -> Iterator[Waiting]:
    with closing(Waiting(clock)) as made:
        yield made


@pytest.fixture
def pair() -> Iterator[Pair]:
    with ExitStack() as stack:
        near, far = socket.socketpair()
        yield stack.enter_context(near), stack.enter_context(far)


def test_a_round_that_is_due_is_gone_though_nothing_is_ready(waiting: Waiting, clock: Clock) -> None:
    rounds: list[bool] = []
    waiting.go(rounds.append)
    waiting.due = clock.now
    assert waiting.select(None) == []
    assert rounds == [False]


def test_no_round_is_gone_before_it_is_due(waiting: Waiting, clock: Clock) -> None:
    rounds: list[bool] = []
    waiting.go(rounds.append)
    waiting.due = clock.now + 1.0
    assert waiting.select(0) == []
    assert rounds == []


def test_a_ready_socket_of_ours_makes_one_round_and_is_no_business_of_asyncio(
    waiting: Waiting, pair: Pair
) -> None:
    rounds: list[bool] = []
    waiting.go(rounds.append)
    near, far = pair
    waiting.watch([near.fileno(), far.fileno()])
    near.send(b"a")
    far.send(b"b")
    assert waiting.select(None) == []
    assert rounds == [True]
    assert waiting.ready() == {near.fileno(), far.fileno()}


def test_what_asyncio_waits_for_is_returned_and_makes_no_round(waiting: Waiting, pair: Pair) -> None:
    rounds: list[bool] = []
    waiting.go(rounds.append)
    near, far = pair
    key = waiting.register(far, selectors.EVENT_READ)
    near.send(b"a")
    assert waiting.select(None) == [(key, selectors.EVENT_READ)]
    assert rounds == []


def test_a_new_socket_is_heard_under_the_number_of_a_closed_one(waiting: Waiting) -> None:
    with ExitStack() as stack:
        old_near, old_far = socket.socketpair()
        waiting.watch([old_far.fileno()])
        number = old_far.fileno()
        old_far.close()
        near, far = (stack.enter_context(one) for one in socket.socketpair())
        stack.enter_context(old_near)
        same = near if near.fileno() == number else far
        assert same.fileno() == number
        (far if same is near else near).send(b"a")
        waiting.watch([number])
        assert waiting.ready() == {number}


def test_who_stopped_goes_no_round(waiting: Waiting, clock: Clock, pair: Pair) -> None:
    rounds: list[bool] = []
    waiting.go(rounds.append)
    waiting.watch([pair[1].fileno()])
    waiting.due = clock.now
    pair[0].send(b"a")
    waiting.stop()
    assert waiting.due == inf
    assert waiting.select(0) == []
    assert rounds == []


def test_a_round_that_fails_is_reported_and_the_loop_goes_on(waiting: Waiting, clock: Clock) -> None:
    reported: list[Any] = []
    answered = []

    async def live() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: reported.append(context["exception"]))
        done = loop.create_future()

        def fail(_ready: bool) -> None:
            waiting.due = inf
            done.set_result(None)
            raise RuntimeError("a bug")

        waiting.go(fail)
        waiting.due = clock.now
        await done  # what a round answers to asyncio is heard, though no descriptor of asyncio's is ready
        answered.append(True)

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(waiting)) as runner:
        runner.run(live())
    assert [str(error) for error in reported] == ["a bug"]
    assert answered
