"""`vipservice install`: unit or plist, the manual and a configuration to fill in. It starts nothing."""

import argparse
import os
import sys
from types import ModuleType

from vipservice.cli import exit_codes
from vipservice.cli.exit_codes import CommandError
from vipservice.cli.installation import launchd, sources, systemd
from vipservice.cli.installation.changes import carry_out
from vipservice.config.settings import DEFAULT_CONFIG

EXAMPLES = """\
examples:
  vipservice install --dry-run      what would it do?
  vipservice install --print        the files it would write
  sudo vipservice install

It can be run again at any time: what is in place is left alone, and an existing configuration is never
touched. It starts nothing.
"""

NEXT = f"""
Next: fill in {DEFAULT_CONFIG}, look at it with 'vipservice check', and then
  """


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whether to do it."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    either.add_argument("--print", action="store_true", help="print the files that would be written")


def execute(arguments: argparse.Namespace) -> int:
    """Install, or say what that would be."""
    manager = service_manager()
    if manager is systemd and not arguments.print and (unit := systemd.packaged()):
        hint = "configure that one, or remove the package first"
        raise CommandError(exit_codes.CANTCREAT, f"a package has installed vipservice here: {unit}", hint)
    executable = sources.executable()
    if manager is systemd:
        sources.require_visible(executable)  # launchd hides nothing, and runs us as root
    if arguments.print:
        for path, text in manager.texts(executable).items():
            print(f"# {path}\n{text}")
        return exit_codes.OK
    require(pretend=arguments.dry_run)
    if not carry_out(manager.install(executable), pretend=arguments.dry_run):
        print("Everything is in place.")
    elif not arguments.dry_run:
        print(NEXT + manager.START)
    return exit_codes.OK


def service_manager() -> ModuleType:
    """What runs services here: launchd on a Mac, else systemd."""
    return launchd if launchd.is_here() else systemd


def require(*, pretend: bool) -> None:
    """That this host can be installed on, and by us."""
    if not service_manager().is_here():
        hint = "--print shows the unit; under another service manager let it keep 'vipservice run' alive"
        raise CommandError(exit_codes.UNAVAILABLE, f"no systemd runs this host ({sys.platform})", hint)
    if os.geteuid() != 0 and not pretend:
        raise CommandError(exit_codes.NOPERM, "only root may do this", "call it with sudo, or with --dry-run")
