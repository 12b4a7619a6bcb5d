"""One instance of a service in a process of its own, written with the ``websockets`` library: it can be killed for real.

    python -m tests.e2e.instance --name one --port 10012 --journal one.log

Below ``/discoverableclient/ws/``:

- ``numbered`` answers each message with its name in front.  What it received goes to the journal first, one line a message.
- ``half`` answers each message with a first fragment that nothing follows.

It closes its sessions with 1001 at SIGTERM, as servers do that restart.
"""

from __future__ import annotations

import asyncio
import os
import signal
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

ROOT = "/discoverableclient/ws/"


class Instance:
    """What it says in its sessions."""

    def __init__(self, name: str, journal: str) -> None:
        self._name = name
        self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def converse(self, session: ServerConnection) -> None:
        """By the path."""
        assert session.request is not None
        talk = {"numbered": self._numbered, "half": self._half}[session.request.path.removeprefix(ROOT)]
        try:
            await talk(session)
        except ConnectionClosed:
            return

    async def _numbered(self, session: ServerConnection) -> None:
        async for message in session:
            assert isinstance(message, str)
            # Not buffered: what was received is known after a SIGKILL too.
            os.write(self._journal, (message[:100] + "\n").encode())
            await session.send(f"{self._name} {message}")

    async def _half(self, session: ServerConnection) -> None:
        async for _ in session:
            await session.send(_endless())


async def _endless() -> AsyncIterator[str]:
    yield "half"
    await asyncio.Event().wait()


async def run(options: Namespace) -> None:
    """Until SIGTERM."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    instance = Instance(options.name, options.journal)
    names = [Subprotocol(name) for name in options.subprotocol]
    async with serve(
        instance.converse, "127.0.0.1", options.port, compression=None, max_size=None, subprotocols=names or None
    ) as server:
        print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
        await over.wait()


def main() -> None:
    """The command line."""
    parser = ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--journal", required=True)
    parser.add_argument("--subprotocol", action="append", default=[])
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
