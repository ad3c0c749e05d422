"""What travels on the LAN in memory: the meaning of frames, without their bytes."""

from vipservice.core.frozen import dataclass
from vipservice.core.messages import Advert, Path
from vipservice.core.values import Address, Mac


@dataclass(frozen=True, slots=True)
class AdvertFrame:
    """An advert by one of its three paths."""

    advert: Advert
    path: Path
    source: Mac
    destination: Mac | None
    """None for multicast and broadcast."""


@dataclass(frozen=True, slots=True)
class ArpFrame:
    """An ARP packet; `sender` None for a probe, `sender == target` for an announcement."""

    source: Mac
    destination: Mac | None
    sender: Address | None
    target: Address
    answer: bool = False


Frame = AdvertFrame | ArpFrame
