"""A service behind the address: answers HTTP on a port of its host, until it dies or hangs."""

import signal
import socket
import subprocess
import sys

from vipservice.lab import faults
from vipservice.lab.clock import now, wait_until
from vipservice.lab.faults import Fault
from vipservice.lab.hosts import Host

PORT = 8080
BEGIN_WITHIN = 10.0

PROGRAM = f"""
import contextlib, socket
listener = socket.create_server(("", {PORT}))
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nfine\\n")
"""
"""http.server asks a resolver for its own name first, and there is none in the lab."""


class Service:
    """One process; begins when it is made."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._begin()

    def kill(self) -> Fault:
        """SIGKILL: connections are refused from now on."""
        fault = faults.kill(self._process)
        self._process.wait()
        return fault

    def hang(self) -> Fault:
        """SIGSTOP: the kernel still accepts connections, and nobody answers."""
        return faults.hang(self._process)

    def go_on(self) -> None:
        """Whatever had been done to it is over."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
        else:
            self._begin()

    def answers(self) -> bool:
        """Whether it does, asked from its own host."""
        return self.host.in_network(_asks)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _begin(self) -> None:
        began = now()
        self._process = self.host.spawn(
            (sys.executable, "-I", "-c", PROGRAM), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self.answers, BEGIN_WITHIN, f"{self.host.name}: a service since {began:.1f}")


def _asks() -> bool:

    try:
        with socket.create_connection(("127.0.0.1", PORT), 0.5) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return bool(connection.recv(100))
    except OSError:
        return False
