"""bpf(4) without the device: its records and its control calls. Pure: bytes in, frames out.

Layouts and numbers are those of XNU's bsd/net/bpf.h and bsd/sys/ioccom.h, in the host's byte order; the
kernel writes 32-bit times into the records for 64-bit processes too.
"""

from collections.abc import Iterator
from struct import Struct

_RECORD = Struct(
    "=i i I I H"
)  # struct bpf_hdr: seconds, microseconds, captured, on the wire, header's length
_ALIGNMENT = 4
"""BPF_ALIGNMENT: sizeof(int32_t), whatever the processor."""

IN, _INOUT = 0x80000000, 0xC0000000
_PARAMETER_MASK = 0x1FFF


def control(direction: int, group: bytes, number: int, size: int) -> int:
    """The number of a control call: _IOC of sys/ioccom.h."""
    return direction | (size & _PARAMETER_MASK) << 16 | group[0] << 8 | number


IFREQ = Struct("16s 16x")
PROGRAM = Struct("@I P")
"""struct bpf_program: how many instructions, where."""

FLAG = Struct("=I")

BIOCSBLEN = control(_INOUT, b"B", 102, FLAG.size)
BIOCSETIF = control(IN, b"B", 108, IFREQ.size)
BIOCIMMEDIATE = control(IN, b"B", 112, FLAG.size)
BIOCSHDRCMPLT = control(IN, b"B", 117, FLAG.size)
BIOCSSEESENT = control(IN, b"B", 119, FLAG.size)
BIOCSETFNR = control(IN, b"B", 126, PROGRAM.size)
"""Set the filter and keep what has been captured; BIOCSETF would throw it away."""


def frames(captured: bytes) -> Iterator[bytes]:
    """Take the frames out of what one read(2) gave; an impossible record ends it."""
    offset = 0
    while offset + _RECORD.size <= len(captured):
        _, _, kept, _, header = _RECORD.unpack_from(captured, offset)
        start = offset + header
        if header < _RECORD.size or start + kept > len(captured):
            return
        yield captured[start : start + kept]
        offset += _aligned(header + kept)


def record(frame: bytes, seconds: int = 0) -> bytes:
    """Write what the kernel would: the inverse, for tests and for those who play a kernel."""
    header = _RECORD.size  # 18, so that what follows the Ethernet header lies on a word
    written = _RECORD.pack(seconds, 0, len(frame), len(frame), header) + frame
    return written + bytes(_aligned(len(written)) - len(written))


def _aligned(length: int) -> int:
    return (length + _ALIGNMENT - 1) & ~(_ALIGNMENT - 1)
