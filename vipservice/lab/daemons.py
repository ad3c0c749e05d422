"""The real daemon on a host of the lab: started as a service manager would, heard, asked, killed.

Its files live in the host's own /run, which is memory and goes with the host. The lab is its service manager:
it gives NOTIFY_SOCKET and stamps what the daemon says there (sd_notify(3)), and keeps its log line by line.
"""

import contextlib
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from vipservice.lab import faults
from vipservice.lab.clock import now, wait_until
from vipservice.lab.faults import Fault
from vipservice.lab.hosts import Host

FOLDER = Path("/run/vipservice")
CONFIG = FOLDER / "vipservice.yml"
STATE = FOLDER / "state"
CONTROL = FOLDER / "control.sock"
NOTIFY = FOLDER / "notify.sock"
RUN = (sys.executable, "-I", "-m", "vipservice", "run", "--config", str(CONFIG))

CONTROL_TIMEOUT = 2.0
STOP_TIMEOUT = 5.0

Status = dict[str, Any]
"""What the daemon answers on its control socket, as JSON gave it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log, or an assignment sent to the service manager, and when it came (the lab's clock)."""

    at: float
    text: str


class Daemon:
    """`vipservice run` on a host; may be started again after its end.

    Args:
        host: Where it runs.
        config: The configuration file's text; must set `node.control_socket` and `node.state_directory` as
            `node_section` does.
        command: What to execute instead of the real daemon.
        env: Additions to the environment.
    """

    def __init__(
        self,
        host: Host,
        config: str,
        *,
        command: Sequence[str] = RUN,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.host = host
        self.log: list[Line] = []
        """Everything it has written, all lives."""
        self.notifications: list[Line] = []
        """Everything it has told the service manager (READY=1, STATUS=...), all lives."""
        self.started = 0.0
        """When it was last executed."""
        self._command = tuple(command)
        self._env = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._ended = True
        self._news = threading.Condition()
        self.write_config(config)
        self._notify = host.inside(_open_notify_socket)
        host.on_close(self._close)

    def write_config(self, config: str) -> None:
        """Replace the configuration file; a running daemon reads it on `reload`."""
        folder = self.host.root / FOLDER.relative_to("/")
        (folder / STATE.name).mkdir(parents=True, exist_ok=True)
        (folder / CONFIG.name).write_text(config, encoding="utf-8")

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running or last process."""
        if self._process is None:
            raise RuntimeError(f"{self.host.name}: the daemon has not been started")
        return self._process

    @property
    def running(self) -> bool:
        """Whether there is a process (a hung one counts)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Execute it. Returns at once: `wait_ready` waits for the daemon's own word."""
        if self.running:
            raise RuntimeError(f"{self.host.name}: the daemon is running")
        self._join()
        self.started = now()
        output, written = os.pipe()
        try:
            self._process = self.host.spawn(
                self._command, env=self._environment(), stdout=written, stderr=subprocess.STDOUT
            )
        except BaseException:
            os.close(output)
            raise
        finally:
            os.close(written)
        self._ended = False
        self._reader = threading.Thread(
            target=self._read,
            args=(os.fdopen(output, "rb", 0),),
            name=f"log of {self.host.name}",
            daemon=True,
        )
        self._reader.start()

    def wait_ready(self, timeout: float) -> float:
        """Wait for READY=1; the seconds from exec to it."""
        return self._wait_for(self.notifications, "READY=1", self.started, timeout).at - self.started

    def wait_for_line(self, pattern: str, timeout: float, since: float | None = None) -> Line:
        """Wait for a log line that `pattern` (re.search) matches; of this life, or after `since`."""
        return self._wait_for(self.log, pattern, self.started if since is None else since, timeout)

    def wait_for_notification(self, pattern: str, timeout: float, since: float) -> Line:
        """Wait for something it tells the service manager after `since` that `pattern` matches."""
        return self._wait_for(self.notifications, pattern, since, timeout)

    def wait_for(self, predicate: Callable[[Status], bool], timeout: float, what: str = "") -> Status:
        """Ask for its status until the predicate holds; the status then."""
        found: list[Status] = []

        def holds() -> bool:
            with contextlib.suppress(OSError):
                found[:] = [self.status()]
                return predicate(found[0])
            return False

        wait_until(holds, timeout, f"{self.host.name}: {what or 'status'}")
        return found[0]

    def status(self) -> Status:
        """Its status, asked on the control socket.

        Raises:
            OSError: It doesn't listen, or doesn't answer within `CONTROL_TIMEOUT`.
        """
        return self.ask({"command": "status"})

    def ask(self, request: Mapping[str, object], timeout: float = CONTROL_TIMEOUT) -> Status:
        """Send one request on the control socket, one line of JSON each way."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            control.settimeout(timeout)
            control.connect(str(self.host.root / CONTROL.relative_to("/")))
            control.sendall(json.dumps(request).encode() + b"\n")
            with control.makefile("rb") as answer:
                line = answer.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError(f"{self.host.name}: the daemon hung up in the middle of an answer")
        answered = json.loads(line)
        if not isinstance(answered, dict):
            raise TypeError(f"{self.host.name}: the answer is no JSON object: {answered!r}")
        return answered

    def stop(self, timeout: float = STOP_TIMEOUT) -> Fault:
        """SIGTERM, as `systemctl stop` does it, and wait for the end.

        Raises:
            subprocess.TimeoutExpired: It is still there.
        """
        began = now()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout)
        return Fault(f"{self.host.name}: stopped", began, now())

    def reload(self) -> Fault:
        """SIGHUP, as `systemctl reload` does it."""
        began = now()
        self.process.send_signal(signal.SIGHUP)
        return Fault(f"{self.host.name}: reload", began, now())

    def kill(self) -> Fault:
        """SIGKILL, and nobody starts it again."""
        fault = faults.kill(self.process)
        self.process.wait(STOP_TIMEOUT)
        return fault

    def hang(self) -> Fault:
        """SIGSTOP: it stands still until `resume`."""
        return faults.hang(self.process)

    def resume(self) -> Fault:
        """SIGCONT."""
        return faults.resume(self.process)

    def log_text(self) -> str:
        """The log as one text, for a failed test to show."""
        with self._news:
            return "".join(f"{line.at - self.started:+9.3f} {line.text}\n" for line in self.log)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "NOTIFY_SOCKET": str(NOTIFY),
            **self._env,
        }

    def _wait_for(self, lines: list[Line], pattern: str, since: float, timeout: float) -> Line:
        def found() -> Line | None:
            return next((line for line in lines if line.at >= since and re.search(pattern, line.text)), None)

        deadline = now() + timeout
        with self._news:
            while (line := found()) is None:
                left = deadline - now()
                if left <= 0 or self._ended:
                    break
                self._news.wait(left)
        if line is None:
            if self._ended:  # its output has; the process itself a moment later
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(1)
            how = f"not within {timeout:g} s" if self.running else f"and it ended with {self.process.poll()}"
            raise TimeoutError(f"{self.host.name}: no {pattern!r}, {how}; its log:\n{self.log_text()}")
        return line

    def _read(self, output: IO[bytes]) -> None:
        """Take down its log and its notifications until it closes its output; a thread."""
        with output, selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            selector.register(self._notify, selectors.EVENT_READ)
            rest = b""
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                data = os.read(output.fileno(), 65536) if output in ready else None
                # After the read: what it said before its end has come by then.
                with contextlib.suppress(BlockingIOError):
                    while True:
                        self._take(self.notifications, self._notify.recv(4096))
                if data == b"":
                    break
                *lines, rest = (rest + (data or b"")).split(b"\n")
                self._take(self.log, b"\n".join(lines))
        self._take(self.log, rest)
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _take(self, lines: list[Line], data: bytes) -> None:
        if data:
            at = now()
            with self._news:
                lines += [Line(at, text) for text in data.decode(errors="replace").splitlines()]
                self._news.notify_all()

    def _join(self) -> None:
        if self._reader is not None:
            self._reader.join(STOP_TIMEOUT)

    def _close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT)
        self._join()
        self._notify.close()


def node_section(name: str) -> str:
    """The configuration's `node` section for a daemon of the lab, YAML."""
    return f"node:\n  name: {name}\n  state_directory: {STATE}\n  control_socket: {CONTROL}\n"


def _open_notify_socket() -> socket.socket:
    NOTIFY.unlink(missing_ok=True)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    opened.bind(str(NOTIFY))
    opened.setblocking(False)
    return opened
