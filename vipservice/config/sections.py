"""The keys beside `floating_ip`: node, adverts, metrics and log, one row each."""

import socket
from pathlib import Path

from vipservice.config.addresses import read_host_address, read_listen, read_multicast
from vipservice.config.group_keys import GROUP_KEYS
from vipservice.config.scalars import (
    MAX_NAME_BYTES,
    off_or,
    read_absolute_path,
    read_name,
    read_path,
    read_socket_path,
    whole_number,
    word_of,
)
from vipservice.config.schema import Key, Section, Values, list_of, mapping_of
from vipservice.config.settings import (
    DEFAULT_CONTROL_SOCKET,
    DEFAULT_METRICS_PORT,
    DEFAULT_MULTICAST_GROUP,
    DEFAULT_PORT,
    DEFAULT_STATE_DIRECTORY,
    AdvertSettings,
    KeyFile,
    LogSettings,
    MetricsSettings,
    NodeSettings,
)
from vipservice.core.values import Address

MAX_KEY_ID = 2**32 - 1
"""As wide as its field in an advert; room for dates such as 20270101."""

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("auto", "text", "json", "journal")

NODE_NAME: Key[str | None] = Key(
    "name",
    read_name,
    None,
    "1 to 63 printable bytes",
    "What people and logs call this host; its identity is a number in the state directory.",
    "the host name",
)
STATE_DIRECTORY: Key[Path] = Key(
    "state_directory",
    read_absolute_path,
    DEFAULT_STATE_DIRECTORY,
    "an absolute path",
    "Where the node's identity, terms and known peers are kept.",
)
CONTROL_SOCKET: Key[Path] = Key(
    "control_socket",
    read_socket_path,
    DEFAULT_CONTROL_SOCKET,
    "an absolute path of at most 103 bytes",
    "Where 'vipservice status' and the other commands reach the daemon.",
)

MULTICAST_GROUP: Key[Address] = Key(
    "group",
    read_multicast,
    DEFAULT_MULTICAST_GROUP,
    "a multicast address such as 224.0.0.254",
    "Where adverts go. Groups outside of 224.0.0.0/24 depend on the switches' IGMP snooping.",
)
PORT: Key[int] = Key(
    "port", whole_number(1, 65535), DEFAULT_PORT, "a port from 1 to 65535", "The adverts' UDP port."
)
PEERS: Key[tuple[Address, ...]] = Key(
    "peers",
    list_of(read_host_address),
    (),
    "a list of IPv4 addresses",
    "The other nodes. Where given, adverts go to them by unicast instead of by multicast.",
    "none",
)
KEY_ID: Key[int] = Key(
    "id",
    whole_number(1, MAX_KEY_ID),
    0,
    f"a whole number from 1 to {MAX_KEY_ID}",
    "The key's number on the wire.",
)
KEY_FILE: Key[Path] = Key(
    "file",
    read_path,
    Path(),
    "a path, or the name of a systemd credential",
    "What 'vipservice keygen' wrote. A relative name is a systemd credential, or beside this file.",
)
KEYS: Key[tuple[KeyFile, ...]] = Key(
    "keys",
    list_of(
        mapping_of(
            (KEY_ID, KEY_FILE), lambda values: KeyFile(values[KEY_ID], values[KEY_FILE]), (KEY_ID, KEY_FILE)
        )
    ),
    (),
    "a list of mappings with 'id' and 'file'",
    "Secrets that sign adverts: the first signs, all verify, so that keys can be rotated.",
    "none",
)

LISTEN: Key[tuple[str, int] | None] = Key(
    "listen",
    off_or(None, read_listen),
    ("", DEFAULT_METRICS_PORT),
    "an address and port such as ':10234', '127.0.0.1:10234' or '[::]:10234', or off",
    "Where metrics, health and the status page are served.",
    ":10234",
)
WEB_CONFIG: Key[Path | None] = Key(
    "web_config",
    read_absolute_path,
    None,
    "an absolute path",
    "TLS and passwords for the metrics server.",
    "none",
)

LEVEL: Key[str] = Key(
    "level",
    word_of({level: level for level in LEVELS}),
    LogSettings().level,
    "debug, info, warning or error",
    "The least grave messages that are logged.",
)
FORMAT: Key[str] = Key(
    "format",
    word_of({name: name for name in FORMATS}),
    LogSettings().format,
    "auto, text, json or journal",
    "The log's form; auto is journal under systemd and text elsewhere.",
)

FLOATING_IP = Section(
    "floating_ip", "One group as a mapping, or several as a list with id and name.", GROUP_KEYS
)
NODE = Section("node", "This host.", (NODE_NAME, STATE_DIRECTORY, CONTROL_SOCKET))
ADVERTS = Section("adverts", "How the nodes talk to each other.", (MULTICAST_GROUP, PORT, PEERS, KEYS))
METRICS = Section("metrics", "The HTTP server for Prometheus and people.", (LISTEN, WEB_CONFIG))
LOG = Section("log", "What is logged.", (LEVEL, FORMAT))
SECTIONS = (FLOATING_IP, NODE, ADVERTS, METRICS, LOG)
"""The whole file, in the order that the reference prints."""


def make_node(values: Values) -> NodeSettings:
    """The node's settings; without a name, the host's."""
    return NodeSettings(
        name=values[NODE_NAME] or host_name(),
        state_directory=values[STATE_DIRECTORY],
        control_socket=values[CONTROL_SOCKET],
    )


def make_adverts(values: Values) -> AdvertSettings:
    """The adverts' settings."""
    return AdvertSettings(values[MULTICAST_GROUP], values[PORT], values[PEERS], values[KEYS])


def make_metrics(values: Values) -> MetricsSettings:
    """The HTTP server's settings."""
    host, port = values[LISTEN] or ("", None)
    return MetricsSettings(host, port, values[WEB_CONFIG])


def make_log(values: Values) -> LogSettings:
    """The log's settings."""
    return LogSettings(values[LEVEL], values[FORMAT])


def host_name() -> str:
    """This host's name, made fit to be a node's."""
    name = "".join(character for character in socket.gethostname() if character.isprintable()).strip()
    return name.encode()[:MAX_NAME_BYTES].decode(errors="ignore") or "localhost"
