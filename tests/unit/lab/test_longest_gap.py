"""The longest time without an answer, by receipt."""

import pytest

from vipservice.lab.client import gaps_between, longest, longest_net, pauses_of
from vipservice.lab.pinging import ECHO, answered, checksum, echo


def longest_gap(received: list[float], since: float, until: float) -> tuple[float, float]:
    return longest(gaps_between(received, since, until))


def test_the_gap_lies_between_two_answers() -> None:
    assert longest_gap([1.0, 1.1, 0, 0, 1.5, 1.6], 1.0, 1.6) == (1.1, 1.5)


def test_answers_that_waited_in_a_queue_do_not_shorten_an_outage() -> None:
    """Sent at 1.1, 1.2, 1.3, all answered at 1.5: the client sat through 0.5 s, not 0.1 s."""
    assert longest_gap([1.0, 1.5, 1.5, 1.5, 1.6], 1.0, 1.6) == (1.0, 1.5)


def test_a_gap_that_outlasts_the_window_counts_to_its_end() -> None:
    assert longest_gap([1.0, 0, 0, 4.0], 0.9, 2.0) == (1.0, 4.0)


def test_a_gap_without_an_end_counts_as_far_as_the_window() -> None:
    assert longest_gap([1.0, 0, 0, 0], 1.0, 2.0) == (1.0, 2.0)


def test_where_nothing_was_ever_answered_the_gap_is_the_window() -> None:
    assert longest_gap([0, 0], 5.0, 7.0) == (5.0, 7.0)


def test_answers_out_of_order_are_sorted() -> None:
    assert longest_gap([1.0, 1.375, 1.25, 1.125], 1.0, 1.375) == (1.0, 1.125)


def test_the_clients_own_pauses_are_taken_out_of_each_gap() -> None:
    pauses = pauses_of([0.0, 0.001, 0.002, 0.030, 0.031, 0.200, 0.201], allowed=0.002)
    assert pauses == [(0.002, 0.030), (0.031, 0.200)]
    # 46 ms, in which it stood still for 28 and for the last 15; then 154 ms that are all its own.
    assert longest_net([(0.0, 0.046), (0.046, 0.200)], pauses) == pytest.approx(0.003)
    assert longest_net([(0.300, 0.340)], pauses) == pytest.approx(0.040)


def test_a_client_that_never_paused_has_no_excuse() -> None:
    assert longest_net([(0.0, 0.05), (0.05, 0.06)], []) == pytest.approx(0.05)


def test_an_echo_is_a_valid_icmp_packet_and_its_answer_is_known_by_its_number() -> None:
    request = echo(70_000, 7)
    assert checksum(request) == 0
    reply = b"\x45" + bytes(19) + b"\x00" + request[1:]
    assert answered(reply, 7) == 70_000
    assert answered(reply, 8) is None
    assert answered(b"\x45" + bytes(19) + request, 7) is None
    assert answered(reply[: 20 + ECHO.size - 1], 7) is None
