"""A floating IP inside a Python service: `async with vipservice.FloatingIP(settings) as vip`.

The application starts `vipservice run` as a child and follows it; see docs/embedding.md, and for the reasons
docs/decisions (embedding by a child process). Nothing of the daemon is imported here.
"""

from vipservice.embedding.errors import (
    DaemonGoneError,
    EmbeddingError,
    RefusedError,
    RightsError,
    SettingsError,
)
from vipservice.embedding.floating_ip import FloatingIP
from vipservice.embedding.state import State

__all__ = [
    "DaemonGoneError",
    "EmbeddingError",
    "FloatingIP",
    "RefusedError",
    "RightsError",
    "SettingsError",
    "State",
]
