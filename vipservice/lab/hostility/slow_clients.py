"""A process that wears an HTTP server out. Run by its path; standard library only.

usage: slow_clients.py ADDRESS PORT COUNT

It keeps COUNT connections of each of five kinds open, and opens a new one for each that is closed on it:
silent (never sends a byte), slow (a byte of its request line a second), endless headers, an endless body, and
one that asks for everything and never reads. A byte on standard input is answered by a line: how many
connections were opened, and how many answers were read. The end of standard input is ours.
"""

import contextlib
import os
import selectors
import socket
import sys
import time
from collections.abc import Iterator

STEP = 0.05
KINDS = ("silent", "slow", "headers", "body", "deaf")
RECEIVE_BUFFER = 2048
"""What a client that never reads can take at most, bytes: less than an answer."""


class Client:
    """One connection, and what it says next."""

    def __init__(self, kind: str, address: tuple[str, int]) -> None:
        self.kind = kind
        self.opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.opened.setblocking(False)
        if kind == "deaf":
            self.opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.opened.connect_ex(address)
        self._words = words(kind)
        self._piece, self._pause = next(self._words)
        self._due = time.monotonic()

    def speak(self, now: float) -> None:
        """Say the next piece if it is time for it; again later where it can't be said now."""
        if now < self._due:
            return
        with contextlib.suppress(BlockingIOError):
            self.opened.send(self._piece)
            self._due = now + self._pause
            self._piece, self._pause = next(self._words)

    def closed(self) -> bool:
        """Whether the server has hung up; takes what it answered, but for one who never reads."""
        if self.kind == "deaf":
            return bool(self.opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        try:
            return self.opened.recv(65536) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


def words(kind: str) -> Iterator[tuple[bytes, float]]:
    """What a client of a kind says, and how long it waits after each piece."""
    match kind:
        case "silent":
            pieces: Iterator[tuple[bytes, float]] = iter(())
        case "slow":
            pieces = ((bytes([byte]), 1.0) for byte in b"GET /metrics HTTP/1.1\r\n" * 1000)
        case "headers":
            pieces = _after(b"GET /metrics HTTP/1.1\r\n", b"X-Endless: " + b"x" * 200 + b"\r\n")
        case "body":
            start = b"GET /metrics HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n"
            pieces = _after(start, b"y" * 1000)
        case _:
            pieces = iter([(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 30.0)])
    yield from pieces
    while True:
        yield b"", 3600.0


def _after(start: bytes, piece: bytes) -> Iterator[tuple[bytes, float]]:
    yield start, 0.0
    while True:
        yield piece, 0.05


def wear_out(address: tuple[str, int], count: int) -> None:
    """Keep them all open until standard input ends."""
    clients = [Client(kind, address) for kind in KINDS for _ in range(count)]
    opened, hung_up = len(clients), 0
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        while True:
            now = time.monotonic()
            for place, client in enumerate(clients):
                if not _step(client, now):
                    client.opened.close()
                    clients[place] = Client(client.kind, address)
                    opened, hung_up = opened + 1, hung_up + 1
            if selector.select(STEP):
                if not os.read(0, 1):
                    return
                os.write(1, f"{opened} {hung_up}\n".encode())


def _step(client: Client, now: float) -> bool:
    """Let a client do what is due; False when its connection is over."""
    try:
        client.speak(now)
        return not client.closed()
    except OSError:
        return False


def main() -> None:
    """Read the arguments and begin."""
    address, port, count = sys.argv[1:]
    wear_out((address, int(port)), int(count))


if __name__ == "__main__":
    main()
