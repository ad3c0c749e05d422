"""`vipservice doctor`: looks before the pager rings, beside the running daemon or without it."""

import argparse
import json
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable

from vipservice.cli import exit_codes
from vipservice.cli.configuration import add_config
from vipservice.cli.diagnosis.findings import Finding, Severity, exit_code, to_json
from vipservice.cli.exit_codes import CommandError
from vipservice.cli.status_tables import printable
from vipservice.config.durations import DurationError, parse_duration
from vipservice.runtime.ports import HostError

EXAMPLES = """\
examples:
  sudo vipservice doctor
  sudo vipservice doctor --listen 10s       on a link where packets get lost
  sudo vipservice doctor --json | jq '.findings[] | select(.severity == "error")'

It looks at the configuration, capabilities and files, interface, subnet and kernel settings, at who answers
for the address (nobody, a node, a stranger, a gateway that answers for everything), at the adverts in both
directions with each node by multicast and by unicast, at keys, ids and clones, at programs that would take
the address away, at scheduling, watchdog and clock. Each finding says what is there, why it matters and what
to do. It changes nothing, and may be run on a node in service: it sends ARP questions that claim nothing, and
asks the daemon, where one runs, to speak to the nodes it knows.

Exit code 0 when there is nothing worse than a note, 1 for warnings, 69 for errors, 78 when the configuration
cannot be used.
"""

SHORTEST, LONGEST = 0.5, 60.0
NARROWEST, WIDEST = 60, 110

_STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.INFO: "bold blue",
    Severity.OK: "green",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to look at, and how to say it."""
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="print the findings for programs")
    parser.add_argument(
        "--listen",
        metavar="DURATION",
        type=_listening,
        help="how long to listen for adverts (default: 3s, longer where the advert interval is)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Look, and say what there is."""
    if sys.platform != "linux":
        raise CommandError(
            exit_codes.UNAVAILABLE, "the doctor knows Linux hosts only", "see 'vipservice check'"
        )
    from vipservice.cli.diagnosis.examine import Examination  # noqa: PLC0415 - Linux only

    try:
        findings = Examination(arguments.config, arguments.listen).findings()
    except HostError as error:
        raise CommandError(exit_codes.OSERR, str(error)) from error
    if arguments.json:
        print(json.dumps(to_json(findings), indent=2))
    else:
        show(findings)
    return exit_code(findings)


def show(findings: list[Finding]) -> None:
    """Trouble first and at length, then what is well, a line each, and a line that sums it up."""
    width = min(WIDEST, max(NARROWEST, shutil.get_terminal_size().columns))
    styled = _styled if sys.stdout.isatty() else _plain
    for finding in findings:
        lines = [printable(finding.what)] if finding.severity is Severity.OK else _told(finding, width)
        styled(finding.severity, lines)
    print(_sum(findings))


def _told(finding: Finding, width: int) -> list[str]:
    """What, why and what to do as wrapped lines, the snippet as it is."""
    room = width - len(_margin(""))
    lines = textwrap.wrap(printable(finding.what), room)
    for label, text in (("why: ", finding.why), ("do:  ", finding.do)):
        if text:
            lines += textwrap.wrap(
                printable(text), room, initial_indent=label, subsequent_indent=" " * len(label)
            )
    return [*lines, *(f"       {printable(line)}" for line in finding.snippet)]


def _margin(word: str) -> str:
    return f"{word:<9}"


def _plain(severity: Severity, lines: list[str]) -> None:
    for number, line in enumerate(lines):
        print(_margin("" if number else severity.word) + line)


def _styled(severity: Severity, lines: list[str]) -> None:
    # Rich costs 60 ms, and only a terminal has use for it.
    from rich.console import Console  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415 - see above

    console = Console(soft_wrap=True, highlight=False)
    for number, line in enumerate(lines):
        word = Text(_margin("" if number else severity.word), _STYLES[severity])
        console.print(word.append(line, "default"))


def _sum(findings: Iterable[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    words = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    bad = [_count(counts[severity], word) for severity, word in words.items() if counts[severity]]
    return f"{', '.join(bad) or 'nothing to do'}; {counts[Severity.OK]} well"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _listening(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except DurationError as error:
        raise argparse.ArgumentTypeError(f"found {text!r}, {error}; allowed: 500ms to 60s") from error
    if not SHORTEST <= seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"found {text!r}; allowed: 500ms to 60s")
    return seconds
