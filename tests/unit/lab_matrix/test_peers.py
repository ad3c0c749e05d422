import pytest

from vipservice.lab.matrix.peers.keepalived import INTERVALS, Keepalived, configuration
from vipservice.lab.matrix.peers.peer import Peer
from vipservice.lab.matrix.peers.ucarp import DEAD_RATIOS, HERE, Ucarp
from vipservice.lab.matrix.settings import SETTINGS


@pytest.mark.parametrize(
    ("peer", "line", "role"),
    [
        (Keepalived, "Mon Nov 23 00:22:56 2026: (floating) Entering BACKUP STATE (init)", "backup"),
        (Keepalived, "Mon Nov 23 00:22:51 2026: (floating) Entering MASTER STATE", "active"),
        (Keepalived, "Mon Nov 23 00:22:51 2026: (floating) Entering FAULT STATE", "fault"),
        (Keepalived, "Mon Nov 23 00:22:56 2026: Startup complete", None),
        (Ucarp, "2026-11-23T00:23:25.998350: [WARNING] Switching to state: MASTER", "active"),
        (Ucarp, "2026-11-23T00:23:28.064559: [WARNING] Switching to state: BACKUP", "backup"),
        (Ucarp, "2026-11-23T00:23:36.731876: [WARNING] Preferred master advertised: going back", None),
    ],
)
def test_a_line_of_a_log_tells_of_a_role_in_our_words(peer: type[Peer], line: str, role: str | None) -> None:
    assert peer.role_in(line) == role


@pytest.mark.parametrize(
    ("interval", "version", "written"), [(1.0, 2, "1"), (0.1, 3, "0.1"), (0.01, 3, "0.01")]
)
def test_below_a_second_keepalived_speaks_the_third_version(
    interval: float, version: int, written: str
) -> None:
    text = configuration("10.99.0.234", interval, "node-a")
    assert f" vrrp_version {version}\n" in text
    assert f" advert_int {written}\n" in text


def test_keepalived_is_configured_like_ours_not_to_preempt() -> None:
    text = configuration("10.99.0.234", 0.1, "node-a")
    assert " state BACKUP\n nopreempt\n" in text
    assert text.count("{") == text.count("}")


def test_every_pace_of_a_peer_is_one_that_it_knows() -> None:
    paces = {"keepalived": set(INTERVALS), "ucarp": set(DEAD_RATIOS)}
    for daemon, known in paces.items():
        assert {one.pace for one in SETTINGS if one.daemon == daemon} == known


def test_the_scripts_that_ucarp_calls_can_be_executed() -> None:
    assert all((HERE / name).stat().st_mode & 0o111 == 0o111 for name in ("ucarp-up", "ucarp-down"))
