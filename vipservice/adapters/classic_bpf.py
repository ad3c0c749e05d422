"""Classic BPF: programs by which a kernel drops frames before they reach us. Pure; the same on Linux and BSD.

A load beyond the frame's end drops it. Conditional jumps reach 255 instructions, so long lists of values are
compared in chunks that each end in their own return.
"""

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

LOAD_WORD, LOAD_HALF, LOAD_BYTE, LOAD_HALF_INDEXED, LOAD_HEADER_LENGTH = 0x20, 0x28, 0x30, 0x48, 0xB1
JUMP, JUMP_EQUAL, JUMP_SET, RETURN = 0x05, 0x15, 0x45, 0x06

WHOLE = 0x40000
DROP = 0

_CHUNK = 255
_INSTRUCTION = Struct("=H B B I")


class Instruction(NamedTuple):
    """One step: `code` with operand `k`; a jump skips `if_true` or `if_false` instructions."""

    code: int
    k: int
    if_true: int = 0
    if_false: int = 0


Program = tuple[Instruction, ...]


def assemble(program: Program) -> bytes:
    """Write a program as the array of `struct sock_filter` (Linux) or `struct bpf_insn` (BSD): the same."""
    return b"".join(_INSTRUCTION.pack(step.code, step.if_true, step.if_false, step.k) for step in program)


def give(result: int) -> Program:
    """End with `result`: so many bytes of the frame, or `DROP`."""
    return (Instruction(RETURN, result),)


def drop_unless(load: int, offset: int, value: int) -> Program:
    """Drop the frame unless what `load` finds at `offset` is `value`, else go on."""
    return (Instruction(load, offset), Instruction(JUMP_EQUAL, value, 1, 0), *give(DROP))


def give_if(offset: int, values: Sequence[int], result: int) -> Program:
    """End with `result` if the word at `offset` is among `values`, else go on."""
    program = [Instruction(LOAD_WORD, offset)]
    for start in range(0, len(values), _CHUNK):
        chunk = values[start : start + _CHUNK]
        last = len(chunk) - 1
        # A hit jumps to the chunk's return, a miss to the next comparison; the last miss skips the return.
        program += [
            Instruction(JUMP_EQUAL, value, last - place, 1 if place == last else 0)
            for place, value in enumerate(chunk)
        ]
        program += give(result)
    return tuple(program)
