"""ucarp on a host of the lab; the address is bound and released by its scripts, as its manual has it."""

from pathlib import Path
from typing import ClassVar

from vipservice.core.values import Address
from vipservice.lab.hosts import INTERFACE, Host
from vipservice.lab.matrix.peers.peer import Peer

NAME = "ucarp"
DEAD_RATIOS = {"1s": 3, "1s-dead2": 2}
"""By the name of a pace. ucarp's adverts are advbase (whole seconds) + advskew / 256 s apart, its patience is
ratio * advbase + advskew / 256 s: with advbase 0 a backup waits no longer than the master."""

HERE = Path(__file__).parent


class Ucarp(Peer):
    """ucarp with one address.

    Args:
        host: Where it runs.
        address: The floating address.
        dead_ratio: After how many intervals without an advert the master counts as dead.
    """

    ready_line: ClassVar = "Switching to state"
    roles: ClassVar = {"to state: MASTER": "active", "to state: BACKUP": "backup", "to state: INIT": "fault"}

    def __init__(self, host: Host, address: Address, dead_ratio: int) -> None:
        options = {
            "--interface": INTERFACE,
            "--srcip": str(host.address),
            "--vhid": "7",
            "--pass": "not-a-secret",
            "--addr": str(address),
            "--upscript": str(HERE / "ucarp-up"),
            "--downscript": str(HERE / "ucarp-down"),
            "--advbase": "1",
            "--deadratio": str(dead_ratio),
        }
        command = ["ucarp", *(f"{name}={value}" for name, value in options.items()), "--shutdown"]
        super().__init__(host, "", command)
