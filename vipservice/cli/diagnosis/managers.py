"""Other programs that manage addresses, and whether they would take ours away."""

import re
from collections.abc import Iterator

from vipservice.adapters.linux.survey import host
from vipservice.cli.diagnosis.findings import Finding, error, info, ok, warning
from vipservice.cli.diagnosis.patient import Patient

KEEPING = frozenset({"yes", "true", "on", "1", "dhcp", "dynamic"})
"""Values of KeepConfiguration= under which networkd leaves an address with a lifetime alone when it is
restarted or its link is configured again. `static` is about addresses without one; `dhcp-on-stop` and
`dynamic-on-stop` about its own end only (systemd.network(5); networkd-address.c, link_address_is_dynamic)."""

ADDRESS_PROGRAMS = ("keepalived", "ucarp", "vrrpd", "carpd", "uvrrpd", "heartbeat", "pacemakerd", "kube-vip")

_BUDGET = (
    "the daemon puts it back within 100 ms, up to five times a minute; after that it hands over and is in "
    "fault "
    "for 60 s"
)


def networkd(patient: Patient) -> Iterator[Finding]:
    """systemd-networkd drops addresses that it did not set when it starts or configures a link again."""
    for link in patient.links:
        name = link.interface.name
        state = _key_file(patient, f"run/systemd/netif/links/{link.interface.index}")
        file = state.get("NETWORK_FILE", "")
        if not file or state.get("ADMIN_STATE") == "unmanaged":
            continue
        unit = file.rpartition("/")[2]
        keeps = host.unit_settings(patient.root, unit).get("Network.KeepConfiguration", "no")
        if keeps.lower() in KEEPING:
            yield ok(
                "networkd", f"systemd-networkd leaves addresses on {name} alone (KeepConfiguration={keeps})"
            )
            continue
        yield warning(
            "networkd",
            f"systemd-networkd manages {name} and takes the address away when it is restarted "
            f"(KeepConfiguration={keeps})",
            f"{_BUDGET}. 'static' does not help: the address has a lifetime",
            "add a drop-in to its file, then 'networkctl reload':",
            (f"# /etc/systemd/network/{unit}.d/50-vipservice.conf", "[Network]", "KeepConfiguration=yes"),
        )


def network_manager(patient: Patient) -> Iterator[Finding]:
    """NetworkManager flushes a device whose connection is activated again."""
    for link in patient.links:
        name = link.interface.name
        device = _key_file(patient, f"run/NetworkManager/devices/{link.interface.index}")
        if device.get("managed") not in {"true", "1"}:
            continue
        if not device.get("connection-uuid"):
            yield ok("network_manager", f"NetworkManager has no connection on {name}")
            continue
        yield warning(
            "network_manager",
            f"NetworkManager manages {name} and takes the address away when its connection is activated "
            "again",
            f"{_BUDGET}. 'nmcli device reapply' spares it where 'nmcli connection up' does not, and there "
            "is no "
            "setting that keeps addresses of others",
            "leave it, knowing that; or, where something else gives the host its own address, take the "
            "interface "
            "from it ('nmcli general reload' puts it in force):",
            (
                "# /etc/NetworkManager/conf.d/50-vipservice.conf",
                "[keyfile]",
                f"unmanaged-devices=interface-name:{name}",
            ),
        )


def others(patient: Patient) -> Iterator[Finding]:
    """Programs that do what this one does, perhaps with the same address."""
    running = host.programs(patient.root)
    keepalived = host.text(patient.root, "etc/keepalived/keepalived.conf") or ""
    for program in sorted(set(ADDRESS_PROGRAMS) & set(running)):
        same = [
            str(address)
            for _, address in patient.floating()
            if program == "keepalived"
            and re.search(rf"(?<![\d.]){re.escape(str(address))}(?![\d.])", keepalived)
        ]
        if same:
            yield error(
                "other_managers",
                f"keepalived (process {running[program]}) manages {', '.join(same)} too",
                "each takes the other for a stranger: the address goes to and fro, or is on two hosts",
                "take the address out of /etc/keepalived/keepalived.conf, on every host",
            )
        else:
            yield info(
                "other_managers",
                f"{program} runs on this host (process {running[program]})",
                "it moves addresses, too; no address may be in the hands of both",
                f"see that its configuration does not name {_floating(patient)}",
            )


def _floating(patient: Patient) -> str:
    return ", ".join(str(address) for _, address in patient.floating()) or "an address of ours"


def _key_file(patient: Patient, path: str) -> dict[str, str]:
    """KEY=value lines, sections aside."""
    lines = (host.text(patient.root, path) or "").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in pairs}
