"""A pair of feth interfaces with a daemon on each: macOS, root, and an otherwise idle machine."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

VIP = "10.99.77.234"
BOUND = 20.0
ENDS = {"feth77": "10.99.77.1", "feth78": "10.99.77.2"}


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@dataclass
class Node:
    """A daemon on one end."""

    interface: str
    config: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vipservice", "run", "--config", str(self.config)]
        )

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def holds(self) -> bool:
        return f"inet {VIP} " in run("/sbin/ifconfig", self.interface)

    def status(self) -> dict[str, Any]:
        shown = run(sys.executable, "-m", "vipservice", "status", "--json", "--config", str(self.config))
        return dict(json.loads(shown))


def wait(until: Callable[[], bool], what: str) -> float:
    began = time.monotonic()
    while not until():
        assert time.monotonic() - began < BOUND, f"never: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[Node]]:
    if platform.system() != "Darwin":
        pytest.skip("feth interfaces are macOS's")
    if os.geteuid() != 0:
        pytest.skip("only root makes interfaces: sudo scripts/test macos")
    first, second = ENDS
    made = []
    try:
        for interface in ENDS:
            run("/sbin/ifconfig", interface, "create")
        run("/sbin/ifconfig", first, "peer", second)
        for interface, address in ENDS.items():
            run("/sbin/ifconfig", interface, "inet", address, "netmask", "255.255.255.0", "up")
            made.append(Node(interface, _configuration(tmp_path / interface, interface)))
        yield made
    finally:
        for node in made:
            node.end()
        for interface in ENDS:
            subprocess.run(["/sbin/ifconfig", interface, "destroy"], check=False)


def _configuration(folder: Path, interface: str) -> Path:
    folder.mkdir()
    path = folder / "vipservice.yml"
    path.write_text(f"""\
floating_ip:
  enabled: true
  ip: {VIP}
  interface: {interface}
node:
  name: {interface}
  state_directory: {folder}/state
  control_socket: {folder}/control.sock
metrics:
  listen: "off"
""")
    return path
