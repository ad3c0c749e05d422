"""A service that answers on a floating address while this node has it: `hello.py SETTINGS.yml [PORT]`.

Run it on two hosts with the same settings; it needs what `vipservice run` needs (root, or two capabilities).
"""

import asyncio
import signal
import socket
import sys
from pathlib import Path

import vipservice

HELLO = f"HTTP/1.0 200 OK\r\n\r\nhello from {socket.gethostname()}\n".encode()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say who we are, whatever was asked."""
    try:
        await asyncio.wait_for(reader.readline(), 5)
        writer.write(HELLO)
        await writer.drain()
    except OSError as error:  # it went away, or said nothing
        print(f"a client was not answered: {error}", flush=True)
    finally:
        writer.close()


async def serve(settings: Path, port: int) -> None:
    """Listen on the address while it is here, again and again."""
    async with vipservice.FloatingIP(settings) as vip:
        while True:
            state = await vip.active()
            server = await asyncio.start_server(answer, state.addresses[0], port)
            print(f"serving on {state.addresses[0]}: {state.detail}", flush=True)
            try:
                state = await vip.inactive()
                print(f"not serving: {state.detail}", flush=True)
            finally:
                server.close()


async def main() -> None:
    """Serve until SIGTERM or Ctrl-C, then hand the address over."""
    task = asyncio.create_task(serve(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 8080))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        print("stopped", flush=True)
    except vipservice.EmbeddingError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    asyncio.run(main())
