"""A floating IP: two or more hosts share an address, one holds it, another takes over when it goes away.

For services that embed it: `FloatingIP` and the errors beside it, fetched from `vipservice.embedding` when
they are first asked for, since the daemon starts by importing this.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vipservice.embedding import DaemonGoneError as DaemonGoneError
    from vipservice.embedding import EmbeddingError as EmbeddingError
    from vipservice.embedding import FloatingIP as FloatingIP
    from vipservice.embedding import RefusedError as RefusedError
    from vipservice.embedding import RightsError as RightsError
    from vipservice.embedding import SettingsError as SettingsError
    from vipservice.embedding import State as State

__version__ = "0.1.0"

_EMBEDDING = {
    "DaemonGoneError",
    "EmbeddingError",
    "FloatingIP",
    "RefusedError",
    "RightsError",
    "SettingsError",
    "State",
}

if not TYPE_CHECKING:  # type checkers would take any name for one that is there

    def __getattr__(name: str) -> object:
        if name in _EMBEDDING:
            return getattr(importlib.import_module("vipservice.embedding"), name)
        raise AttributeError(f"module 'vipservice' has no attribute {name!r}")
