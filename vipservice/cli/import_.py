"""`vipservice import`: our configuration from keepalived's, ucarp's or INFINI Gateway's."""

import argparse
import sys
from pathlib import Path

from vipservice.cli import exit_codes
from vipservice.cli.configuration import refuse
from vipservice.cli.exit_codes import CommandError
from vipservice.cli.importing.draft import Draft
from vipservice.cli.importing.gateway import read_gateway
from vipservice.cli.importing.keepalived import read_keepalived
from vipservice.cli.importing.ucarp import is_ucarp, read_ucarp
from vipservice.cli.importing.write import write
from vipservice.config.problems import ConfigError
from vipservice.config.yaml_reader import MAX_BYTES, decode, read_file

KINDS = ("keepalived", "ucarp", "gateway")
STANDARD_INPUT = "-"

EXAMPLES = """\
examples:
  vipservice import /etc/keepalived/keepalived.conf
  vipservice import keepalived.conf -o vipservice.yml
  vipservice import "ucarp -i eth0 -s 10.0.0.2 -v 1 -p x -a 10.0.0.234 -P"
  vipservice import gateway.yml

What could not be carried over is told on standard error, and in comments at the head of the file. Passwords
are never copied. Nothing is changed on this machine: look at the result, and try 'vipservice check --config'.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to read, and where to write."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a keepalived.conf, a gateway.yml, a command line of ucarp in quotes, or - for standard input",
    )
    parser.add_argument("--from", dest="kind", choices=KINDS, help="whose it is (default: by its look)")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write it here, never over another (default: print it)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Read theirs, write ours."""
    try:
        draft, name = _read(arguments.source, arguments.kind)
        text = write(draft, name)
    except ConfigError as error:
        return refuse(error)
    if arguments.output is None:
        print(text, end="")
    else:
        _write(arguments.output, text)
    for sentence in draft.sentences():
        print(f"not carried over: {sentence}", file=sys.stderr)
    return exit_codes.OK


def _read(source: str, kind: str | None) -> tuple[Draft, str]:
    """The draft, and what to call where it came from: a command line has a password in it."""
    if is_ucarp(source):
        return read_ucarp(source, Path("ucarp")), "a command line of ucarp"
    path = Path("standard input" if source == STANDARD_INPUT else source)
    content = sys.stdin.buffer.read(MAX_BYTES + 1) if source == STANDARD_INPUT else read_file(path)
    text = decode(content, path)
    match kind or _look(path, text):
        case "ucarp":
            return read_ucarp(text, path), path.name
        case "gateway":
            return read_gateway(content, path), path.name
        case _:
            return read_keepalived(text, path), path.name


def _look(path: Path, text: str) -> str:
    if path.suffix in {".yml", ".yaml"} or text.lstrip().startswith("floating_ip:"):
        return "gateway"
    return "ucarp" if is_ucarp(text.strip()) else "keepalived"


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise CommandError(exit_codes.CANTCREAT, f"{path} exists already", "choose another name") from error
    except OSError as error:
        raise CommandError(exit_codes.CANTCREAT, f"{path} cannot be written: {error.strerror}") from error
