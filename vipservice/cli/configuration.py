"""What several commands do with the configuration: find it, read it, refuse it with all its sentences."""

import argparse
from collections.abc import Iterator, Mapping
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


def read(
    path: Path, credentials: Mapping[str, Path | None] | None = None
) -> tuple[Settings, tuple[tuple[int, bytes], ...]]:
    """Read the configuration and the keys it names.

    Args:
        path: The file.
        credentials: See `read_keys`.

    Raises:
        ConfigError: With every problem.
    """
    settings = load(path.absolute())
    problems = list(_web_problems(settings))
    try:
        keys = read_keys(settings, credentials=credentials)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(settings.source, problems)
    return settings, keys


def _web_problems(settings: Settings) -> Iterator[Problem]:
    """What is wrong with the file that `metrics.web_config` names, told at its key."""
    if settings.metrics.web_config is None:
        return
    # TLS costs start-up time, which only who asks for it pays.
    from vipservice.adapters.exporter.guard import Guard  # noqa: PLC0415 - see above

    try:
        Guard(settings.metrics.web_config)
    except ConfigError as error:
        key_path = "metrics.web_config"
        line = settings.lines.get(key_path, 0)
        yield from (Problem(line, key_path, sentence) for sentence in error.sentences())


def refuse(error: ConfigError) -> int:
    """Print every problem; the exit code."""
    exit_codes.complain(*error.sentences())
    return exit_codes.CONFIG
