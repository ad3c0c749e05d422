"""`vipservice uninstall`: hand the address over, stop, and take away what `install` put there."""

import argparse

from vipservice.cli import exit_codes
from vipservice.cli.install import require, service_manager
from vipservice.cli.installation import sources
from vipservice.cli.installation.changes import carry_out
from vipservice.config.settings import DEFAULT_CONFIG, DEFAULT_STATE_DIRECTORY

EXAMPLES = """\
examples:
  vipservice uninstall --dry-run
  sudo vipservice uninstall
  sudo vipservice uninstall --purge     the configuration, the keys and the state too

The program itself is removed by what installed it. The user vipservice stays: files may still belong to it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument(
        "--purge",
        action="store_true",
        help=f"remove {DEFAULT_CONFIG.parent} and {DEFAULT_STATE_DIRECTORY} too",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Take it away, or say what that would be."""
    require(pretend=arguments.dry_run)
    steps = service_manager().uninstall(sources.executable(), purge=arguments.purge)
    if not carry_out(steps, pretend=arguments.dry_run):
        print("Nothing of it is here.")
    elif not arguments.purge and not arguments.dry_run:
        print(f"Kept: {DEFAULT_CONFIG.parent} and {DEFAULT_STATE_DIRECTORY} (--purge removes them).")
    return exit_codes.OK
