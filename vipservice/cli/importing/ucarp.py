"""ucarp's command line (ucarp(8)) to ours."""

import getopt
import shlex
from pathlib import Path

from vipservice.cli.importing.draft import KEYS_HINT, Draft, Group
from vipservice.cli.importing.numbers import seconds, whole
from vipservice.config.problems import ConfigError, Problem

SHORT = "i:s:m:v:p:o:Pna:hb:k:u:d:r:DzBSMf:x:"
LONG = {
    "interface=": "-i", "srcip=": "-s", "mcast=": "-m", "vhid=": "-v", "pass=": "-p", "passfile=": "-o",
    "preempt": "-P", "neutral": "-n", "addr=": "-a", "help": "-h", "advbase=": "-b", "advskew=": "-k",
    "upscript=": "-u", "downscript=": "-d", "deadratio=": "-r", "debug": "-D", "shutdown": "-z",
    "daemonize": "-B", "ignoreifstate": "-S", "nomcast": "-M", "facility=": "-f", "xparam=": "-x",
}  # fmt: skip
SHORT_OF = {f"--{name.removesuffix('=')}": short for name, short in LONG.items()}
GREATEST_PRIORITY = 254
"""Of which ucarp's skew is taken off: there the smaller one wins."""

SCRIPTS = (
    "upscript and downscript: the daemon puts the address on and takes it off by itself; a script that does "
    "so must not any more"
)
NOTES = {
    "-p": f"--pass: {KEYS_HINT}",
    "-o": f"--passfile: {KEYS_HINT}",
    "-s": "--srcip: the host's own address is detected",
    "-m": "--mcast: adverts have a group of their own (adverts.group)",
    "-M": "--nomcast: write the other nodes under adverts.peers",
    "-S": "--ignoreifstate: a node without carrier holds no address",
    "-f": "--facility: the log goes to standard error, for the journal",
    "-z": "--shutdown: a stop hands over and takes the address off by itself",
}


def is_ucarp(text: str) -> bool:
    """Whether this is a command line of ucarp rather than a file's name."""
    return text.split(" ", 1)[0].rsplit("/", 1)[-1] == "ucarp" and " " in text


def read_ucarp(text: str, source: Path) -> Draft:
    """Turn a command line into a draft.

    Raises:
        ConfigError: It is none of ucarp's, or lacks what ucarp needs.
    """
    options = _options(text, source)
    for needed, name in (("-i", "--interface"), ("-v", "--vhid"), ("-a", "--addr")):
        if needed not in options:
            raise ConfigError(source, [Problem(0, "", f"found no {name}", "ucarp itself needs it")])
    draft = Draft()
    vhid = whole(options["-v"]) or 0
    group: Group = {
        "enabled": True,
        "id": vhid,
        "name": f"vip-{vhid}",
        "ip": [options["-a"]],
        "interface": options["-i"],
        "priority": _priority(options),
        "failback": "immediate" if "-P" in options else "never",
        "advert_interval": seconds(options.get("-b", "1")) or "1s",
    }
    if "-r" in options:
        group["misses"] = whole(options["-r"]) or 0
    if hooks := _hooks(draft, options):
        group["hooks"] = hooks
    for option in options:
        if option in NOTES:
            draft.note(NOTES[option])
    draft.groups.append(group)
    return draft


def _options(text: str, source: Path) -> dict[str, str]:
    try:
        words = shlex.split(text.replace("\\\n", " "))
        given, rest = getopt.gnu_getopt(words[1:], SHORT, list(LONG))
    except getopt.GetoptError as error:
        raise ConfigError(
            source, [Problem(0, "", f"is no command line of ucarp: option {error.opt[:40]}")]
        ) from error
    except ValueError as error:
        raise ConfigError(source, [Problem(0, "", f"is no command line: {error}")]) from error
    if rest:
        raise ConfigError(source, [Problem(0, "", "found words that belong to no option of ucarp")])
    return {SHORT_OF.get(name, name): value for name, value in given}


def _priority(options: dict[str, str]) -> int:
    skew = whole(options.get("-k", "0")) or 0
    return max(1, min(GREATEST_PRIORITY, GREATEST_PRIORITY - skew))


def _hooks(draft: Draft, options: dict[str, str]) -> list[dict[str, object]]:
    hooks: list[dict[str, object]] = []
    extra = [options["-x"]] if "-x" in options else []
    for option, name, occasions in (
        ("-u", "upscript", ["active"]),
        ("-d", "downscript", ["backup", "fault"]),
    ):
        if option in options:
            run = [options[option], options["-i"], options["-a"], *extra]  # what ucarp gives it
            hooks.append({"run": run, "name": name, "on": occasions})
            draft.note(SCRIPTS)
    return hooks
