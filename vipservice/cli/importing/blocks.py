"""keepalived.conf(5) as a tree: words, quotes, comments, and blocks in braces, whatever they mean."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from vipservice.config.problems import ConfigError, Problem

COMMENTS = "#!"
MAX_DEPTH = 16
INCLUDES = {"include", "includer", "includem", "includew", "includeb", "includea"}


@dataclass(slots=True)
class Statement:
    """A line's words, and the block behind it where there is one."""

    line: int
    words: tuple[str, ...]
    block: list["Statement"] = field(default_factory=list)

    @property
    def keyword(self) -> str:
        """The first word."""
        return self.words[0]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The others."""
        return self.words[1:]


def parse(text: str, source: Path) -> list[Statement]:
    """Read the statements of a file.

    Raises:
        ConfigError: A quote or a block is not closed, or the file needs what is not in it.
    """
    reader = _Reader(source)
    for number, line in _lines(text):
        reader.read(number, line)
    return reader.finish()


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered from 1; a backslash at the end joins the next one."""
    held, began = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        began = began or number
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        yield began, held + line
        held, began = "", 0
    if held:
        yield began, held


class _Reader:
    def __init__(self, source: Path) -> None:
        self._source = source
        self._blocks: list[list[Statement]] = [[]]
        self._opened: list[int] = []

    def read(self, number: int, line: str) -> None:
        """Take in one line."""
        words: list[str] = []
        for word, quoted in self._words(number, line):
            if quoted or word not in {"{", "}"}:
                self._refuse(number, word, quoted)
                words.append(word)
                continue
            self._state(number, words)
            words = []
            self._open(number) if word == "{" else self._close(number)
        self._state(number, words)

    def finish(self) -> list[Statement]:
        """All of it, once every block is closed."""
        if self._opened:
            self._stop(self._opened[-1], "found a '{' that is never closed")
        return self._blocks[0]

    def _state(self, number: int, words: list[str]) -> None:
        if words:
            self._blocks[-1].append(Statement(number, tuple(words)))

    def _open(self, number: int) -> None:
        if not self._blocks[-1]:
            self._stop(number, "found a '{' that belongs to nothing")
        if len(self._opened) == MAX_DEPTH:
            self._stop(number, f"is nested more than {MAX_DEPTH} levels deep")
        self._opened.append(number)
        self._blocks.append(self._blocks[-1][-1].block)

    def _close(self, number: int) -> None:
        if not self._opened:
            self._stop(number, "found a '}' that closes nothing")
        self._opened.pop()
        self._blocks.pop()

    def _words(self, number: int, line: str) -> Iterator[tuple[str, bool]]:
        """The words of a line, and whether each was in quotes."""
        at = 0
        while at < len(line):
            if line[at].isspace():
                at += 1
            elif line[at] in COMMENTS:
                return
            elif line[at] in "{}":
                yield line[at], False
                at += 1
            elif line[at] == '"':
                word, at = self._quoted(number, line, at + 1)
                yield word, True
            else:
                begin = at
                while at < len(line) and not line[at].isspace() and line[at] not in "{}#!":
                    at += 1
                yield line[begin:at], False

    def _quoted(self, number: int, line: str, at: int) -> tuple[str, int]:
        word = ""
        while at < len(line) and line[at] != '"':
            at += line[at] == "\\" and at + 1 < len(line)
            word += line[at]
            at += 1
        if at >= len(line):
            self._stop(number, "found a quote that is not closed")
        return word, at + 1

    def _refuse(self, number: int, word: str, quoted: bool) -> None:
        """What would have to be read from elsewhere, or worked out, before the file means anything."""
        if quoted:
            return
        if word in INCLUDES:
            hint = "put the included text in its place, and import the result"
            self._stop(number, "found 'include', which is not followed", hint)
        if word.startswith(("$", "~SEQ")):
            self._stop(
                number, "found a definition or use of a variable", "write its value out, and import that"
            )

    def _stop(self, line: int, found: str, hint: str = "") -> NoReturn:
        raise ConfigError(self._source, [Problem(line, "", found, hint)])
