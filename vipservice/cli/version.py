"""`vipservice version`."""

import argparse
import platform

from vipservice import __version__
from vipservice.cli import exit_codes

EXAMPLES = "example:\n  vipservice version"


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """None."""


def execute(_arguments: argparse.Namespace) -> int:
    """Print the versions that matter in a bug report."""
    print(f"vipservice {__version__} (Python {platform.python_version()}, {platform.system()})")
    return exit_codes.OK
