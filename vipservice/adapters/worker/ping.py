"""Does a host answer ICMP echoes?

The worker has no capabilities: where the kernel keeps ICMP from everybody (net.ipv4.ping_group_range) it uses
a raw socket that the daemon has opened and left to it.
"""

import asyncio
import secrets
import socket
import time
from itertools import count

from vipservice.adapters.worker.problems import in_words
from vipservice.adapters.worker.tcp import Resolver
from vipservice.config.check_settings import PingCheck
from vipservice.runtime.health import Tried
from vipservice.wire import icmp
from vipservice.wire.errors import DecodeError

TOKEN = 16
"""Random bytes in each echo: only its own answer counts."""

LARGEST = 2048


class Echoes:
    """One socket for all checks."""

    def __init__(self, inherited: socket.socket | None) -> None:
        self._raw = inherited is not None
        self._socket = inherited or socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        self._socket.setblocking(False)
        self._identifier = secrets.randbits(16)
        self._sequence = count(1)
        self._waiting: dict[bytes, asyncio.Future[None]] = {}
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    async def round_trip(self, address: str) -> None:
        """Send an echo and wait for its answer, for as long as the caller lets it."""
        token = secrets.token_bytes(TOKEN)
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[token] = answered
        try:
            sequence = next(self._sequence) & 0xFFFF
            request = icmp.Echo(icmp.EchoKind.REQUEST, self._identifier, sequence, token)
            self._socket.sendto(icmp.encode(request), (address, 0))
            await answered
        finally:
            del self._waiting[token]

    def _read(self) -> None:
        try:
            packet = self._socket.recv(LARGEST)
            echo = icmp.decode_with_ip_header(packet) if self._raw else icmp.decode(packet)
        except (OSError, DecodeError):
            return  # somebody's "unreachable", or nothing for us
        waiting = self._waiting.get(echo.payload)
        if echo.kind is icmp.EchoKind.REPLY and waiting is not None and not waiting.done():
            waiting.set_result(None)


class PingAsker:
    """Asks one host."""

    def __init__(self, check: PingCheck, echoes: Echoes | None) -> None:
        self._check = check
        self._echoes = echoes
        self._resolver = Resolver()

    async def ask(self) -> Tried:
        """One echo."""
        if self._echoes is None:
            return Tried(None, "this process may not send ICMP echoes: see net.ipv4.ping_group_range")
        try:
            addresses = await self._resolver.addresses(self._check.host, socket.AF_INET)
            began = time.perf_counter()
            await self._echoes.round_trip(addresses[0])
        except OSError as error:
            return Tried(False, in_words(error))
        return Tried(True, f"answered within {1000 * (time.perf_counter() - began):.1f} ms")
