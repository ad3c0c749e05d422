"""The command line: finds the command, imports only that one's module, and turns errors into sentences.

A command is a module of this package with `EXAMPLES` (text for --help), `add_arguments(parser)` and
`execute(arguments)`, which returns the exit code.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword
from types import ModuleType
from typing import NoReturn

from vipservice import __version__
from vipservice.cli import exit_codes
from vipservice.cli.exit_codes import CommandError

COMMANDS = {
    "run": "take part: hold the address or stand by (this is the service)",
    "check": "check the configuration and print what is in force",
    "doctor": "look for what will go wrong on this host and its network",
    "status": "show who holds the address, and why",
    "history": "show what happened to this node, when and why",
    "handover": "move the address to another node",
    "maintenance": "let this node hand over and stay out, or take part again",
    "forget": "forget a node that will not come back",
    "reload": "let the daemon read its configuration again",
    "upgrade": "let the daemon become the installed version, in place",
    "import": "write our configuration from keepalived's or ucarp's",
    "keygen": "make a key that signs adverts",
    "install": "install the service, its user, its manual and a configuration",
    "uninstall": "hand the address over, and take the service away",
    "demo": "see it work: several nodes on a private network on this machine",
    "version": "print the version",
}

EPILOG = """\
examples:
  vipservice check                      what would the daemon do here?
  sudo vipservice run                   do it, in the foreground
  sudo vipservice doctor                what will go wrong here?
  vipservice status                     who holds the address?
  vipservice history                    what happened here?
  vipservice handover --to node-b       let node-b hold it
  vipservice COMMAND --help             more about a command

Exit codes are those of sysexits(3): 64 command line, 69 daemon not running, 71 refused by the machine,
73 file not written, 75 not in time (--wait), 77 capabilities missing, 78 configuration.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        _close_quietly()
        return exit_codes.OK
    except KeyboardInterrupt:
        return 130
    except CommandError as error:
        _explain(error)
        return error.code
    return code


def _run(given: list[str]) -> int:
    chosen = [word for word in given if not word.startswith("-")][:1]
    arguments = make_parser(*chosen).parse_args(given)
    if arguments.command is None:
        make_parser().print_help(sys.stderr)
        return exit_codes.USAGE
    module = command_module(arguments.command)
    code: int = module.execute(arguments)
    return code


def make_parser(*chosen: str) -> argparse.ArgumentParser:
    """The parser; of the commands only those `chosen` have their arguments, the others just a line each."""
    parser = _Parser(
        prog="vipservice",
        description="A floating IP: two or more hosts share an address, one holds it, another takes over.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"vipservice {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, text in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name in chosen:
            module = command_module(name)
            command.epilog = getattr(module, "EXAMPLES", None)
            module.add_arguments(command)
    return parser


def command_module(command: str) -> ModuleType:
    """The command's module; `import` is a word of Python, and so its name has a line behind it."""
    return import_module(f"vipservice.cli.{command}{'_' if iskeyword(command) else ''}")


class _Parser(argparse.ArgumentParser):
    """Ends with sysexits' 64 where argparse says 2."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End, after --help or an error."""
        super().exit(exit_codes.USAGE if status == 2 else status, message)


def _explain(error: CommandError) -> None:
    exit_codes.complain(f"vipservice: {error.sentence}", *([f"  {error.hint}"] if error.hint else []))


def _close_quietly() -> None:
    """Our reader has gone (`vipservice status | head -1`): don't let the interpreter complain at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
