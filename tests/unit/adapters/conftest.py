"""A small interpreter of classic BPF, by which the filters of both systems are tried."""

from struct import unpack_from

from vipservice.adapters.classic_bpf import DROP, Program, assemble
from vipservice.adapters.linux.packet_filter import ANCILLARY, LINK_LAYER

INDEX = 7


def run(
    program: Program, frame: bytes, packet_type: int = 0, index: int = INDEX, dice: int = 0, at: int = 0
) -> int:
    """Execute a program as the kernel does, from its bytes: loads past the end drop the frame.

    `dice` is the kernel's random number; `at` is where the socket's view of the frame begins.
    """
    code = assemble(program)
    steps = [unpack_from("=HBBI", code, place) for place in range(0, len(code), 8)]
    beside = {ANCILLARY + 4: packet_type, ANCILLARY + 8: index, ANCILLARY + 56: dice}
    accumulator = offset_register = counter = 0
    while True:
        opcode, if_true, if_false, k = steps[counter]
        counter += 1
        match opcode:
            case 0x06:
                return int(k)
            case 0x05:
                counter += k
            case 0x15 | 0x45:
                hit = accumulator == k if opcode == 0x15 else accumulator & k
                counter += if_true if hit else if_false
            case 0xB1:
                offset_register = 4 * (frame[k] & 0xF)
            case 0x20 if k in beside:
                accumulator = beside[k]
            case 0x20 | 0x28 | 0x30 | 0x48:
                size = {0x20: 4, 0x28: 2, 0x30: 1, 0x48: 2}[opcode]
                behind = k + at + (offset_register if opcode == 0x48 else 0)
                start = k - LINK_LAYER if k >= LINK_LAYER else behind
                if start + size > len(frame):
                    return DROP
                accumulator = int.from_bytes(frame[start : start + size], "big")
            case _:
                raise AssertionError(f"unknown instruction {opcode:#x}")
