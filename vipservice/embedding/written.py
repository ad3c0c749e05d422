"""Settings as a file that the daemon can read: the application's own, or one without a name."""

import json
import re
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from vipservice.embedding.errors import SettingsError

Settings = Path | str | Mapping[str, object]
"""A path of a YAML file, or what such a file would say."""

CALLED = "settings"
"""What sentences call settings that have no file."""


class Written:
    """Settings on the disk while it is open.

    A mapping goes into a file that has no name: no end of this process, SIGKILL included, leaves it behind.
    """

    def __init__(self, settings: Settings) -> None:
        self.descriptors: tuple[int, ...] = ()
        """What a child must inherit to read it."""
        self._open = ExitStack()
        if not isinstance(settings, Mapping):
            self.path = Path(settings).absolute()
            return
        try:
            text = json.dumps(settings, indent=2, ensure_ascii=False, default=_as_text)
        except (TypeError, ValueError) as error:
            raise SettingsError(f"{CALLED}: found what YAML cannot say: {error}") from error
        file = tempfile.TemporaryFile("w", encoding="utf-8")  # noqa: SIM115 - closed by `__exit__`
        self._open.callback(file.close)
        file.write(text)
        file.flush()
        self.descriptors = (file.fileno(),)
        self.path = Path(f"/dev/fd/{file.fileno()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def in_words(self, sentences: str) -> str:
        """What the daemon says of the file, without the lines of one that nobody has seen."""
        if not self.descriptors:
            return sentences
        return re.sub(rf"{re.escape(str(self.path))}(:\d+)?", CALLED, sentences)


def _as_text(value: object) -> str:
    """Paths and addresses read as what they are written as."""
    if isinstance(value, Path) or type(value).__module__ == "ipaddress":
        return str(value)
    raise TypeError(f"{type(value).__name__} {value!r}")
