"""A connection that is cut: what stands between two peers, and lets only so many bytes pass."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.e2e.services import TIMEOUT

_READ = 65536


@dataclass(frozen=True, slots=True)
class Cut:
    """After ``count`` bytes from the end that connected, or from the other one (``back``); by a reset, or in good order."""

    count: int
    back: bool
    reset: bool


class Cutter:
    """Listens in front of ``target`` (a port of the loopback interface) and passes on what comes, both ways.

    ``plan`` is asked once for each connection how it ends, None for as its ends want.
    """

    def __init__(self, target: int, plan: Callable[[], Cut | None]) -> None:
        self._target = target
        self._plan = plan
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port: int = self._socket.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ, self._accept)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.is_set():
            for key, events in self._selector.select(0.1):
                key.data(events)

    def _accept(self, _events: int) -> None:
        here, _ = self._socket.accept()
        there = socket.create_connection(("127.0.0.1", self._target), TIMEOUT)
        _Passing(self._selector, here, there, self._plan())

    def end(self) -> None:
        """Pass nothing on any more."""
        self._over.set()
        self._thread.join(TIMEOUT)
        for key in list(self._selector.get_map().values()):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            sock.close()
        self._selector.close()


class _Passing:
    """One connection."""

    def __init__(
        self, selector: selectors.BaseSelector, here: socket.socket, there: socket.socket, cut: Cut | None
    ) -> None:
        self._selector = selector
        self._cut = cut
        self._sockets = (here, there)
        self._over = False
        self._unsent: dict[socket.socket, deque[bytes]] = {here: deque(), there: deque()}
        self._counts = {here: 0, there: 0}
        for each in self._sockets:
            each.setblocking(False)
            selector.register(each, selectors.EVENT_READ, lambda events, sock=each: self._ready(sock, events))

    def _other(self, sock: socket.socket) -> socket.socket:
        here, there = self._sockets
        return there if sock is here else here

    def _ready(self, sock: socket.socket, events: int) -> None:
        if self._over:
            # By what the other end brought about in the same turn.
            return
        try:
            if events & selectors.EVENT_WRITE:
                self._flush(sock)
            if events & selectors.EVENT_READ and not self._over:
                self._read(sock)
        except OSError:
            self._end(reset=True)

    def _read(self, sock: socket.socket) -> None:
        data = sock.recv(_READ)
        if not data:
            self._end(reset=False)
            return
        here, there = self._sockets
        cut = self._cut
        watched = cut is not None and sock is (there if cut.back else here)
        left = cut.count - self._counts[sock] if cut is not None and watched else len(data) + 1
        self._counts[sock] += len(data)
        self._unsent[self._other(sock)].append(data[:left])
        self._flush(self._other(sock))
        if cut is not None and left <= len(data) and not self._over:
            self._end(reset=cut.reset)

    def _flush(self, sock: socket.socket) -> None:
        unsent = self._unsent[sock]
        with suppress(BlockingIOError):
            while unsent:
                rest = unsent[0][sock.send(unsent[0]) :]
                unsent.popleft()
                if rest:
                    unsent.appendleft(rest)
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0)
        self._selector.modify(sock, events, self._selector.get_key(sock).data)

    def _end(self, reset: bool) -> None:
        self._over = True
        for sock in self._sockets:
            self._selector.unregister(sock)
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
