"""The words of a handover and of the question who hears the active, as fields inside a group's entry."""

from collections.abc import Callable
from enum import IntEnum
from struct import Struct
from typing import assert_never

from vipservice.core.messages import Hearsay, Message, Offer, Question, Ready, Request, Resign
from vipservice.core.values import NodeId
from vipservice.wire.errors import DecodeError
from vipservice.wire.fields import (
    MICROSECOND,
    MILLISECOND,
    check_counter,
    check_priority,
    check_size,
    interval_seconds,
    node_bytes,
    ticks,
    triple,
)


class EntryField(IntEnum):
    """Types of the fields after the fixed part of an entry. Numbers are never used again."""

    ADDRESSES_V4 = 1
    ADDRESSES_V6 = 2
    REQUEST = 16
    OFFER = 17
    READY = 18
    RESIGN = 19
    QUESTION = 20
    HEARSAY = 21


_OFFER = Struct(">16s I")
_READY = Struct(">16s Q")
_RESIGN = Struct(">Q Q")
_RESIGN_TO = Struct(">Q Q 16s")
_HEARSAY = Struct(">16s Q I Q B I I")


def encode_message(message: Message) -> bytes:
    """Write one message as a field."""
    match message:
        case Request():
            return triple(EntryField.REQUEST, b"")
        case Question():
            return triple(EntryField.QUESTION, b"")
        case Offer(to, hold):
            return triple(EntryField.OFFER, _OFFER.pack(node_bytes(to), ticks(hold, MICROSECOND)))
        case Ready(to, nonce):
            return triple(EntryField.READY, _READY.pack(node_bytes(to), nonce))
        case Resign():
            return triple(EntryField.RESIGN, _pack_resign(message))
        case Hearsay():
            return triple(EntryField.HEARSAY, _pack_hearsay(message))
        case _:
            assert_never(message)


def _pack_resign(resign: Resign) -> bytes:
    if resign.successor is None:
        return _RESIGN.pack(resign.term, resign.nonce)
    return _RESIGN_TO.pack(resign.term, resign.nonce, node_bytes(resign.successor))


def _pack_hearsay(hearsay: Hearsay) -> bytes:
    return _HEARSAY.pack(
        node_bytes(hearsay.active),
        hearsay.incarnation,
        ticks(hearsay.age, MICROSECOND),
        hearsay.term,
        hearsay.priority,
        ticks(hearsay.interval, MICROSECOND),
        ticks(hearsay.lease_left, MILLISECOND),
    )


def _read_request(value: bytes) -> Request:
    check_size(value, 0, "request")
    return Request()


def _read_question(value: bytes) -> Question:
    check_size(value, 0, "question")
    return Question()


def _read_offer(value: bytes) -> Offer:
    check_size(value, _OFFER.size, "offer")
    to, hold = _OFFER.unpack(value)
    return Offer(NodeId(to), hold / MICROSECOND)


def _read_ready(value: bytes) -> Ready:
    check_size(value, _READY.size, "ready")
    to, nonce = _READY.unpack(value)
    return Ready(NodeId(to), nonce)


def _read_resign(value: bytes) -> Resign:
    if len(value) == _RESIGN.size:
        term, nonce = _RESIGN.unpack(value)
        return Resign(None, check_counter(term, "term"), nonce)
    if len(value) == _RESIGN_TO.size:
        term, nonce, successor = _RESIGN_TO.unpack(value)
        return Resign(NodeId(successor), check_counter(term, "term"), nonce)
    raise DecodeError("bad_field", f"resign has {len(value)} bytes")


def _read_hearsay(value: bytes) -> Hearsay:
    check_size(value, _HEARSAY.size, "hearsay")
    active, incarnation, age, term, priority, interval, lease_left = _HEARSAY.unpack(value)
    return Hearsay(
        active=NodeId(active),
        incarnation=check_counter(incarnation, "incarnation"),
        age=age / MICROSECOND,
        term=check_counter(term, "term"),
        priority=check_priority(priority),
        interval=interval_seconds(interval),
        lease_left=lease_left / MILLISECOND,
    )


MESSAGE_READERS: dict[int, Callable[[bytes], Message]] = {
    EntryField.REQUEST: _read_request,
    EntryField.OFFER: _read_offer,
    EntryField.READY: _read_ready,
    EntryField.RESIGN: _read_resign,
    EntryField.QUESTION: _read_question,
    EntryField.HEARSAY: _read_hearsay,
}
"""Type of field to the function that reads its value. Types that are not here are skipped."""
