"""A port of this machine's loopback that leads to a port inside a box, so that a browser can look in."""

import contextlib
import socket
import threading
from collections.abc import Callable

from vipservice.lab.namespaces import Namespace

LOOPBACK = "127.0.0.1"
CONNECT_TIMEOUT = 5.0
PIECE = 65536


class Relay:
    """Passes connections on, from its making to `close`.

    Args:
        box: Asked at each connection, because a host that lost its power comes back as another box; None
            while there is none, and the connection is closed.
        port: Where to listen on this machine; 0 takes any that is free.
        target: Address and port inside the box.
    """

    def __init__(self, box: Callable[[], Namespace | None], port: int, target: tuple[str, int]) -> None:
        self._box = box
        self._target = target
        self._listener = socket.create_server((LOOPBACK, port))
        threading.Thread(target=self._accept, name=f"relay {self.port}", daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """For a browser on this machine."""
        return f"http://{LOOPBACK}:{self.port}"

    def close(self) -> None:
        """Listen no more; connections under way end by themselves."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                visitor, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(visitor,), name="relayed", daemon=True).start()

    def _serve(self, visitor: socket.socket) -> None:
        with visitor, contextlib.suppress(OSError):
            box = self._box()
            if box is None:
                return
            # A socket stays in the network namespace in which it was made.
            with box.in_network(lambda: socket.create_connection(self._target, CONNECT_TIMEOUT)) as inner:
                inner.settimeout(None)
                back = threading.Thread(target=_pass_on, args=(inner, visitor), name="relayed", daemon=True)
                back.start()
                _pass_on(visitor, inner)
                back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Copy until the source ends, and say so to the sink."""
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
