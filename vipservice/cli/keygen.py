"""`vipservice keygen`: a secret that signs adverts."""

import argparse
import os
import secrets
import sys
from pathlib import Path

from vipservice.cli import exit_codes
from vipservice.cli.exit_codes import CommandError

KEY_BYTES = 32
"""As long as HMAC-SHA256's output (RFC 2104, section 3)."""

EXAMPLES = """\
examples:
  vipservice keygen --output /etc/vipservice/advert.key
  vipservice keygen > advert.key       (mind the file's mode)

Every node gets the same file. To change keys without an outage, add the new one as the second of the list on
every node, then make it the first everywhere, then remove the old one.
"""

EXPLANATION = """\
Copy the key to every node, let only the service read it (root:vipservice, 0640), and write there:

  adverts:
    keys:
      - id: 1
        file: {file}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the key goes."""
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write the key here, mode 0600; never overwrites"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Make a key; the explanation never mixes with it."""
    key = f"{secrets.token_hex(KEY_BYTES)}\n"
    if arguments.output is None:
        print(key, end="")
        print(EXPLANATION.format(file="advert.key"), end="", file=sys.stderr)
        return exit_codes.OK
    _write(arguments.output, key)
    print(f"Wrote {arguments.output}.\n")
    print(EXPLANATION.format(file=arguments.output.absolute()), end="")
    return exit_codes.OK


def _write(path: Path, key: str) -> None:
    try:
        # O_EXCL: a key in use must never be overwritten, nor a link followed.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        hint = "choose another name; a key in use is never overwritten"
        raise CommandError(exit_codes.CANTCREAT, f"{path} exists already", hint) from error
    except OSError as error:
        raise CommandError(exit_codes.CANTCREAT, f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key)
