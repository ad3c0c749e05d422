"""What can go wrong on a LAN, by its plain name. Every verb says when it began and when it was done.

Cables and power go by netlink within half a millisecond; filters (nft) take some ten milliseconds and are
complete when the verb returns.
"""

import contextlib
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from vipservice.core.values import Address
from vipservice.lab.clock import now
from vipservice.lab.network import MAIN_SEGMENT, Network, port_name

Direction = Literal["in", "out", "both"]

ADVERT_PORT = 61111
RAW_ADVERT_ETHERTYPE = 0x88B5
ADVERT_PROTOCOL = 112
"""VRRP's, and CARP's: what other daemons advertise with."""

NFT = ("nft", "-f", "-")
HOST_TABLE = "inet vipservice_lab"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was done, and when: between `began` and `done` on the lab's clock."""

    what: str
    began: float
    done: float


class Faults(Network):
    """A network with the verbs that break and mend it. Hosts go by their short names."""

    def cut(self, *names: str) -> Fault:
        """Pull the cable out: the host loses its carrier."""
        began = now()
        for name in names:
            self._set_cable(name, False)
        return self._lost(f"cable of {_list(names)} cut", began)

    def cut_upstream(self, *names: str) -> Fault:
        """Break the path behind the host's switch: nothing passes, its carrier stays."""
        began = now()
        for name in names:
            self._plug_into(name, f"alone-{name}")
        return self._lost(f"{_list(names)} cut off upstream", began)

    def split(self, *sides: Sequence[str]) -> Fault:
        """Part a whole LAN between switches: who isn't named stays with the first side."""
        for number in range(1, len(sides)):
            self._add_bridge(f"side{number}")
        began = now()
        for number, names in enumerate(sides):
            for name in names:
                self._plug_into(name, f"side{number}" if number else MAIN_SEGMENT)
        return self._lost("split: " + " | ".join(_list(names) for names in sides), began)

    def heal(self, *names: str) -> Fault:
        """Mend cables and paths of these hosts, or of all."""
        began = now()
        for name in names or tuple(self.hosts):
            self._plug_into(name, MAIN_SEGMENT)
            self._set_cable(name, True)
        self.reach.change(began, self._segments())
        return Fault(f"{_list(names)} healed", began, now())

    def power_off(self, name: str) -> Fault:
        """The host dies: its last frame has been sent, every process and all its kernel knew is gone."""
        began = now()
        self._set_cable(name, False)
        fault = self._lost(f"power of {name} cut", began)
        self._power_off(self.hosts[name])
        return fault

    def power_on(self, name: str) -> Fault:
        """The host boots with its name, MAC and address, an empty /run and nothing running."""
        began = now()
        self._power_on([self._plans[name]])
        return Fault(f"power of {name} back", began, now())

    def pull_card(self, name: str) -> Fault:
        """Take the host's network card out: its eth0 is gone with all that was configured on it."""
        began = now()
        self._plugs[name].cable = False
        self._switch.delete_link(self.hosts[name].port)
        return self._lost(f"network card of {name} pulled", began)

    def insert_card(self, name: str) -> Fault:
        """Put it back: a new eth0 with the same MAC and, as at boot, the same address."""
        began = now()
        self._plugs[name].cable = True
        self.reach.change(began, self._segments())
        self._connect([self.hosts[name]])
        return Fault(f"network card of {name} inserted", began, now())

    def drop_adverts(
        self,
        name: str,
        *,
        direction: Direction = "both",
        raw: bool = False,
        icmp: bool = False,
        port: int = ADVERT_PORT,
    ) -> Fault:
        """A host firewall that blocks adverts; ARP passes. Replaces what an earlier call blocked there.

        Args:
            name: The host that has the firewall.
            direction: What it blocks, as the host sees it. Sending fails with EPERM, as with any firewall.
            raw: Raw adverts too, and those of VRRP and CARP. Daemons send and take those where host
                firewalls don't see them: the switch port drops them.
            icmp: ICMP too, the client's included.
            port: UDP port of the adverts.
        """
        began = now()
        self.restore_adverts(name)
        self.hosts[name].run(NFT, stdin=_host_firewall(direction, port, icmp))
        if raw:
            frames = _frames_of(name, direction)
            kinds = (f"ether type {RAW_ADVERT_ETHERTYPE:#x}", f"ip protocol {ADVERT_PROTOCOL}")
            rules = [f"{frame} {kind} drop" for frame in frames for kind in kinds]
            self._hub.run(NFT, stdin=_table(_raw_table(name), "forward", rules))
        return Fault(f"adverts of {name} blocked ({direction})", began, now())

    def restore_adverts(self, *names: str) -> Fault:
        """Take the firewalls of `drop_adverts` away, here or everywhere."""
        began = now()
        for name in names or tuple(self.hosts):
            self.hosts[name].run(NFT, stdin=_without(HOST_TABLE))
            self._hub.run(NFT, stdin=_without(_raw_table(name)))
        return Fault(f"adverts of {_list(names)} pass", began, now())

    def drop_one_way(self, sender: str, receiver: str) -> Fault:
        """No frame of `sender` reaches `receiver`; the way back works."""
        began = now()
        rule = f'iifname "{port_name(sender)}" oifname "{port_name(receiver)}" drop'
        self._hub.run(NFT, stdin=_table(_way_table(sender, receiver), "forward", [rule]))
        return Fault(f"frames from {sender} to {receiver} dropped", began, now())

    def restore_way(self, sender: str, receiver: str) -> Fault:
        """Undo `drop_one_way`."""
        began = now()
        self._hub.run(NFT, stdin=_without(_way_table(sender, receiver)))
        return Fault(f"frames from {sender} to {receiver} pass", began, now())

    def add_address(self, name: str, address: Address, prefix_length: int = 32) -> Fault:
        """An administrator, or a stranger, puts the address on the host's interface for good."""
        host = self.hosts[name]
        began = now()
        host.kernel.add_address(host.index, address, prefix_length)
        return Fault(f"{address} added on {name} by hand", began, now())

    def delete_address(self, name: str, address: Address) -> Fault:
        """An administrator takes the address off the host's interface.

        Raises:
            KeyError: The host's kernel doesn't have it.
        """
        kernel = self.hosts[name].kernel
        index, prefix_length = kernel.addresses()[address]
        began = now()
        kernel.delete_address(index, address, prefix_length)
        return Fault(f"{address} deleted on {name} by hand", began, now())

    def _lost(self, what: str, began: float) -> Fault:
        """What passes no more counts as lost from the beginning.

        It does within half a millisecond, but real-time daemons can keep this thread from looking at its
        clock for longer than one of them needs to take over, rightly.
        """
        done = now()
        self.reach.change(began, self._segments())
        return Fault(what, began, done)


def kill(process: subprocess.Popen[bytes]) -> Fault:
    """SIGKILL: the process is gone before it can say a word; what its kernel holds stays."""
    return _signal(process, signal.SIGKILL, "killed")


def hang(process: subprocess.Popen[bytes]) -> Fault:
    """SIGSTOP: the process stands still."""
    return _signal(process, signal.SIGSTOP, "hangs")


def resume(process: subprocess.Popen[bytes]) -> Fault:
    """SIGCONT: it goes on as if nothing had happened."""
    return _signal(process, signal.SIGCONT, "goes on")


@contextlib.contextmanager
def hung(process: subprocess.Popen[bytes]) -> Iterator[Fault]:
    """A process that stands still for the length of a block."""
    fault = hang(process)
    try:
        yield fault
    finally:
        resume(process)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals, what: str) -> Fault:
    began = now()
    process.send_signal(number)
    return Fault(f"process {process.pid} {what}", began, now())


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "all"


def _raw_table(name: str) -> str:
    return f"bridge raw_{name}"


def _way_table(sender: str, receiver: str) -> str:
    return f"bridge way_{sender}_{receiver}"


def _frames_of(name: str, direction: Direction) -> list[str]:
    """What the switch forwards from (out) and to (in) a host."""
    port = port_name(name)
    ways = {"out": f'iifname "{port}"', "in": f'oifname "{port}"'}
    return [match for way, match in ways.items() if direction in (way, "both")]


def _host_firewall(direction: Direction, port: int, icmp: bool) -> str:
    rules = [f"udp dport {port} drop", f"udp sport {port} drop"]
    if icmp:
        rules.append("meta l4proto { icmp, icmpv6 } drop")
    hooks = {"in": "input", "out": "output"}
    return "".join(
        _table(HOST_TABLE, hook, rules) for way, hook in hooks.items() if direction in (way, "both")
    )


def _table(table: str, hook: str, rules: Sequence[str]) -> str:
    """An nftables table with one base chain on `hook`; said again it adds to what is there."""
    chain = "\n".join([f"type filter hook {hook} priority -10; policy accept;", *rules])
    return f"table {table} {{\nchain {hook} {{\n{chain}\n}}\n}}\n"


def _without(table: str) -> str:
    """Delete a table whether or not it is there."""
    return f"table {table} {{\n}}\ndelete table {table}\n"
