"""How commands end (sysexits(3)); the unit file names some of these numbers."""

import os
import sys

from vipservice.runtime.log import is_journal

OK = os.EX_OK
USAGE = os.EX_USAGE
UNAVAILABLE = os.EX_UNAVAILABLE
OSERR = os.EX_OSERR
CANTCREAT = os.EX_CANTCREAT
TEMPFAIL = os.EX_TEMPFAIL
NOPERM = os.EX_NOPERM
CONFIG = os.EX_CONFIG

MEANINGS = {
    OK: "Done.",
    USAGE: "The command line cannot be understood.",
    UNAVAILABLE: "The daemon is not running, or does not do what was asked.",
    OSERR: "The machine refused: a port that is taken, a socket that cannot be made.",
    CANTCREAT: "A file cannot be written.",
    TEMPFAIL: "Not now, or not in time (`--wait`); trying again may help.",
    NOPERM: "Capabilities are missing. Trying again does not help: systemd does not start the service again.",
    CONFIG: "The configuration cannot be used. systemd does not start the service again either.",
}
"""What each of them says to an operator."""


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
