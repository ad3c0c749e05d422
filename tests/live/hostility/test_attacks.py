"""Real daemons bear each attack for a few seconds; `scripts/hostility` makes them for a minute each."""

from collections.abc import Iterator
from random import Random

import pytest

from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.hostility import run
from vipservice.lab.hostility.attacks import ATTACKS, SEED, Scene
from vipservice.lab.hostility.memory_group import memory_group

pytestmark = [pytest.mark.live, pytest.mark.quiet, pytest.mark.timeout(180)]

SECONDS = 2.0
BEARABLE = 0.5
"""Of a core, for a daemon at 10 ms in a flood: without the kernel's help it takes a whole one."""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with memory_group() as memory, run.cluster_in(memory, "10ms") as cluster:
        yield Scene(cluster, memory, Random(SEED))


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name not in {"nothing", "busy-loops"}])
def test_an_attack_moves_nothing_and_leaves_nothing_behind(scene: Scene, attack: str) -> None:
    if attack == "memory-pressure" and scene.memory is None:
        pytest.skip("this machine gives no control group for memory")
    outcome = run.make(scene, attack, SECONDS, run.SETTLE if attack == "slow-http" else 0.5)
    assert outcome.held, f"{outcome}\n{scene.cluster.report()}"
    assert "Traceback" not in scene.cluster.report()


@pytest.mark.parametrize("attack", ["wrong-signatures", "replays"])
def test_in_a_flood_the_kernel_drops_most_of_it_and_all_is_read_again_afterwards(
    scene: Scene, attack: str
) -> None:
    cluster, since = scene.cluster, now()
    outcome = run.make(scene, attack, SECONDS, 0.0)
    assert outcome.processor < BEARABLE, cluster.report()
    # Recordings are the owner's own words, nearly all: its kernel takes no packet from its own address.
    flooded = set(cluster.daemons) - ({cluster.owner} if attack == "replays" else set())
    for daemon in (cluster.daemons[name] for name in flooded):
        daemon.wait_for_line("warning flood of adverts that are not for us", 1)
        daemon.wait_for_line("the flood of adverts that are not for us is over", 20, since)


def test_who_joins_in_a_flood_is_heard(scene: Scene) -> None:
    cluster: Cluster = scene.cluster
    (joining, *_) = sorted(set(cluster.daemons) - {cluster.owner})
    with ATTACKS["wrong-signatures"](scene):
        cluster.daemons[joining].stop()
        cluster.start(joining)
        cluster.wait_until_whole()
