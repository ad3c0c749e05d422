"""Does somebody accept a connection?"""

import asyncio
import socket
from ipaddress import ip_address

from vipservice.adapters.worker.problems import in_words
from vipservice.adapters.worker.threads import OneThread, StillBusyError
from vipservice.config.check_settings import TcpCheck
from vipservice.runtime.health import Tried

RESOLVER_HANGS = "the resolver has not answered the question before this one"


class Resolver:
    """Names to addresses. getaddrinfo(3) has no timeout of its own."""

    def __init__(self) -> None:
        self._thread: OneThread[list[str]] = OneThread()

    async def addresses(self, host: str, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[str]:
        """The addresses of `host`, the resolver's favourite first.

        Raises:
            OSError: It has none, or the resolver hangs.
        """
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass

        def ask() -> list[str]:
            found = socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)
            return list(dict.fromkeys(str(one[4][0]) for one in found))

        try:
            return await self._thread.call(ask)
        except StillBusyError as error:
            raise OSError(RESOLVER_HANGS) from error


class TcpAsker:
    """Connects, and hangs up."""

    def __init__(self, check: TcpCheck) -> None:
        self._check = check
        self._resolver = Resolver()

    async def ask(self) -> Tried:
        """Try each address once."""
        problem = "the name has no address"
        try:
            for address in await self._resolver.addresses(self._check.host):
                try:
                    _, writer = await asyncio.open_connection(address, self._check.port)
                except OSError as error:
                    problem = in_words(error)
                else:
                    writer.close()
                    return Tried(True, "accepted a connection")
        except OSError as error:
            problem = in_words(error)
        return Tried(False, problem)
