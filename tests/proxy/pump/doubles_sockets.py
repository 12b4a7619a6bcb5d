"""Real sockets for relays: a loop that waits for them, and peers at their other ends, with TLS or without."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from OpenSSL import SSL
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor, IWriteDescriptor
from twisted.internet.task import Clock
from zope.interface import implementer

from apiml_ws.proxy.leg import Leg
from apiml_ws.proxy.wire import SocketWire, TlsWire
from tests.certificates import leaf
from tests.proxy.doubles_tls import shake_hands

_READ = 65536
#: Seconds after which a test gives up.
PATIENCE = 20.0


@implementer(IReactorFDSet)
class Loop(Clock):
    """What relays ask of a reactor, run by hand in real time."""

    def __init__(self) -> None:
        super().__init__()
        self.rightNow = time.monotonic()
        self.readers: set[IReadDescriptor] = set()
        self.writers: set[IWriteDescriptor] = set()

    def seconds(self) -> float:
        """See Clock."""
        return time.monotonic()

    def addReader(self, reader: IReadDescriptor) -> None:
        """See IReactorFDSet."""
        self.readers.add(reader)

    def removeReader(self, reader: IReadDescriptor) -> None:
        """See IReactorFDSet."""
        self.readers.discard(reader)

    def addWriter(self, writer: IWriteDescriptor) -> None:
        """See IReactorFDSet."""
        self.writers.add(writer)

    def removeWriter(self, writer: IWriteDescriptor) -> None:
        """See IReactorFDSet."""
        self.writers.discard(writer)

    def removeAll(self) -> list[Any]:
        """See IReactorFDSet."""
        raise NotImplementedError

    def getReaders(self) -> list[IReadDescriptor]:
        """See IReactorFDSet."""
        return list(self.readers)

    def getWriters(self) -> list[IWriteDescriptor]:
        """See IReactorFDSet."""
        return list(self.writers)

    def turn(self, timeout: float = 0.002) -> None:
        """One turn: what is ready, and what is due."""
        readers = {reader.fileno(): reader for reader in self.readers}
        ready, _, _ = select.select(list(readers), [], [], timeout)
        for descriptor in ready:
            readers[descriptor].doRead()
        self.rightNow = time.monotonic()
        self.advance(0)

    def run(self, until: Callable[[], object], patience: float = PATIENCE) -> None:
        """Turn until it is so."""
        deadline = time.monotonic() + patience
        while not until():
            assert time.monotonic() < deadline, "it never came"
            self.turn()

    def run_for(self, seconds: float) -> None:
        """Turn for a while."""
        deadline = time.monotonic() + seconds
        self.run(lambda: time.monotonic() >= deadline)


class Peer:
    """The other end of a leg.  It takes what it is sent while it is ``reading``, at each :meth:`turn`."""

    def __init__(self, sock: socket.socket, connection: SSL.Connection | None = None) -> None:
        self._socket = sock
        self._connection = connection
        self._unsent = bytearray()
        self.received = bytearray()
        self.reading = True
        self.ended = False
        self.lost = False

    def send(self, data: bytes) -> None:
        """Send as fast as it is taken."""
        if self._connection is None:
            self._unsent += data
        while self._connection is not None and data:
            sent = self._connection.send(data[:16384])
            data = data[sent:]
            self._unsent += self._sealed()
        self._flush()

    def _sealed(self) -> bytes:
        try:
            return cast(SSL.Connection, self._connection).bio_read(1 << 20)
        except SSL.WantReadError:
            return b""

    def _flush(self) -> None:
        with suppress(BlockingIOError, ConnectionError):
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]

    @property
    def idle(self) -> bool:
        """Whether all was taken."""
        return not self._unsent

    def turn(self) -> None:
        """Send and receive what goes."""
        if self.lost:
            return
        self._flush()
        if self.reading:
            self.take()

    def take(self) -> None:
        """Receive once."""
        try:
            data = self._socket.recv(_READ)
        except BlockingIOError:
            return
        except ConnectionError:
            self.lost = True
            return
        if not data:
            self.ended = True
        elif self._connection is None:
            self.received += data
        else:
            self._open(data)

    def _open(self, data: bytes) -> None:
        connection = cast(SSL.Connection, self._connection)
        connection.bio_write(data)
        with suppress(SSL.WantReadError, SSL.ZeroReturnError):
            while True:
                self.received += connection.recv(_READ)
        self._unsent += self._sealed()

    def end(self) -> None:
        """FIN, after close_notify if there is TLS."""
        if self._connection is not None:
            self._connection.shutdown()
            self._unsent += self._sealed()
        self._flush()
        self._socket.shutdown(socket.SHUT_WR)

    def vanish(self) -> None:
        """Close at once; RST, if there is anything unread."""
        self.lost = True
        self._socket.close()

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


def plain_leg(**agreed: Any) -> tuple[Leg, Peer]:
    """A leg over a socket, and its peer."""
    ours, theirs = _pair()
    return Leg(SocketWire(ours, ours.close), **agreed), Peer(theirs)


def tls_leg(**agreed: Any) -> tuple[Leg, Peer]:
    """A leg over TLS, and its peer."""
    ours, theirs = _pair()
    server, client = _handshaken()
    return Leg(TlsWire(ours, server, ours.close), **agreed), Peer(theirs, client)


def _pair() -> tuple[socket.socket, socket.socket]:
    pair = socket.socketpair()
    for each in pair:
        each.setblocking(False)
    # Less than one read, so that a reader that takes little is heard of before a read is through.
    pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32768)
    return pair


def _handshaken() -> tuple[SSL.Connection, SSL.Connection]:
    issued = leaf()
    context = SSL.Context(SSL.TLS_METHOD)
    context.use_certificate(issued.certificate)
    context.use_privatekey(issued.key)
    server, client = SSL.Connection(context, None), SSL.Connection(SSL.Context(SSL.TLS_METHOD), None)
    server.set_accept_state()
    client.set_connect_state()
    shake_hands(client, server)
    return server, client
