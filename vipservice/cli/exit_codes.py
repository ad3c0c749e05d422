"""How commands end (sysexits(3)); the unit file names some of these numbers."""

import os
import sys

from vipservice.runtime.log import is_journal

OK = os.EX_OK
USAGE = os.EX_USAGE
"""64: the command line cannot be understood."""

UNAVAILABLE = os.EX_UNAVAILABLE
"""69: the daemon is not running, or does not do what was asked."""

OSERR = os.EX_OSERR
"""71: the machine refused: a port that is taken, a socket that cannot be made."""

CANTCREAT = os.EX_CANTCREAT
"""73: a file cannot be written."""

TEMPFAIL = os.EX_TEMPFAIL
"""75: not now; trying again may help."""

NOPERM = os.EX_NOPERM
"""77: capabilities are missing. Trying again does not help: systemd does not restart on it."""

CONFIG = os.EX_CONFIG
"""78: the configuration cannot be used. systemd does not restart on it either."""


def complain(*lines: str) -> None:
    """Print to standard error; in the journal as errors, so that `journalctl -p err` shows them."""
    prefix = "<3>" if is_journal(sys.stderr, os.environ.get("JOURNAL_STREAM", "")) else ""
    for line in lines:
        print(f"{prefix}{line}", file=sys.stderr)


class CommandError(Exception):
    """A command ends here: a sentence, a hint, and the code to exit with. What an operator can cause."""

    def __init__(self, code: int, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.hint = hint
