"""The operator's file as frozen values, and the same after detection has filled the gaps.

`load` makes `Settings` out of YAML without touching the machine; `resolve` adds what only the machine knows
(interfaces, subnets, the default address) and makes `ResolvedGroup`s, which is what the daemon runs.
"""

import sys
from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

from vipservice.core.frozen import dataclass
from vipservice.core.settings import BindMode, GroupSettings, Isolation, ProbeMode, WhenAllFail
from vipservice.core.timing import Timing
from vipservice.core.values import Address

if TYPE_CHECKING:
    from vipservice.config.check_settings import CheckSettings, HookSettings

DEFAULT_PORT = 61111
DEFAULT_MULTICAST_GROUP = IPv4Address("224.0.0.254")
DEFAULT_METRICS_PORT = 10234
DEFAULT_CONFIG = Path("/etc/vipservice/vipservice.yml")
_ON_MACOS = sys.platform == "darwin"  # where there is no /var/lib and no /run
DEFAULT_STATE_DIRECTORY = Path("/var/db/vipservice" if _ON_MACOS else "/var/lib/vipservice")
DEFAULT_CONTROL_SOCKET = Path("/var/run" if _ON_MACOS else "/run", "vipservice", "control.sock")


@dataclass(frozen=True, slots=True)
class FloatingIpSettings:
    """One group as written; None where detection decides."""

    enabled: bool
    id: int
    name: str
    ip: tuple[Address, ...] | None
    netmask: int | None
    """Prefix length."""
    interface: str | None
    priority: int
    timing: Timing
    failback: float | None
    probe: ProbeMode
    arp_suppression: bool
    on_isolation: Isolation
    isolation_wait: float
    announce_refresh: float
    witnesses: tuple[Address, ...]
    nodes: int | None
    ping_interval: float
    """Seconds between ICMP echoes to each target; 0 for none."""
    bind: BindMode
    checks: "tuple[CheckSettings, ...]"
    when_all_fail: WhenAllFail
    hooks: "tuple[HookSettings, ...]"
    key_path: str = field(compare=False)
    """`floating_ip`, or `floating_ip[1]` in a list."""
    line: int = field(compare=False)
    """Where the group begins in the file, for later complaints."""


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """This host's own identity and places."""

    name: str
    state_directory: Path = DEFAULT_STATE_DIRECTORY
    control_socket: Path = DEFAULT_CONTROL_SOCKET


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A signing key: its number on the wire and the file that holds its secret.

    A relative name is a systemd credential, or lies beside the configuration file.
    """

    id: int
    file: Path


@dataclass(frozen=True, slots=True)
class AdvertSettings:
    """How adverts travel."""

    group: Address = DEFAULT_MULTICAST_GROUP
    port: int = DEFAULT_PORT
    peers: tuple[Address, ...] = ()
    """Where given, adverts go to these by unicast instead of to the multicast group."""
    keys: tuple[KeyFile, ...] = ()
    """The first signs, all verify."""


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Where /metrics is served; None for nowhere."""

    host: str = ""
    port: int | None = DEFAULT_METRICS_PORT
    web_config: Path | None = None


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What the log says and in which form: `auto` is journal prefixes under systemd, text elsewhere."""

    level: str = "info"
    format: str = "auto"


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration file."""

    source: Path
    groups: tuple[FloatingIpSettings, ...]
    node: NodeSettings
    adverts: AdvertSettings
    metrics: MetricsSettings
    log: LogSettings
    notices: tuple[str, ...] = ()
    """Sentences about keys that are understood but have no meaning here."""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Every key path that the file has (`floating_ip[1].ip`, `metrics.listen`), and its line."""


class Origin(Enum):
    """Where a setting in force comes from."""

    FILE = "file"
    DEFAULT = "default"
    DETECTED = "detected"


@dataclass(frozen=True, slots=True)
class ResolvedGroup:
    """A group ready to run: everything the election needs, and where it takes place."""

    core: GroupSettings
    interface: str
    prefix_length: int
    """Of the bound address: the host mask, unless a written `netmask` can't make the address a primary."""
    witnesses: tuple[Address, ...]
    nodes: int | None
    ping_interval: float
    origins: dict[str, Origin] = field(default_factory=dict)
    """Key (`ip`, `netmask`, `interface`, ...) to where its value comes from, for `check`."""
    notices: tuple[str, ...] = ()
    """Sentences about what was decided otherwise than written, or deserves a second look."""
    checks: "tuple[CheckSettings, ...]" = ()
    hooks: "tuple[HookSettings, ...]" = ()
