"""A network namespace with an address in it, and a small daemon that renews its lease by a real guard."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.live.adapters.conftest import run_ip

ADDRESS, INTERFACE, LEASE = "192.0.2.234", "lan0", 0.6
BOUND = 10.0

DAEMON = """
import sys, time
from pathlib import Path
from vipservice.adapters.guard import clock
from vipservice.adapters.guard.client import Guard
from vipservice.adapters.guard.messages import Held

path, address, lease, order = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4]
held = Held("lan0", address)
command = ("ip", "addr", "del", "{address}/32", "dev", "{interface}")
said = []
guard = Guard(path, command, clock.now, said.append)
print("knows", len(guard.leases), flush=True)
guard.keep(held, clock.now() + lease)
print("guard", guard.process, flush=True)
if order == "drop":
    guard.drop(held)
    guard.close()
    sys.exit()
while True:
    time.sleep(0.1)
    guard.keep(held, clock.now() + lease)
    if said:
        print("guard", guard.process, said.pop(), flush=True)
"""


@dataclass
class Machine:
    """One host: its kernel's address, and daemons that come and go."""

    namespace: str
    socket: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, order: str = "renew") -> subprocess.Popen[str]:
        words = [str(self.socket), ADDRESS, str(LEASE), order]
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.namespace, sys.executable, "-c", DAEMON, *words],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def says(self, process: subprocess.Popen[str], first: str) -> list[str]:
        assert process.stdout is not None
        for line in process.stdout:
            words = line.split()
            if words[0] == first:
                return words[1:]
        raise AssertionError(f"the daemon ended without saying {first}")

    def bind(self) -> None:
        run_ip("-n", self.namespace, "addr", "add", f"{ADDRESS}/32", "dev", INTERFACE)

    def holds(self) -> bool:
        return f"{ADDRESS}/32" in run_ip("-n", self.namespace, "addr", "show", "dev", INTERFACE)

    def processes(self) -> list[int]:
        return [int(pid) for pid in run_ip("netns", "pids", self.namespace).split()]

    def wait(self, until: Callable[[], bool], what: str) -> float:
        """Seconds it took."""
        began = time.monotonic()
        while not until():
            assert time.monotonic() - began < BOUND, f"never: {what}"
            time.sleep(0.01)
        return time.monotonic() - began

    def holds_throughout(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not self.holds():
                return False
            time.sleep(0.02)
        return True

    def close(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        for pid in self.processes():
            subprocess.run(["kill", f"-{signal.SIGKILL.value}", str(pid)], check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    namespace = f"guard-{tmp_path.name[-12:]}"
    run_ip("netns", "add", namespace)
    machine = Machine(namespace, tmp_path / "guard.sock")
    try:
        run_ip("-n", namespace, "link", "add", INTERFACE, "type", "veth", "peer", "lan1")
        run_ip("-n", namespace, "link", "set", INTERFACE, "up")
        machine.bind()
        yield machine
    finally:
        machine.close()
        run_ip("netns", "del", namespace)
