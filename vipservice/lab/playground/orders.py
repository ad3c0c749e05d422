"""What can be done to the playground: one table of words, and how they come in from another terminal."""

import contextlib
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.hosts import CLIENT

SOCKET = Path("/run/vipservice-playground.sock")
LONGEST_ORDER = 1024
ANSWER_WITHIN = 60.0
"""Seconds: a host has to boot, and its daemon to start."""


@dataclass(frozen=True, slots=True)
class Order:
    """Something that can be done to a node."""

    does: str
    """For people; `{node}` is the node to which it is done."""
    do: Callable[[Cluster, str], object]


ORDERS: Mapping[str, Order] = {
    "kill": Order("kill -9 of the daemon on {node}, for good", lambda c, n: c.daemons[n].kill()),
    "hang": Order("kill -STOP of the daemon on {node}", lambda c, n: c.daemons[n].hang()),
    "stop": Order("systemctl stop on {node}", lambda c, n: c.daemons[n].stop()),
    "handover": Order(
        "vipservice handover on {node}", lambda c, n: c.daemons[n].ask({"command": "handover"})
    ),
    "power-off": Order("the power of {node} is cut", lambda c, n: c.power_off(n)),
    "cut": Order("the cable of {node} is cut", lambda c, n: c.lan.cut(n)),
    "block": Order(
        "a firewall drops every advert from and to {node}", lambda c, n: c.lan.drop_adverts(n, raw=True)
    ),
    "deafen": Order(
        "a firewall drops every advert to {node}",
        lambda c, n: c.lan.drop_adverts(n, direction="in", raw=True),
    ),
    "delete": Order("ip address del on {node}", lambda c, n: c.lan.delete_address(n, VIP)),
    "steal": Order(
        "the client configures the address too, beside {node}", lambda c, _: c.lan.add_address(CLIENT, VIP)
    ),
    "mend": Order("everything is mended", lambda c, _: mend(c)),
}


class OrderError(Exception):
    """It can't be done; the message is a sentence."""


def mend(cluster: Cluster) -> None:
    """Undo whatever has been done."""
    with contextlib.suppress(KeyError):
        cluster.lan.delete_address(CLIENT, VIP)
    cluster.heal()


def carry_out(cluster: Cluster, word: str, node: str | None) -> str:
    """Do it to the node, or to the owner where none is named; what was done.

    Raises:
        OrderError: There is no such order or node, or it can't be done now.
    """
    order = ORDERS.get(word)
    if order is None:
        raise OrderError(f"{word!r} is no order; there are {', '.join(ORDERS)}")
    name = _named(cluster, node)
    if name not in cluster.daemons:
        raise OrderError(f"there is no node {node!r}; there are {', '.join(cluster.daemons)}")
    try:
        order.do(cluster, name)
    except (KeyError, OSError, RuntimeError) as error:
        raise OrderError(f"{word} on {name} can't be done now: {error!r}") from error
    return order.does.format(node=f"node-{name}")


def _named(cluster: Cluster, node: str | None) -> str:
    """The node that is meant: the owner where none is named, unless a stranger owns the address."""
    if node:
        return node.removeprefix("node-")
    owner = cluster.owner
    return owner if owner in cluster.daemons else next(iter(cluster.daemons))


def send(word: str, node: str | None, path: Path = SOCKET) -> str:
    """Give an order to the playground that runs in another terminal; what it answers.

    Raises:
        OrderError: None runs, or it refuses.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(ANSWER_WITHIN)
        try:
            line.connect(str(path))
        except OSError as error:
            raise OrderError("no playground runs here: start one with 'sudo scripts/playground'") from error
        line.sendall(json.dumps({"order": word, "node": node}).encode() + b"\n")
        with line.makefile("rb") as answers:
            answer = json.loads(answers.readline() or b'{"ok": false, "said": "it has ended"}')
    if not answer["ok"]:
        raise OrderError(answer["said"])
    return str(answer["said"])


def listen(path: Path = SOCKET) -> socket.socket:
    """The socket on which orders come in, for root alone.

    Raises:
        OrderError: Another playground runs.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        if other.connect_ex(str(path)) == 0:
            raise OrderError("a playground runs already, in another terminal")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen()
    return listener


def take(listener: socket.socket, cluster: Cluster) -> str | None:
    """Take one order that has come in, carry it out, and answer; what was done, for the log."""
    visitor, _ = listener.accept()
    with visitor, contextlib.suppress(OSError, ValueError, KeyError):
        visitor.settimeout(1.0)
        with visitor.makefile("rb") as lines:
            order = json.loads(lines.readline(LONGEST_ORDER))
        try:
            said, ok = carry_out(cluster, order["order"], order["node"]), True
        except OrderError as error:
            said, ok = str(error), False
        visitor.sendall(json.dumps({"ok": ok, "said": said}).encode() + b"\n")
        return said if ok else None
    return None
