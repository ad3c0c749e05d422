"""What a host in memory does when its core asks for it: kernel, frames, disk, and what it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vipservice.adapters.memory.frames import AdvertFrame, ArpFrame
from vipservice.core.actions import (
    Action,
    Announce,
    AskNeighbours,
    Bind,
    CommandDone,
    ConditionChanged,
    Probe,
    Rejected,
    Release,
    Renew,
    Repaired,
    SendAdvert,
    Stopped,
    StoreIncarnation,
    StoreTerm,
    Turned,
)
from vipservice.core.events import BindFailed, Bound, Event
from vipservice.core.messages import Path
from vipservice.core.values import Address, Mac

if TYPE_CHECKING:
    from vipservice.adapters.memory.host import MemoryHost


class Deeds:
    """Carries out the actions of one host's core."""

    def __init__(self, host: MemoryHost) -> None:
        self._host = host

    def carry_out(self, actions: list[Action]) -> list[Event]:
        """Carry out in order; what the kernel says to it is to be handled after the last."""
        return [result for action in actions if (result := self._one(action))]

    def _one(self, action: Action) -> Event | None:
        match action:
            case Bind() | Renew():
                return self._bind(action)
            case Release(addresses=addresses):
                for address in addresses:
                    self._host.release(address)
            case SendAdvert():
                self._send_advert(action)
            case Probe(address=address, to=to):
                self._send_arp(None, address, to)
            case Announce(addresses=addresses):
                self._host.announced += 1
                for address in addresses:
                    self._send_arp(address, address)
            case AskNeighbours(sender=sender, targets=targets, to=to):
                for target in targets:
                    self._send_arp(sender, target, to)
            case _:
                self._record(action)
        return None

    def _record(self, action: Action) -> None:
        host = self._host
        match action:
            case Turned():
                host.turned.append((host.lan.now, action))
                change = f"{action.old.value} -> {action.new.value}"
                self._note(f"{change}: {action.detail} [{action.reason.value}]")
                host.lan.tell_turned(host.name, action)
            case ConditionChanged():
                self._note(f"{action.kind.value} {'on' if action.on else 'off'}: {action.detail}")
            case StoreTerm():
                host.disk.terms[action.group] = (action.own, action.reserved)
            case StoreIncarnation():
                host.disk.incarnation = action.incarnation
            case CommandDone():
                host.done.append(action)
                self._note(f"command {'done' if action.ok else 'failed'}: {action.detail}")
            case Repaired():
                self._note(f"puts {action.address} back")
            case Stopped():
                host.group_stopped(action.group)
            case Rejected():
                host.rejected.append(action)

    def _note(self, text: str) -> None:
        self._host.lan.note(self._host.name, text)

    def _bind(self, action: Bind | Renew) -> Event:
        host = self._host
        if host.clock > action.not_after:
            return BindFailed(action.group, "the right to bind had run out", late=True)
        for address in action.addresses:
            adds = not host.kernel.holds(address)
            host.renew(address, action.lease)
            if adds:
                host.lan.tell_bound(host.name, address)
        return Bound(action.group)

    def _send_arp(self, sender: Address | None, target: Address, to: Mac | None = None) -> None:
        self._host.lan.send(self._host.name, ArpFrame(self._host.macs[0], to, sender, target))

    def _send_advert(self, action: SendAdvert) -> None:
        host, lan = self._host, self._host.lan
        host.sent.append(action)
        source, advert = host.macs[0], action.advert
        if Path.MULTICAST in action.paths:
            lan.send(host.name, AdvertFrame(advert, Path.MULTICAST, source, None))
        if Path.UNICAST in action.paths:
            macs = [h.macs[0] for h in lan.hosts.values() if h.address == action.peer_address]
            for mac in macs:
                lan.send(host.name, AdvertFrame(advert, Path.UNICAST, source, mac))
        if Path.RAW in action.paths:
            for to in action.raw_to or (None,):
                lan.send(host.name, AdvertFrame(advert, Path.RAW, source, to))
