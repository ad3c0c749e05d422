"""A host of the lab on which a systemd has booted: the same box, LAN and cable, and processes under it.

Everything happens in the host's own namespaces, so that a machine ends with its box: cut its power with
`Lan.power_off`, or kill whoever made it, and there is nothing left but an empty control group.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from vipservice.lab.clock import wait_until
from vipservice.lab.hosts import Host

UNIT = "vipservice.service"
CONFIGURED = Path("/etc/vipservice/vipservice.yml")
BOOT_WITHIN = 40.0
COMMAND_WITHIN = 60.0

BOOT = """\
set -e
# The box's /sys has no control groups; the machine's lies below it.
umount /sys
cd /run
mkdir machine
mount -t tmpfs -o size=1g tmpfs machine
mkdir machine/upper machine/work machine/root
mount -t overlay -o lowerdir=/,upperdir=machine/upper,workdir=machine/work overlay machine/root
cd machine/root
rm -rf etc/systemd/system etc/systemd/network etc/init.d opt etc/vipservice var/lib/vipservice \
  var/log/journal usr/local/bin/vipservice usr/lib/systemd/system/multi-user.target.wants etc/fstab
mkdir -p etc/systemd/system var/log/journal
cp -a "$1/." .
printf '%s\\n' "$2" >etc/hostname
: >etc/machine-id
name=$2
shift 2
for group; do echo $$ >"$group/cgroup.procs"; done
cd /
while :; do
  status=0
  systemd-nspawn --quiet --directory=/run/machine/root --boot --machine="$name" --register=no --keep-unit \
    --network-namespace-path=/proc/1/ns/net --console=read-only --resolv-conf=off --timezone=off \
    --kill-signal=SIGRTMIN+3 --link-journal=no --capability=CAP_NET_ADMIN,CAP_SYS_NICE \
    --system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self" \
    systemd.unit=multi-user.target || status=$?
  # 133: the machine wants to be booted again (systemd-nspawn(1), --keep-unit).
  [ "$status" -eq 133 ] || exit "$status"
done
"""
"""$1: what lies over the root; $2: the machine's name; then its control groups.

A network namespace given costs CAP_NET_ADMIN, so it is given back, and so is Landlock, which systemd-nspawn
does not know. Of the multi-user target only what we enable is left: its other services are this machine's
affair.
"""


class Machine:
    """A booted systemd; commands run inside it as root.

    Args:
        host: Its box, with the network.
        layer: What lies over this machine's root there.
        groups: Its control groups.
    """

    def __init__(self, host: Host, layer: Path, groups: Sequence[Path]) -> None:
        self.host = host
        self.name = host.plan.name
        self._layer = layer
        self._groups = [str(path) for path in groups]
        self._log = layer.parent / f"console-{self.name}"
        self._process: subprocess.Popen[bytes] | None = None
        self._enter: tuple[str, ...] = ()
        self._first = 0

    def begin_boot(self) -> None:
        """Switch it on; `wait_until_up` says when it has booted."""
        words = (str(self._layer), self.host.plan.hostname, *self._groups)
        with self._log.open("wb") as log:
            self._process = self.host.spawn(
                ("sh", "-c", BOOT, "sh", *words),
                stdout=log,
                stderr=log,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )

    def wait_until_up(self) -> None:
        """Wait until its systemd has started everything.

        Raises:
            TimeoutError: It hasn't; says what it wrote on its console.
        """
        try:
            wait_until(self._has_process_1, BOOT_WITHIN, f"{self.name} has a process 1")
            wait_until(self._is_up, BOOT_WITHIN, f"{self.name} is up")
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {self.console()[-400:].strip()}") from error

    def console(self) -> str:
        """What it has written on its console."""
        return self._log.read_text(errors="replace")

    def try_running(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever that is."""
        return subprocess.run(  # noqa: S603 - the lab's own argv, never a shell
            (*self._enter, *command), capture_output=True, text=True, timeout=COMMAND_WITHIN, check=False
        )

    def run(self, *command: str) -> str:
        """Run a command; its standard output.

        Raises:
            RuntimeError: It failed; carries what it said.
        """
        ended = self.try_running(*command)
        if ended.returncode != 0:
            said = ended.stderr.strip() or ended.stdout.strip()
            raise RuntimeError(f"{' '.join(command)} on {self.name}: {said}")
        return ended.stdout

    def write(self, path: Path | str, text: str) -> None:
        """Write a file there, in place: what is there keeps owner and mode."""
        target = self.root / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    @property
    def root(self) -> Path:
        """Its filesystem as seen from here."""
        return Path(f"/proc/{self._first}/root")

    def show(self, setting: str, unit: str = UNIT) -> str:
        """One property of a unit, as systemd sees it."""
        return self.run("systemctl", "show", "--property", setting, "--value", unit).strip()

    def journal(self, *options: str) -> str:
        """What systemd and the daemon wrote about the service."""
        return self.run("journalctl", "--unit", UNIT, "--output", "cat", "--no-pager", *options)

    def cursor(self) -> str:
        """The present end of the journal, for `--after-cursor=`."""
        last = self.run("journalctl", "--lines", "0", "--show-cursor", "--no-pager")
        return last.rpartition("-- cursor: ")[2].strip()

    def status(self) -> str:
        """What `systemctl status` shows."""
        return self.try_running("systemctl", "status", "--no-pager", "--full", UNIT).stdout

    def signal(self, name: str) -> None:
        """Send the daemon a signal."""
        self.run("systemctl", "kill", f"--signal={name}", "--kill-who=main", UNIT)

    def begin_reboot(self) -> None:
        """Let it reboot, as far as it has gone down; `wait_until_up` says when it is back."""
        self.run("systemctl", "reboot")
        self.wait_until_down()

    def wait_until_down(self) -> None:
        """Wait for the end of its process 1.

        Raises:
            TimeoutError: It goes on.
        """
        process_1 = Path(f"/proc/{self._first}")
        wait_until(lambda: not process_1.exists(), BOOT_WITHIN, f"{self.name} has gone down")

    def _has_process_1(self) -> bool:
        assert self._process is not None, "begin_boot first"
        if self._process.poll() is not None:
            raise TimeoutError(f"{self.name} did not boot")
        found = next(_grandchildren(self._process.pid), None)
        if found is None:
            return False
        self._first = found
        self._enter = ("nsenter", "-t", str(found), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--")
        return True

    def _is_up(self) -> bool:
        said = self.try_running("systemctl", "is-system-running").stdout.strip()
        return said in ("running", "degraded")


def _grandchildren(process: int) -> Iterator[int]:
    """Every systemd that a systemd-nspawn below this process has started."""
    for nspawn in _children(process):
        for child in _children(nspawn):
            try:
                if Path(f"/proc/{child}/comm").read_text() == "systemd\n":
                    yield child
            except OSError:  # the one that sets the machine up has ended
                continue


def _children(process: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []
