"""What the adverts on the wire say of their senders: clones, clashing ids, keys that don't fit."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from vipservice.adapters.linux.survey.tap import Passed
from vipservice.cli.diagnosis.findings import Finding, error, ok, warning
from vipservice.cli.diagnosis.patient import Link, Patient
from vipservice.core.frozen import dataclass
from vipservice.core.messages import Advert, Entry
from vipservice.core.values import Mac, show_mac
from vipservice.wire.advert import decode
from vipservice.wire.errors import DecodeError
from vipservice.wire.header import read_start
from vipservice.wire.signing import Keyring, open_sealed

_KEY_TROUBLE = {
    "unsigned": ("is not signed, and we have keys", "give it the same key"),
    "signed": ("is signed, and we have no key", "give this node the same key ('adverts.keys')"),
    "unknown_key": ("is signed with a key that we don't have", "compare 'adverts.keys' of both nodes"),
    "bad_signature": (
        "is signed with another secret under the same number",
        "copy the same key file to both nodes ('sha256sum' on each compares them)",
    ),
}


@dataclass(frozen=True, slots=True)
class Heard:
    """An advert of another host, believed or not."""

    advert: Advert
    sender: str
    """Where it came from, in words."""
    mac: Mac
    trouble: str
    """Why it is not believed (a reason of the wire's), empty where it is."""


def heard(link: Link, keyring: Keyring) -> list[Heard]:
    """The latest advert of each node and host that came in on a link, whether it is rightly signed or not."""
    latest: dict[tuple[bytes, bytes], Heard] = {}
    for passed in link.passed:
        if not passed.outgoing and (one := _read(passed, keyring)):
            latest[one.advert.node, one.mac] = one
    return list(latest.values())


def _read(passed: Passed, keyring: Keyring) -> Heard | None:
    try:
        length, _key_id = read_start(passed.payload)
        advert = decode(passed.payload[:length])
    except DecodeError:
        return None
    trouble = ""
    try:
        open_sealed(passed.payload, keyring)
    except DecodeError as problem:
        trouble = problem.reason
    sender = f"{advert.name} ({passed.source or advert.address}, {show_mac(passed.mac)})"
    return Heard(advert, sender, passed.mac, trouble)


def keys(patient: Patient) -> Iterator[Finding]:
    """Every node signs with a key that the others have."""
    if patient.settings is None:
        return
    if patient.groups and not patient.settings.adverts.keys:
        yield warning(
            "keys",
            "adverts are not signed",
            "anybody on the link can forge them, and take the address by doing so",
            "make a key, copy it to every node and name it in the configuration:",
            (
                "vipservice keygen /etc/vipservice/advert.key",
                "adverts:",
                "  keys:",
                "    - {id: 1, file: advert.key}",
            ),
        )
    if patient.settings.adverts.keys and not patient.keyring:
        return  # said already: the keys cannot be read
    believed = 0
    for link in patient.links:
        for one in heard(link, patient.keyring):
            believed += not one.trouble
            if one.trouble in _KEY_TROUBLE and one.mac not in patient.own_macs:
                found, remedy = _KEY_TROUBLE[one.trouble]
                yield error(
                    "keys",
                    f"an advert of {one.sender} {found}",
                    "neither node hears the other: after a fault of one the other waits for the lease, "
                    "and planned "
                    "moves are impossible",
                    remedy,
                )
    if believed and patient.keyring:
        yield ok(
            "keys", f"{believed} other {'node signs' if believed == 1 else 'nodes sign'} with a key of ours"
        )


def clones(patient: Patient) -> Iterator[Finding]:
    """Nobody else has this node's id."""
    ours = patient.node_id
    for link in patient.links:
        for one in heard(link, patient.keyring):
            if ours and one.advert.node.hex() == ours and one.mac not in patient.own_macs:
                yield error(
                    "node_id",
                    f"{one.sender} has this node's id {ours[:8]}...: one is a clone of the other",
                    "the two don't count each other as nodes; the one with the greater MAC never takes over",
                    "on the clone, forget who it was (it makes itself a new id):",
                    _forget_identity(patient),
                )


def _forget_identity(patient: Patient) -> tuple[str, ...]:
    assert patient.settings is not None
    identity = patient.settings.node.state_directory / "identity.json"
    return ("systemctl stop vipservice", f"rm {identity}", "systemctl start vipservice")


def group_ids(patient: Patient) -> Iterator[Finding]:
    """A group id stands for the same addresses everywhere, and an address for the same id."""
    clashes = 0
    for link in patient.links:
        ours = {group.core.id: group for group in patient.groups if group.interface == link.interface.name}
        for one in heard(link, patient.keyring):
            if one.mac in patient.own_macs:
                continue
            for entry in one.advert.entries:
                group = ours.get(entry.group)
                mine = set(group.core.addresses) if group else set()
                shared = {a for g in ours.values() for a in g.core.addresses if g.core.id != entry.group}
                if group and mine != set(entry.addresses):
                    clashes += 1
                    yield _other_addresses(one, entry, mine)
                elif shared & set(entry.addresses):
                    clashes += 1
                    yield _other_id(one, entry)
    if patient.groups and patient.links and not clashes:
        yield ok("group_id", "no other group on the link has an id or an address of ours")


def _other_addresses(one: Heard, entry: Entry, mine: AbstractSet[object]) -> Finding:
    theirs = _listed(set(entry.addresses))
    return error(
        "group_id",
        f"{one.sender} has group {entry.group} with {theirs}, here it is {_listed(mine)}",
        "nodes with other addresses under one id are no successors of each other: nobody takes over what "
        "the other "
        "had",
        "give both the same 'ip', or another 'id' (1 to 255) where they are two services",
    )


def _other_id(one: Heard, entry: Entry) -> Finding:
    return error(
        "group_id",
        f"{one.sender} has {_listed(set(entry.addresses))} under the id {entry.group}, which is not ours "
        "for it",
        "the two are strangers to each other and quarrel over the address",
        "give both the same 'id'",
    )


def _listed(addresses: AbstractSet[object]) -> str:
    return ", ".join(sorted(map(str, addresses))) or "nothing"


def loops(patient: Patient) -> Iterator[Finding]:
    """Frames of ours that come back: a loop in the switches."""
    for link in patient.links:
        back = sum(not one.outgoing and one.mac == link.interface.mac for one in link.passed)
        if back:
            yield warning(
                "loop",
                f"{back} of our own frames came back on {link.interface.name}",
                "a loop between switches, or a port that mirrors: it multiplies every broadcast",
                "look for two cables between the same switches, and turn spanning tree on",
            )
