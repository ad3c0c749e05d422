"""What a Linux host says of itself in /proc, /sys and /etc.

`root` is `/`, or a folder that stands for it in tests.
"""

import ctypes
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from vipservice.core.frozen import dataclass

_STEAL_AT = 7
"""user nice system idle iowait irq softirq steal (proc_stat(5)); guest times are within user's."""

_TIMEX_SIZE = 512
"""More than struct timex has anywhere; zeros ask and set nothing (adjtimex(2))."""
_TIME_ERROR = 5


def text(root: Path, path: str) -> str | None:
    """The content of a small file, stripped; None where it is missing or not for us."""
    try:
        return (root / path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def number(root: Path, path: str) -> int | None:
    """The number in a file; None where there is none."""
    try:
        return int(text(root, path) or "")
    except ValueError:
        return None


def sysctl(root: Path, name: str) -> int | None:
    """A kernel setting by its path under /proc/sys."""
    return number(root, f"proc/sys/{name}")


def programs(root: Path) -> dict[str, int]:
    """Names of the running programs, each with one process id."""
    found = {}
    for folder in (root / "proc").glob("[0-9]*"):
        if name := text(folder, "comm"):
            found[name] = int(folder.name)
    return found


def processor_times(root: Path) -> tuple[int, int]:
    """Ticks since boot: stolen by the hypervisor, and all; zeros where nobody counts."""
    line = (text(root, "proc/stat") or "cpu").splitlines()[0]
    ticks = [int(word) for word in line.split()[1 : _STEAL_AT + 2]]
    return (ticks[_STEAL_AT], sum(ticks)) if len(ticks) > _STEAL_AT else (0, 0)


def synchronised() -> bool | None:
    """Whether the kernel's clock follows a time service; None where it does not say."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_SIZE))
    except (AttributeError, OSError):
        return None
    return None if state < 0 else state != _TIME_ERROR


@dataclass(frozen=True, slots=True)
class Account:
    """Whose rights count: the user that the daemon runs as."""

    name: str
    uid: int
    gids: frozenset[int]

    def may(self, path: Path, wanted: int) -> bool:
        """Whether this account has `wanted` (os.R_OK, os.W_OK, os.X_OK or several) on a file that is there.

        By owner, group and mode: access lists and capabilities are not looked at, but for root's.
        """
        if self.uid == 0:
            return True
        found = path.stat()
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid in self.gids else 0
        return stat.S_IMODE(found.st_mode) >> shift & wanted == wanted


def unreadable(account: Account, path: Path, wanted: int) -> Path | None:
    """The first of the folders on the way to `path`, or itself, that refuses; None where it can be had.

    Raises:
        FileNotFoundError: There is nothing at `path`.
    """
    whole = path.resolve(strict=True)
    for folder in reversed(whole.parents):
        if not account.may(folder, os.X_OK):
            return folder
    return None if account.may(whole, wanted) else whole


def unit_files(root: Path, unit: str) -> Iterator[Path]:
    """The files of a systemd unit or .network file in force: itself, then its drop-ins (systemd.unit(5))."""
    folders = [root / one for one in ("etc/systemd", "run/systemd", "usr/lib/systemd", "lib/systemd")]
    kind = "network" if unit.endswith(".network") else "system"
    yield from [folder / kind / unit for folder in folders if (folder / kind / unit).is_file()][:1]
    drop_ins: dict[str, Path] = {}
    for folder in reversed(folders):
        drop_ins.update({file.name: file for file in (folder / kind / f"{unit}.d").glob("*.conf")})
    yield from (drop_ins[name] for name in sorted(drop_ins))


def unit_settings(root: Path, unit: str) -> dict[str, str]:
    """The settings of a unit, `Section.Key` to the last value; empty where there is no such unit."""
    settings: dict[str, str] = {}
    for file in unit_files(root, unit):
        section = ""
        for line in (text(file.parent, file.name) or "").splitlines():
            words = line.strip()
            if words.startswith("[") and words.endswith("]"):
                section = words[1:-1]
            elif "=" in words and words[0] not in "#;":
                key, _, value = words.partition("=")
                settings[f"{section}.{key.strip()}"] = value.strip()
    return settings
