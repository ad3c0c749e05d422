"""The floor: the least that a Python process can do which wakes each interval and sends one datagram.

Run by path, without the package: one timer of asyncio over select(2), one sendto(2), nothing else. What
vipservice costs beyond this is its own doing.
"""

import asyncio
import selectors
import socket
import sys

PAYLOAD = bytes(177)
"""As long as a signed advert of one group that has heard one peer."""


async def beat(interval: float, address: str) -> None:
    """Send for ever."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:

        def send() -> None:
            nonlocal due
            sender.sendto(PAYLOAD, (address, 9))
            due += interval
            loop.call_at(due, send)

        send()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(beat(float(sys.argv[1]), sys.argv[2]))
