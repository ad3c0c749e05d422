"""The guard process: `python -m vipservice.adapters.guard LISTENER REGISTER COMMAND...`.

The daemon starts it. LISTENER is the descriptor of the socket that daemons connect to, REGISTER the file that
says what is guarded, and COMMAND what takes {address} off {interface}.
"""

import signal
import socket
import sys
from contextlib import closing
from pathlib import Path

from vipservice.adapters.guard import clock
from vipservice.adapters.guard.keeper import Keeper, removing_with


def main() -> None:
    """Guard until there is nothing to guard."""
    listener, registered, *command = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    opened = socket.socket(fileno=int(listener))
    with closing(Keeper(opened, Path(registered), removing_with(command), clock.now)) as keeper:
        keeper.run()


if __name__ == "__main__":
    main()
