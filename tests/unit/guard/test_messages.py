"""Daemon and guard understand each other, and nothing else becomes the words of a command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipservice.adapters.guard.messages import (
    LONGEST_LINE,
    Answer,
    Drop,
    GuardMessageError,
    Held,
    Keep,
    Request,
    Tell,
    lines,
    read_answer,
    read_request,
    write_answer,
    write_request,
)

HELD = st.builds(
    Held,
    st.from_regex(r"[a-z0-9][a-z0-9.:_-]{0,14}", fullmatch=True),
    st.ip_addresses().map(str),
)
NUMBERS = st.integers(0, 2**63)
TIMES = st.floats(-1e9, 1e9, allow_nan=False)
REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(Keep, NUMBERS, HELD, TIMES), st.builds(Drop, NUMBERS, HELD), st.builds(Tell, NUMBERS)
)


@given(REQUESTS)
def test_whatever_the_daemon_asks_is_understood(request_: Request) -> None:
    assert read_request(write_request(request_).rstrip(b"\n")) == request_


@given(NUMBERS, st.dictionaries(HELD, TIMES, max_size=5), st.integers(1, 2**22))
def test_whatever_the_guard_answers_is_understood(
    number: int, leases: dict[Held, float], process: int
) -> None:
    answer = Answer(number, leases, process)
    assert read_answer(write_answer(answer).rstrip(b"\n")) == answer


@given(st.lists(REQUESTS, max_size=5), st.integers(1, 40))
def test_lines_come_whole_out_of_any_pieces(requests: list[Request], size: int) -> None:
    stream = b"".join(map(write_request, requests))
    buffer, found = bytearray(), []
    for start in range(0, len(stream), size):
        buffer += stream[start : start + size]
        found += [read_request(line) for line in lines(buffer)]
    assert found == requests


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(line: bytes) -> None:
    for read in (read_request, read_answer):
        try:
            read(line)
        except GuardMessageError:
            continue


@pytest.mark.parametrize(
    "line",
    [
        b'{"n":1,"keep":["en0","192.168.3.234; reboot"],"until":1}',
        b'{"n":1,"keep":["en0 down","192.168.3.234"],"until":1}',
        b'{"n":1,"keep":["-a","192.168.3.234"],"until":1}',
        b'{"n":1,"keep":["../x","192.168.3.234"],"until":1}',
        b'{"n":1,"keep":["en0\\u0000","192.168.3.234"],"until":1}',
        b'{"n":1,"keep":["a-name-too-long-for-it","192.168.3.234"],"until":1}',
        b'{"n":1,"keep":["en0","192.168.3.234"],"until":NaN}',
        b'{"n":1,"keep":["en0","192.168.3.234"],"until":true}',
        b'{"n":1,"keep":["en0","192.168.3.234"]}',
        b'{"n":1,"drop":["en0"]}',
        b'{"n":"1","tell":true}',
        b'{"n":1}',
        b"[]",
        b"[" * 100_000,
    ],
)
def test_nothing_but_names_addresses_and_times_is_taken(line: bytes) -> None:
    with pytest.raises(GuardMessageError):
        read_request(line)


def test_a_line_without_end_ends_the_conversation() -> None:
    with pytest.raises(GuardMessageError):
        list(lines(bytearray(b"x" * (LONGEST_LINE + 1))))
