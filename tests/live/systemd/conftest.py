"""A booted systemd with our unit in it: this machine's own root under an overlay, so nothing is fetched.

The mounts live in a mount namespace of their own and end with it; what is left to take away are two network
namespaces and a control group, and that is done also after a failure.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
UNIT = "vipservice.service"
ADDRESS = "10.98.0.234"
COMMAND = "/opt/vipservice/bin/vipservice"
CONFIGURED = "/etc/vipservice/vipservice.yml"
NEEDED = ("ip", "nsenter", "setpriv", "systemctl", "systemd-nspawn", "systemd-sysusers", "unshare")
SYSTEMD = Path("/lib/systemd/systemd")
INTERPRETER = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
IMPORTED = ("vipservice", "prometheus_client", "psutil", "sdnotify", "yaml", "_yaml")
BOOT_WITHIN = 30.0

LAUNCHER = """\
#!/opt/vipservice/bin/python -I
import sys
from vipservice.cli.main import main
sys.exit(main())
"""

CONFIGURATION = f"""\
floating_ip: {{enabled: true, ip: {ADDRESS}, interface: lan0}}
"""

BOOT = """\
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
rm -rf "$1/root/etc/systemd/system" "$1/root/opt" "$1/root/etc/vipservice" "$1/root/usr/local/bin/vipservice"
cp -a "$2/." "$1/root/"
exec systemd-nspawn --quiet --directory="$1/root" --boot --machine="$3" --register=no --keep-unit \
  --network-namespace-path="/run/netns/$3" --console=read-only --resolv-conf=off --timezone=off \
  --kill-signal=SIGRTMIN+3 --link-journal=no --capability=CAP_NET_ADMIN systemd.unit=sysinit.target
"""
"""$1: an empty folder; $2: what lies over the root; $3: the machine's name. The network namespace costs
CAP_NET_ADMIN, so it is given back; basic.target would start what this machine's packages brought along."""


def problem() -> str | None:
    """Why no systemd can be booted here; None where it can."""
    if os.geteuid() != 0:
        return "booting a systemd needs root"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or not SYSTEMD.exists():
        return f"no {', '.join(missing) or SYSTEMD}: install systemd-container and systemd-sysv"
    if INTERPRETER.resolve().is_relative_to("/root") or INTERPRETER.resolve().is_relative_to("/home"):
        return f"ProtectHome= of the unit hides {INTERPRETER}"
    return None


@pytest.fixture(autouse=True, scope="session")
def _needs_systemd() -> None:
    reason = problem()
    if reason is not None and os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; in CI this is never skipped")
    if reason is not None:
        pytest.skip(reason)


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"{what}: not within {seconds:g} s"
        time.sleep(0.02)


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout


class Machine:
    """A booted systemd; commands run inside it as root."""

    def __init__(self, name: str, leader: int) -> None:
        self.name = name
        self._enter = ("nsenter", "-t", str(leader), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--")

    def try_running(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*self._enter, *command), capture_output=True, text=True, timeout=30, check=False
        )

    def run(self, *command: str) -> str:
        ended = self.try_running(*command)
        assert ended.returncode == 0, (command, ended.stderr)
        return ended.stdout

    def show(self, setting: str) -> str:
        """One property of the service, as systemd sees it."""
        return self.run("systemctl", "show", "--property", setting, "--value", UNIT).strip()

    def journal(self) -> str:
        return self.run("journalctl", "--unit", UNIT, "--output", "cat", "--no-pager")

    def status(self) -> str:
        return self.run("systemctl", "status", "--no-pager", "--full", UNIT)

    def has_address(self) -> bool:
        return f"inet {ADDRESS}/" in output("ip", "-n", self.name, "address", "show", "lan0")


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lies over this machine's root: the package where the unit looks for it, the unit, the user."""
    top = tmp_path_factory.mktemp("layer")
    top.chmod(0o755)
    (top / "etc/systemd/system").mkdir(parents=True)
    environment = top / "opt/vipservice"
    subprocess.run([INTERPRETER, "-m", "venv", "--without-pip", str(environment)], check=True, timeout=60)
    launcher = environment / "bin/vipservice"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)
    [library] = environment.glob("lib/python3.*/site-packages")
    for name in IMPORTED:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        source = Path(found.origin).parent
        shutil.copytree(source, library / name)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(library)], check=True, timeout=60)
    shutil.copytree(ROOT / "packaging", library / "vipservice/packaging")
    (top / "etc/hostname").write_text("machine-a\n")
    (top / "etc/machine-id").write_text("")
    return top


@pytest.fixture
def network() -> Iterator[str]:
    """A network namespace with lan0, and on its other end a client 10.98.0.9 in one called NAME-client."""
    name = f"vipsystemd-{os.getpid()}"
    client = f"{name}-client"
    made = []
    try:
        for namespace in (name, client):
            output("ip", "netns", "add", namespace)
            made.append(namespace)
            output("ip", "-n", namespace, "link", "set", "lo", "up")
        output("ip", "-n", name, "link", "add", "lan0", "type", "veth", "peer", "lan0", "netns", client)
        for namespace, last in ((name, 1), (client, 9)):
            output("ip", "-n", namespace, "address", "add", f"10.98.0.{last}/24", "dev", "lan0")
            output("ip", "-n", namespace, "link", "set", "lan0", "up")
        yield name
    finally:
        for namespace in made:
            output("ip", "netns", "del", namespace)


@pytest.fixture
def control_groups() -> Iterator[list[Path]]:
    """A control group of its own wherever systemd wants one: with --keep-unit it shares its caller's else."""
    made = [top / f"vipsystemd-{os.getpid()}" for top in _hierarchies()]
    try:
        for path in made:
            path.mkdir()
        yield made
    finally:
        for path in made:
            wait_for(partial(_remove, path), 10.0, f"{path} empty")


def _hierarchies() -> Iterator[Path]:
    """Where systemd's own hierarchy is mounted, and cgroup2 (cgroups(7))."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            yield Path(where)


def _remove(top: Path) -> bool:
    """Whether the group and all below it could be removed; processes that are ending keep it."""
    try:
        for folder, _, _ in os.walk(top, topdown=False):
            os.rmdir(folder)
    except OSError:
        return not top.exists()
    return True


@pytest.fixture
def bare(layer: Path, network: str, control_groups: list[Path], tmp_path: Path) -> Iterator[Machine]:
    """A machine that has booted, with the program in /opt/vipservice and nothing else of ours."""
    console = tmp_path / "console"
    folder = tmp_path / "machine"
    folder.mkdir()
    join = "".join(f"echo $$ > '{group}/cgroup.procs'\n" for group in control_groups)
    inside = ("sh", "-c", join + BOOT, "sh", str(folder), str(layer), network)
    command = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private", *inside)
    with console.open("w") as log:
        nspawn = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )
    try:
        booted = Machine(network, _leader(nspawn, console))
        _wait_until_up(booted, console)
        yield booted
    finally:
        _end(nspawn)


@pytest.fixture
def machine(bare: Machine) -> Machine:
    """A machine on which our service is installed and configured, and nobody has started it yet."""
    bare.run(COMMAND, "install")
    bare.run("sh", "-c", f"cat > {CONFIGURED} <<'EOF'\n{CONFIGURATION}EOF")
    return bare


def _leader(nspawn: subprocess.Popen[bytes], console: Path) -> int:
    """The machine's process 1, as we see it."""
    until = time.monotonic() + BOOT_WITHIN
    while nspawn.poll() is None and time.monotonic() < until:
        for child in _children(nspawn):
            with contextlib.suppress(OSError):  # the one that sets the machine up has ended
                if Path(f"/proc/{child}/comm").read_text() == "systemd\n":
                    return child
        time.sleep(0.02)
    pytest.skip(f"no systemd can be booted here: {console.read_text()[-300:].strip()}")


def _children(nspawn: subprocess.Popen[bytes]) -> list[int]:
    children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children")
    return [int(child) for child in children.read_text().split()]


def _end(nspawn: subprocess.Popen[bytes]) -> None:
    """Cut the power: with its process 1 everything in the machine ends, and then systemd-nspawn does."""
    until = time.monotonic() + 10.0
    while nspawn.poll() is None and time.monotonic() < until:
        # Killing systemd-nspawn leaves the machine running; a SIGTERM during the boot is not passed on.
        for child in _children(nspawn):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        time.sleep(0.02)
    nspawn.kill()
    nspawn.wait(10)


def _wait_until_up(machine: Machine, console: Path) -> None:
    until = time.monotonic() + BOOT_WITHIN
    while machine.try_running("systemctl", "is-system-running").stdout.strip() not in ("running", "degraded"):
        if time.monotonic() > until:
            pytest.skip(f"systemd did not come up here: {console.read_text()[-300:].strip()}")
        time.sleep(0.02)
