"""A process that looks at an HTTP server. Run by its path; standard library only.

usage: looking.py ADDRESS PORT COUNT PERIOD PATH...

COUNT threads ask for the PATHs in turn, each every PERIOD seconds (0: again as soon as it is answered). A
byte on standard input is answered by a line: how many answers came, and how many were refusals or none at
all. The end of standard input is ours.
"""

import http.client
import os
import sys
import threading
import time
from itertools import cycle

TIMEOUT = 10.0
PAUSE = 0.005
"""Seconds that a client waits who was refused, or who asks again at once: a hundred share one process."""


class Count:
    """What has become of the requests."""

    def __init__(self) -> None:
        self.answered = 0
        self.refused = 0
        self._lock = threading.Lock()

    def add(self, answered: bool) -> None:
        """One more."""
        with self._lock:
            self.answered += answered
            self.refused += not answered


def look(address: str, port: int, path: str) -> bool:
    """Ask once; whether it was answered in full."""
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return False
    else:
        return answer.status == http.HTTPStatus.OK
    finally:
        connection.close()


def work(count: Count, address: str, port: int, period: float, paths: list[str]) -> None:
    """Look, and look again."""
    for path in cycle(paths):
        began = time.monotonic()
        count.add(look(address, port, path))
        time.sleep(max(PAUSE, began + period - time.monotonic()))


def main() -> None:
    """Read the arguments and begin."""
    address, port, clients, period, *paths = sys.argv[1:]
    count = Count()
    given = (count, address, int(port), float(period), paths)
    for _ in range(int(clients)):
        threading.Thread(target=work, args=given, daemon=True).start()
    while os.read(0, 1):
        os.write(1, f"{count.answered} {count.refused}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    main()
