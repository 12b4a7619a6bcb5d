"""Sockets of a network in memory, and a poller that is told by hand what is so."""

from __future__ import annotations

import errno
import socket
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import cast

from apiml_ws.proxy.poller import GONE, READ, WRITE, Ready

_descriptors = count(1000)


class MemorySocket:
    """One end of a connection, and for the test the peer's: :meth:`peer_sends`, :meth:`peer_ends`, ``sent``.

    ``takes`` is how many bytes more the kernel takes, None for any; if it ``refuses``, what is sent breaks the connection.
    ``near``: it is connected at once.
    """

    def __init__(self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> None:
        self.family = family
        self.address: tuple[str, int] | None = None
        self.problem = 0
        self.sent = b""
        self.takes: int | None = None
        self.refuses = False
        self.near = False
        self.options: dict[tuple[int, int], int | bytes] = {}
        self.closed = False
        self.blocking = True
        self._incoming: deque[bytes] = deque()
        self._descriptor = next(_descriptors)

    # The peer's end.

    def peer_sends(self, *pieces: bytes) -> None:
        """Each is one read; an empty one is the end of the stream."""
        self._incoming.extend(pieces)

    def peer_ends(self) -> None:
        """FIN."""
        self.peer_sends(b"")

    def peer_breaks(self) -> None:
        """RST."""
        self.problem = errno.ECONNRESET

    # A socket's.

    def fileno(self) -> int:
        """See socket."""
        return -1 if self.closed else self._descriptor

    def setblocking(self, flag: bool) -> None:
        """See socket."""
        self.blocking = flag

    def setsockopt(self, level: int, name: int, value: int | bytes) -> None:
        """See socket."""
        self.options[level, name] = value

    def getsockopt(self, level: int, name: int) -> int:
        """See socket: the error of a connection that was under way."""
        assert (level, name) == (socket.SOL_SOCKET, socket.SO_ERROR)
        return self.problem

    def connect_ex(self, address: tuple[str, int]) -> int:
        """See socket."""
        self.address = address
        return self.problem or errno.EINPROGRESS

    def getpeername(self) -> tuple[str, int]:
        """See socket."""
        if self.address is None or not self.near:
            raise OSError(errno.ENOTCONN, "not connected")
        return self.address

    def recv_into(self, buffer: memoryview, size: int = 0) -> int:
        """See socket."""
        self._fail()
        if not self._incoming:
            raise BlockingIOError
        data = self._incoming.popleft()
        room = min(size or len(buffer), len(buffer))
        if data[room:]:
            self._incoming.appendleft(data[room:])
        buffer[: len(data[:room])] = data[:room]
        return len(data[:room])

    def send(self, data: bytes | memoryview) -> int:
        """See socket."""
        self._fail()
        if self.refuses:
            raise BrokenPipeError(errno.EPIPE, "broken")
        size = len(data) if self.takes is None else min(self.takes, len(data))
        if data and not size:
            raise BlockingIOError
        self.sent += bytes(data[:size])
        if self.takes is not None:
            self.takes -= size
        return size

    def shutdown(self, how: int) -> None:
        """See socket."""
        self._fail()

    def close(self) -> None:
        """See socket."""
        self.closed = True

    def _fail(self) -> None:
        if self.closed or self.problem:
            raise OSError(self.problem or errno.EBADF, "broken")


class Sockets:
    """Makes sockets and keeps them; ``prepare`` is called with each."""

    def __init__(self) -> None:
        self.made: list[MemorySocket] = []
        self.prepare: Callable[[MemorySocket], object] = lambda made: None

    def __call__(self, family: int, kind: int) -> socket.socket:
        """One more."""
        made = MemorySocket(family, kind)
        self.made.append(made)
        self.prepare(made)
        return cast(socket.socket, made)

    @property
    def open(self) -> list[MemorySocket]:
        """Those that were not closed."""
        return [each for each in self.made if not each.closed]


class HandPoller:
    """A poller that reports what a test says."""

    def __init__(self) -> None:
        self.watched: dict[int, tuple[int, Ready]] = {}

    def add(self, descriptor: int, events: int, listener: Ready) -> None:
        """See Poller."""
        assert descriptor >= 0, "closed"
        assert descriptor not in self.watched, "watched twice"
        self.watched[descriptor] = (events, listener)

    def modify(self, descriptor: int, events: int) -> None:
        """See Poller."""
        self.watched[descriptor] = (events, self.watched[descriptor][1])

    def remove(self, descriptor: int) -> None:
        """See Poller."""
        del self.watched[descriptor]

    def events(self, sock: MemorySocket) -> int:
        """What is waited for on ``sock``."""
        return self.watched.get(sock.fileno(), (0, None))[0]

    def report(self, sock: MemorySocket, events: int = READ | WRITE) -> None:
        """Report those of ``events`` that are waited for; nothing when there is none."""
        watched = self.watched.get(sock.fileno())
        if watched is not None and watched[0] & events:
            watched[1].ready(watched[0] & events)

    def crash(self, sock: MemorySocket) -> None:
        """Whoever was told of ``sock`` failed."""
        self.watched[sock.fileno()][1].crashed()

    def broken(self, sock: MemorySocket) -> None:
        """The connection is gone, which is reported without being waited for."""
        self.watched[sock.fileno()][1].ready(GONE)
