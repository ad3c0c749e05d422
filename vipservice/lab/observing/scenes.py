"""Who looks at a node: nobody, a Prometheus, a person, a hundred in a hurry, a hundred that never end."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vipservice.config.settings import DEFAULT_METRICS_PORT
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.hostility import slow_clients
from vipservice.lab.observing import looking

CROWD = 100
SLOW_KINDS = len(slow_clients.KINDS)


@dataclass(frozen=True, slots=True)
class Scene:
    """Who looks, in words, and the arguments of the process that does."""

    words: str
    script: str = ""
    arguments: tuple[str, ...] = ()


def _looking(words: str, count: int, period: float, *paths: str) -> Scene:
    return Scene(words, looking.__file__, (str(count), str(period), *paths))


SCENES: Mapping[str, Scene] = {
    "nobody": Scene("nobody looks"),
    "prometheus": _looking("one scrape a second", 1, 1.0, "/metrics"),
    "page": _looking("a scrape and an open page, each second", 2, 1.0, "/metrics", "/api/v1/status"),
    "crowd": _looking(
        f"{CROWD} clients, each asking again at once",
        CROWD,
        0.0,
        "/metrics",
        "/api/v1/status",
        "/api/v1/history",
    ),
    "slow": Scene(
        f"{CROWD} slow, endless and deaf clients", slow_clients.__file__, (str(CROWD // SLOW_KINDS),)
    ),
}
"""By name, in the order in which they are played."""


@dataclass(slots=True)
class Looked:
    """What the lookers count."""

    first: int = 0
    """Answers read; of the slow ones connections opened."""
    second: int = 0
    """Requests refused or lost; of the slow ones connections that the server closed."""


@contextmanager
def played(scene: Scene, cluster: Cluster, node: str) -> Iterator[Looked]:
    """Let them look at a node for the length of a block, from the client's host; the counts come last."""
    looked = Looked()
    if not scene.script:
        yield looked
        return
    place = (str(cluster.lan.address_of(node)), str(DEFAULT_METRICS_PORT))
    command = (sys.executable, "-I", "-S", str(Path(scene.script)), *place, *scene.arguments)
    with cluster.lan.client.spawn(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield looked
            assert process.stdin is not None, "opened as a pipe"
            assert process.stdout is not None, "opened as a pipe"
            process.stdin.write(b"?")
            process.stdin.flush()
            looked.first, looked.second = map(int, process.stdout.readline().split())
        finally:
            process.kill()
