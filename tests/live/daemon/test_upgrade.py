"""An upgrade in place: the same process becomes other code, and no client, no peer and no role notices."""

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import vipservice
from tests.live.daemon.test_service import command
from vipservice.lab.client import PAUSE
from vipservice.lab.clock import now
from vipservice.lab.daemons import CONFIG, CONTROL, STATE
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.demo.reasons import role_changes

pytestmark = [pytest.mark.live, pytest.mark.quiet, pytest.mark.timeout(120)]

IN_A_ROW = 10
MOST_UPGRADES = 20
AT_LEAST = 3
"""Of those that are wanted, so many must have been calm, on whatever machine."""
ANSWER_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Installation:
    """A copy of the package that both nodes run, and that is replaced under them."""

    folder: Path

    @property
    def run(self) -> tuple[str, ...]:
        """What a unit file would execute."""
        code = (
            f"import sys; sys.path.insert(0, {str(self.folder)!r}); "
            "from vipservice.cli.main import main; sys.exit(main())"
        )
        return (sys.executable, "-I", "-c", code, "run", "--config", str(CONFIG))

    def install(self, version: str) -> None:
        """Another version, as a package manager would put it there."""
        shutil.copytree(Path(vipservice.__file__).parent, self.folder / "vipservice", dirs_exist_ok=True)
        init = self.folder / "vipservice" / "__init__.py"
        init.write_text(re.sub(r'(?<=__version__ = ")[^"]*', version, init.read_text()))

    def spoil(self, file: str) -> None:
        """Half of an installation: a file that is no Python any more."""
        (self.folder / "vipservice" / file).write_text("def (")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    made = Installation(tmp_path_factory.mktemp("installed"))
    made.install("1.0")
    return made


@pytest.fixture(scope="module")
def pair(installation: Installation) -> Iterator[Cluster]:
    """Two nodes that run it with signed adverts, at the fastest pace: each time a hundred are missed."""
    with Cluster(("a", "b"), interval="2ms", gateway=True, command=installation.run) as cluster:
        cluster.start("a", "b")
        cluster.wait_until_whole()
        yield cluster


def upgrade(cluster: Cluster, node: str) -> tuple[int, str, str]:
    return command(cluster.lan.node(node), "upgrade", "--socket", str(CONTROL))


def stood_still(cluster: Cluster, since: float) -> bool:
    """Whether the machine did: that says nothing about an upgrade, which has to be done again."""
    outage = cluster.pings.outage(since)
    said = cluster.sentences(since, now())
    return outage.longest_gap - outage.net_gap > PAUSE or any("stood still" in one.text for one in said)


def undisturbed(cluster: Cluster, since: float, owner: str) -> str:
    """What was seen of the address since then, empty where nothing was or the machine stood still."""
    if stood_still(cluster, since):
        return ""
    outage, owned = cluster.pings.outage(since), cluster.lan.owned(VIP, since, now())
    changes = role_changes(cluster.sentences(since, now()))
    if (outage.lost, owned.most, owned.none, owned.final, changes) == (0, 1, 0.0, frozenset({owner}), 0):
        return ""
    return f"{outage}\n{owned}\n{changes} role changes\n{cluster.report()}"


def standby_of(cluster: Cluster, owner: str) -> str:
    return next(name for name in cluster.daemons if name != owner)


def test_upgrades_in_a_row_cost_nothing(pair: Cluster, installation: Installation) -> None:
    calm = 0
    for number in range(MOST_UPGRADES):
        owner = pair.wait_for_owner(5)
        before, since = pair.daemons[owner].status(), now()
        installation.install(f"1.{number + 1}")
        code, output, errors = upgrade(pair, owner)
        pair.wait_until_whole()
        if stood_still(pair, since):
            continue
        assert code == 0, errors + pair.report()
        assert f" -> 1.{number + 1}: the loop stood for 0." in output
        assert "is active" in output
        assert not (seen := undisturbed(pair, since, owner)), seen
        after = pair.daemons[owner].status()
        assert after["pid"] == before["pid"]
        assert after["incarnation"] > before["incarnation"]
        assert after["groups"][0]["term"] == before["groups"][0]["term"]
        assert pair.daemons[standby_of(pair, owner)].status()["groups"][0]["owner"] == before["name"]
        calm += 1
        if calm == IN_A_ROW:
            break
    assert calm >= AT_LEAST, pair.report()


def test_the_backup_is_upgraded_and_still_able_to_take_over(
    pair: Cluster, installation: Installation
) -> None:
    owner = pair.wait_for_owner(5)
    installation.install("2.0")
    since = now()
    code, output, errors = upgrade(pair, standby_of(pair, owner))
    assert code == 0, errors
    assert "is backup" in output
    pair.wait_until_whole()
    assert not (seen := undisturbed(pair, since, owner)), seen
    assert pair.daemons[owner].ask({"command": "handover"})["ok"]


@pytest.mark.parametrize("file", ["runtime/service.py", "adapters/linux/platform.py", "__init__.py"])
def test_a_broken_installation_is_refused_and_the_old_code_goes_on(
    pair: Cluster, installation: Installation, file: str
) -> None:
    owner = pair.wait_for_owner(5)
    before, since = pair.daemons[owner].status(), now()
    installation.spoil(file)
    try:
        code, _, errors = upgrade(pair, owner)
    finally:
        installation.install("3.0")
    assert code == 69
    assert "the new code does not start: " in errors
    assert "SyntaxError" in errors
    after = pair.daemons[owner].status()
    assert (after["pid"], after["incarnation"]) == (before["pid"], before["incarnation"])
    assert not (seen := undisturbed(pair, since, owner)), seen


def test_a_file_that_the_new_code_would_refuse_is_refused_now(pair: Cluster) -> None:
    owner = pair.wait_for_owner(5)
    daemon = pair.daemons[owner]
    text = (daemon.host.root / CONFIG.relative_to("/")).read_text()
    try:
        daemon.write_config(text + "  priority: 999\n")
        refused = daemon.ask({"command": "upgrade"}, ANSWER_WITHIN)
        daemon.write_config(text.replace(str(STATE), f"{STATE}-other"))
        elsewhere = daemon.ask({"command": "upgrade"}, ANSWER_WITHIN)
    finally:
        daemon.write_config(text)
    assert not refused["ok"]
    assert "priority" in refused["detail"]
    assert not elsewhere["ok"]
    assert "node.state_directory has changed" in elsewhere["detail"]


def test_a_signal_that_comes_while_no_code_is_there_waits_for_the_new_one(pair: Cluster) -> None:
    owner = pair.wait_for_owner(5)
    daemon, since = pair.daemons[owner], now()
    with pytest.raises(ConnectionError, match="hung up"):
        daemon.ask({"command": "upgrade"}, ANSWER_WITHIN)
    sent = daemon.reload().began  # execve(2) ended the connection: nobody is there to handle it
    daemon.wait_for_line("info reload: ", 10, since=sent)
    assert len([line for line in daemon.log if line.at > since and "upgraded in place" in line.text]) == 1
    assert not (seen := undisturbed(pair, since, owner)), seen
