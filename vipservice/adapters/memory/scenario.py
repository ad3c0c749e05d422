"""Scenarios in plain text: what happened and what must be true, commands one a line, `---`, the full trace.

The trace is the whole run as the nodes told it, in virtual time, so that it is the same each time. `commands`
has the words; this reads the files and plays them.
"""

from difflib import get_close_matches

from vipservice.adapters.memory.commands import COMMANDS, LINE, PLACEHOLDERS, Command, Words
from vipservice.adapters.memory.stage import Expectation, Stage
from vipservice.core.frozen import dataclass

SEPARATOR = "---"


class ScenarioError(Exception):
    """A scenario cannot be played, or what it expects is not so: line and sentence."""

    def __init__(self, line: int, command: str, problem: str) -> None:
        super().__init__(f"line {line}: `{command}`: {problem}")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file."""

    commands: tuple[tuple[int, str], ...]
    """Line number and words, without comments."""
    head: str
    """Everything above the separator, as written."""
    trace: str


def read(text: str) -> Scenario:
    """Take a file apart."""
    head, _, trace = text.partition(f"\n{SEPARATOR}\n")
    lines = [(number, line.partition("#")[0].strip()) for number, line in enumerate(head.splitlines(), 1)]
    return Scenario(tuple((number, line) for number, line in lines if line), head.rstrip(), trace)


def play(scenario: Scenario) -> str:
    """Play it; returns the trace.

    Raises:
        ScenarioError: A line is not understood, or an expectation is not met.
    """
    stage = Stage()
    for number, line in scenario.commands:
        _play_line(stage, number, line)
    try:
        stage.expect_one_owner()
    except Expectation as found:
        raise ScenarioError(0, "expect never two owners", f"{found}\n{_shown(stage)}") from None
    return _shown(stage)


def _play_line(stage: Stage, number: int, line: str) -> None:
    try:
        command, words = understand(stage, line)
    except ValueError as problem:
        raise ScenarioError(number, line, str(problem)) from None
    if command.echo or (command.echo_when_started and stage.started):
        stage.lan.note(">", line)
    try:
        command.do(stage, words)
    except Expectation as found:
        raise ScenarioError(number, line, f"{found}\n{_shown(stage)}") from None


def understand(stage: Stage, line: str) -> tuple[Command, Words]:
    """Find the command that a line means, with its values.

    Raises:
        ValueError: A sentence that says what is wrong with the line, and what was expected.
    """
    given = line.split()
    problems = []
    for pattern, command in COMMANDS.items():
        wanted = pattern.split()
        if wanted[0] != given[0]:
            continue
        try:
            return command, _match(stage, wanted, given)
        except ValueError as problem:
            problems.append(f"`{pattern}` does not fit ({problem})")
    if problems:
        raise ValueError("; ".join(problems))
    near = get_close_matches(given[0], {pattern.split()[0] for pattern in COMMANDS}, 1)
    raise ValueError("no such command" + (f"; did you mean `{near[0]}`?" if near else ""))


def _match(stage: Stage, wanted: list[str], given: list[str]) -> Words:
    """The values at the places of the pattern's words in capitals; the last one may take several."""
    words: Words = {LINE: [" ".join(given)]}
    open_ended = wanted[-1] in {"NODES", "NAMES", "TEXT"}
    if len(given) < len(wanted) or (len(given) > len(wanted) and not open_ended):
        raise ValueError(f"{len(given)} words")
    for index, want in enumerate(wanted):
        if want not in PLACEHOLDERS:
            if want != given[index]:
                raise ValueError(f"{given[index]!r} instead of {want!r}")
            continue
        rest = given[index:] if want in {"NODES", "NAMES", "TEXT"} else given[index : index + 1]
        words.setdefault(want, []).extend(PLACEHOLDERS[want](stage, one) for one in rest)
    return words


def _shown(stage: Stage) -> str:
    return "".join(f"{line}\n" for line in stage.lan.trace)
