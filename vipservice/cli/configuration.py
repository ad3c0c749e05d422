"""What several commands do with the configuration: find it, read it, refuse it with all its sentences."""

import argparse
from pathlib import Path

from vipservice.cli import exit_codes
from vipservice.config.keys import read_keys
from vipservice.config.load import load
from vipservice.config.problems import ConfigError, Problem
from vipservice.config.settings import DEFAULT_CONFIG, Settings


def add_config(parser: argparse.ArgumentParser) -> None:
    """The option `--config`."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=DEFAULT_CONFIG,
        help="configuration (default: %(default)s)",
    )


def read(path: Path) -> tuple[Settings, tuple[tuple[int, bytes], ...]]:
    """Read the configuration and the keys it names.

    Raises:
        ConfigError: With every problem.
    """
    settings = load(path.absolute())
    problems = list(_not_supported_yet(settings))
    try:
        keys = read_keys(settings)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(settings.source, problems)
    return settings, keys


def _not_supported_yet(settings: Settings) -> list[Problem]:
    if settings.metrics.web_config is None:
        return []
    key_path = "metrics.web_config"
    found = "TLS and passwords for the metrics server are not supported yet"
    hint = "remove it, and set 'metrics.listen: 127.0.0.1:10234' behind a proxy of your own"
    return [Problem(settings.lines.get(key_path, 0), key_path, found, hint)]


def refuse(error: ConfigError) -> int:
    """Print every problem; the exit code."""
    exit_codes.complain(*error.sentences())
    return exit_codes.CONFIG
