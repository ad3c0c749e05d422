"""Why bytes were refused: one error, and the closed set of its reasons.

A DecodeError is a peer's fault (or a stranger's, or the line's). It is counted by reason, written to the
log at a bounded rate, and goes no further than the edge.
"""

from typing import Literal, get_args

AdvertReason = Literal[
    "short",  # fewer bytes than the header has, or than it states
    "not_advert",  # the magic is missing
    "version",  # a version of the format that we don't read
    "length",  # the stated length is smaller than the header or greater than allowed
    "unsigned",  # we have keys, it carries no signature
    "signed",  # we have no key, it carries a signature
    "unknown_key",  # signed with a key that we don't have
    "bad_signature",  # altered on the way, or made with another secret
    "bad_field",  # a field overruns its container, or a known one has an impossible length
    "bad_value",  # a known field has a value that is not allowed
    "duplicate",  # a field or a group that may come once came again
    "missing",  # a field that every advert has is not there
    "too_many",  # more items than allowed
]
"""What can be wrong with an advert: the labels of `adverts_rejected_total` that the wire gives."""

FrameReason = Literal[
    "frame_short",  # ends before its Ethernet, ARP, IP or ICMP header does
    "frame_type",  # an EtherType or IP protocol that the reader is not for
    "arp_format",  # ARP for something else than IPv4 over Ethernet
    "arp_operation",  # neither a request nor a reply
    "icmp_type",  # ICMP, but no echo
    "icmp_checksum",  # damaged on the way
]
"""What can be wrong with an ARP frame or an ICMP packet."""

ADVERT_REASONS: frozenset[str] = frozenset(get_args(AdvertReason))
FRAME_REASONS: frozenset[str] = frozenset(get_args(FrameReason))
REASONS: frozenset[str] = ADVERT_REASONS | FRAME_REASONS


class DecodeError(Exception):
    """Bytes that are no value of ours: `reason` is a metric label, `detail` a sentence for the log."""

    def __init__(self, reason: AdvertReason | FrameReason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason: str = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
