"""Keys rotate by reload on running nodes, one after the other, and the address stays where it is."""

from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from secrets import token_hex

import pytest

from tests.unit.documents.samples import samples
from vipservice.config.load import loads
from vipservice.lab.clock import wait_until
from vipservice.lab.daemons import Daemon, node_section
from vipservice.lab.lan import Lan

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

VIP = IPv4Address("10.99.0.234")
SECRETS = {1: token_hex(32), 2: token_hex(32)}


def configuration(name: str, keys: tuple[int, ...]) -> str:
    listed = "".join(f"    - {{id: {key}, file: /run/vipservice/{key}.key}}\n" for key in keys)
    return (
        f"{node_section(name)}\nmetrics:\n  listen: off\nadverts:\n  keys:\n{listed}"
        f"floating_ip: {{enabled: true, interface: eth0, ip: {VIP}}}\n"
    )


@pytest.fixture
def pair() -> Iterator[tuple[Lan, dict[str, Daemon]]]:
    with Lan(("a", "b"), gateway=True) as lan:
        daemons = {name: Daemon(lan.node(name), configuration(name, (1,))) for name in ("a", "b")}
        for name, daemon in daemons.items():
            folder = lan.node(name).root / "run/vipservice"
            for key, secret in SECRETS.items():
                (folder / f"{key}.key").write_text(secret)
                (folder / f"{key}.key").chmod(0o600)
            daemon.start()
            daemon.wait_ready(10)
        wait_until(lambda: len(lan.owners(VIP)) == 1, 10, "an owner")
        yield lan, daemons


def rounds() -> list[tuple[int, ...]]:
    """What the guide says the keys are, round by round."""
    said = [one for one in samples("yaml vipservice") if one.page == "docs/guides/key-rotation.md"]
    listed = [tuple(key.id for key in loads(one.text, Path(one.page)).adverts.keys) for one in said]
    assert len(listed) == 3
    return listed


def hears_peer(daemon: Daemon) -> bool:
    peers = daemon.status()["peers"]
    return bool(peers) and all(peer["living"] for peer in peers)


def test_a_key_is_replaced_on_both_nodes_without_a_move(pair: tuple[Lan, dict[str, Daemon]]) -> None:
    lan, daemons = pair
    for daemon in daemons.values():
        wait_until(lambda daemon=daemon: hears_peer(daemon), 10, "the peer")  # type: ignore[misc]
    since = lan.ownership.course(VIP)[-1]
    for keys in rounds():
        for name, daemon in daemons.items():
            daemon.write_config(configuration(name, keys))
            answer = daemon.ask({"command": "reload"})
            assert answer["ok"], answer
    # Two that had both kept the old key would agree as well: one that knows nothing but the new key decides.
    (owner,) = lan.owners(VIP)
    standby = next(daemon for name, daemon in daemons.items() if name != owner)
    standby.stop()
    standby.start()
    standby.wait_ready(10)
    for daemon in daemons.values():
        wait_until(lambda daemon=daemon: hears_peer(daemon), 10, "the peer")  # type: ignore[misc]
        assert daemon.status()["key_ids"] == [2]
        assert "rejected an advert" not in daemon.log_text()
    assert lan.ownership.course(VIP)[-1] == since


def test_a_key_that_cannot_be_read_changes_nothing(pair: tuple[Lan, dict[str, Daemon]]) -> None:
    lan, daemons = pair
    daemon = daemons["a"]
    (lan.node("a").root / "run/vipservice/2.key").chmod(0o644)
    daemon.write_config(configuration("a", (2,)))
    answer = daemon.ask({"command": "reload"})
    assert not answer["ok"]
    assert "2.key" in answer["detail"]
    assert daemon.status()["key_ids"] == [1]
