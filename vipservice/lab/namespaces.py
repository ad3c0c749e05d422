"""A host in a box: network, mount, host name and process namespaces that cannot outlive whoever made them.

Nothing here has a name in the filesystem. Each box is kept by one process, pid 1 of its PID namespace, which
reads a pipe that only the maker holds. However the maker ends, SIGKILL included, the kernel closes the pipe,
the keeper leaves, and the kernel then kills every process in the box and frees its interfaces, filters and
mounts. There is no clean-up code that could fail to run.
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar

from vipservice.lab import syscalls

Result = TypeVar("Result")

KEEPER = ("cat",)
"""Reads until its standard input ends; as pid 1 of a PID namespace it ignores every signal but SIGKILL."""

MOUNT_PROC = ("mount", "-n", "-t", "proc", "-o", "nosuid,nodev,noexec", "proc", "/proc")

LEAVE_TIMEOUT = 5.0
TOOL_TIMEOUT = 30.0
_KINDS = ("mnt", "uts", "net", "pid")


class Namespace:
    """A box with its own interfaces, processes, host name, /proc, /sys and an empty /run."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._resources = contextlib.ExitStack()
        self._keeper = _in_thread(self._build)
        self._descriptors: dict[str, int] = {}
        try:
            self._descriptors.update((kind, self._open(kind)) for kind in _KINDS)
            # procfs shows the PID namespace of the process that mounts it, which no thread of ours can enter.
            self._inside(_KINDS, _mount_proc)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def keeper(self) -> int:
        """Process id of the keeper, as the maker sees it."""
        return self._keeper.pid

    @property
    def root(self) -> Path:
        """The box's filesystem as seen from outside: `root / "run"` is its /run."""
        return Path(f"/proc/{self._keeper.pid}/root")

    @property
    def network_path(self) -> str:
        """What ip(8) takes as the name of this network namespace."""
        return f"/proc/{self._keeper.pid}/ns/net"

    @property
    def network_descriptor(self) -> int:
        """The network namespace, as netlink takes it."""
        return self._descriptors["net"]

    def in_network(self, do: Callable[[], Result]) -> Result:
        """Call `do` in a thread that sees this box's network and the maker's files and processes."""
        return self._inside(("net",), do)

    def inside(self, do: Callable[[], Result]) -> Result:
        """Call `do` in a thread that sees this box's network, files and host name."""
        return self._inside(("mnt", "uts", "net"), do)

    def run(self, argv: Sequence[str], stdin: str = "") -> str:
        """Run a tool to its end in this box's network; its standard output.

        Raises:
            RuntimeError: It failed; carries what it said.
        """
        done = self.in_network(
            lambda: subprocess.run(  # noqa: S603 - the lab's own argv, never a shell
                argv, input=stdin, capture_output=True, text=True, timeout=TOOL_TIMEOUT, check=False
            )
        )
        if done.returncode != 0:
            raise RuntimeError(
                f"{' '.join(argv)} in {self.name}: {done.stderr.strip() or done.stdout.strip()}"
            )
        return done.stdout

    def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdin: int | IO[Any] | None = subprocess.DEVNULL,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a process in the box; it and all its children die with the box at the latest.

        It has a session of its own, so that Ctrl-C reaches the lab alone.
        """
        process = self._inside(
            _KINDS,
            lambda: subprocess.Popen(  # noqa: S603 - the lab's own argv, never a shell
                argv,
                env=env,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=pass_fds,
                start_new_session=True,
            ),
        )
        self._resources.callback(_end, process)
        return process

    def on_close(self, close: Callable[[], object]) -> None:
        """Have `close` called before the box goes (last come, first called)."""
        self._resources.callback(close)

    def close(self) -> None:
        """End everything in the box, and the box."""
        # The keeper's end kills everything else in the box, but it isn't over until we have reaped ours.
        self._keeper.kill()
        try:
            self._resources.close()
        finally:
            _end(self._keeper)
            while self._descriptors:
                os.close(self._descriptors.popitem()[1])

    def _build(self) -> subprocess.Popen[bytes]:
        """Make the namespaces and their keeper; runs in a thread that is thrown away afterwards."""
        syscalls.unshare(
            syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWPID
        )
        syscalls.mount("", "/", syscalls.MS_REC | syscalls.MS_PRIVATE)
        quiet = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
        # sysfs shows the network namespace it was mounted in: without this /sys/class/net is the machine's.
        syscalls.mount("sysfs", "/sys", quiet)
        syscalls.mount("tmpfs", "/run", quiet, "mode=0755")
        socket.sethostname(self.name)
        return subprocess.Popen(  # noqa: S603 - a constant
            KEEPER, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def _open(self, kind: str) -> int:
        return os.open(f"/proc/{self._keeper.pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)

    def _inside(self, kinds: Sequence[str], do: Callable[[], Result]) -> Result:
        def enter_and_do() -> Result:
            # Threads share root and working directory; a mount namespace can only be entered without that.
            syscalls.unshare(syscalls.CLONE_FS)
            for kind in kinds:
                syscalls.setns(self._descriptors[kind])
            return do()

        return _in_thread(enter_and_do)


def problem() -> str | None:
    """Why there can be no lab on this machine, in one sentence; None where there can."""
    if not sys.platform.startswith("linux"):
        return "network namespaces need Linux"
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        Namespace("vipservice-try").close()
    except (OSError, subprocess.SubprocessError) as error:
        return f"this machine lets nobody make network namespaces ({error})"
    return None


def _mount_proc() -> None:
    subprocess.run(MOUNT_PROC, check=True, timeout=TOOL_TIMEOUT)  # noqa: S603 - a constant


def _in_thread(do: Callable[[], Result]) -> Result:
    """Call `do` in a fresh thread: what it does to its own namespaces ends with it."""
    outcome: Future[Result] = Future()

    def work() -> None:
        try:
            outcome.set_result(do())
        except BaseException as error:  # carried to the caller, who raises it
            outcome.set_exception(error)

    thread = threading.Thread(target=work, name="vipservice-lab")
    thread.start()
    thread.join()
    return outcome.result()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, reap it, and close our ends of its pipes."""
    process.kill()
    process.wait(LEAVE_TIMEOUT)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
