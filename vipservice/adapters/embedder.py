"""The application that embeds this daemon: our standard input is a socket whose other end is its alone.

We write one byte at each thing worth a look (it then asks on the control socket) and it writes nothing. The
end of the stream is the application's end, however it came: no signal or pid could be trusted with that.
"""

import contextlib
import socket

LOOK = b"."


class Embedder:
    """Who started us, as a service manager: told that something has changed, never what."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.setblocking(False)

    @property
    def watchdog_interval(self) -> float | None:
        """None: the lease is what an application that embeds us relies upon."""
        return None

    def fileno(self) -> int:
        """What becomes readable when it has gone."""
        return self._connection.fileno()

    def ready(self) -> None:
        """The loop turns."""
        self._look()

    def status(self, text: str) -> None:  # noqa: ARG002 - it asks for more than a line
        """Something turned."""
        self._look()

    def alive(self) -> None:
        """It doesn't ask for a sign of life."""

    def reloading(self) -> None:
        """What a reload changes is told by `ready`."""

    def stopping(self) -> None:
        """We are about to hand over."""
        self._look()

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()

    def _look(self) -> None:
        """A full socket loses the byte: what lies unread in it says the same. One that is gone is noticed."""
        with contextlib.suppress(OSError):
            self._connection.send(LOOK, socket.MSG_DONTWAIT | getattr(socket, "MSG_NOSIGNAL", 0))


def take_embedder(descriptor: int = 0) -> Embedder:
    """The connection that an application gave us as standard input.

    Raises:
        OSError: It is no socket: nobody embeds us.
    """
    with socket.socket(fileno=descriptor) as given:
        try:
            connection = given.dup()
        finally:
            given.detach()  # it stays where an upgrade in place finds it again
    return Embedder(connection)
