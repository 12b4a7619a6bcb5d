"""A TCP transport of Twisted's over no socket: its own buffering and producers, driven by hand."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any, cast

from OpenSSL.SSL import WantReadError, ZeroReturnError
from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IProtocol
from twisted.internet.testing import MemoryReactorClock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from apiml_ws.core.config import TlsConfig, Verification
from apiml_ws.proxy.tls import ClientTls, ServerTls


class MemorySocket:
    """Takes what is sent and remembers its options."""

    def __init__(self) -> None:
        self.sent = b""
        self.options: dict[tuple[int, int], int] = {}

    def setsockopt(self, level: int, name: int, value: int) -> None:
        """Keep the option."""
        self.options[level, name] = value

    def send(self, data: bytes | memoryview) -> int:
        """Take all."""
        self.sent += bytes(data)
        return len(data)

    def shutdown(self, how: int) -> None:
        """There is no other end."""

    def recv_into(self, buffer: memoryview, count: int = 0) -> int:
        """Nothing is there."""
        raise BlockingIOError


class MemoryDescriptor(FileDescriptor):
    """What :class:`twisted.internet.tcp.Connection` is, with a :class:`MemorySocket`; ``room`` is what a turn can send."""

    def __init__(self, reactor: MemoryReactorClock, protocol: IProtocol) -> None:
        super().__init__(cast(Any, reactor))
        self.memory_reactor = reactor
        self.protocol = protocol
        self.socket = MemorySocket()
        self.room = 1 << 20
        self.connected = 1
        self.startReading()
        protocol.makeConnection(cast(Any, self))

    def getHandle(self) -> socket.socket:
        """The socket."""
        return cast(socket.socket, self.socket)

    def getPeer(self) -> IPv4Address:
        """Somebody."""
        return IPv4Address("TCP", "127.0.0.1", 51234)

    def getHost(self) -> IPv4Address:
        """Here."""
        return IPv4Address("TCP", "127.0.0.1", 10010)

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Nothing is sent late."""

    def writeSomeData(self, data: bytes) -> int:
        """Send as much as there is room for."""
        return self.socket.send(bytes(data)[: self.room])

    @property
    def reading(self) -> bool:
        """Whether the reactor looks for input."""
        return self in self.memory_reactor.readers

    def arrive(self, data: bytes) -> None:
        """Deliver ``data`` as one read."""
        assert self.reading, "not reading"
        self.protocol.dataReceived(data)

    def turn(self) -> None:
        """One turn of the reactor: timers, then what can be written."""
        self.memory_reactor.advance(0)
        if self in self.memory_reactor.writers:
            why = self.doWrite()
            if why is not None:
                self.connectionLost(Failure(why))

    def abortConnection(self) -> None:
        """End it in the next turn."""
        self.memory_reactor.callLater(0, self.connectionLost, Failure(ConnectionAborted()))

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008 - as Twisted spells it
        """Tell the protocol."""
        if self.disconnected:
            return
        super().connectionLost(reason)
        self.protocol.connectionLost(reason)


class SealedClient:
    """A client over TLS that is not Twisted's, and the descriptor of the server's end; ``factory`` is behind the TLS."""

    def __init__(self, config: TlsConfig, factory: Any) -> None:
        self.reactor = MemoryReactorClock()
        self.factory = TLSMemoryBIOFactory(ServerTls(config), False, factory, clock=cast(Any, self.reactor))
        self.tls: Any = self.factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 51234))
        self.tcp = MemoryDescriptor(self.reactor, self.tls)
        self.end = ClientTls(config, Verification.STRICT).connection_to("localhost")
        self.told_end = False

    def begin(self) -> None:
        """Say the first word of the handshake, and hear the answer."""
        with suppress(WantReadError):
            self.end.do_handshake()
        self.carry()

    def shake_hands(self) -> None:
        """Up to the client's last word, which goes along with what is said next."""
        self.begin()
        self.end.do_handshake()

    def say(self, *pieces: bytes) -> None:
        """Send each piece in a record of its own, all in one segment."""
        for piece in pieces:
            self.end.send(piece)
        self.carry()

    def carry(self) -> None:
        """Bring to the server what the client wants to send, and back what is there by then."""
        with suppress(WantReadError):
            self.tcp.arrive(self.end.bio_read(1 << 20))
        self.turn()

    def turn(self) -> None:
        """Let the server's end write."""
        self.tcp.turn()
        data, self.tcp.socket.sent = self.tcp.socket.sent, b""
        if data:
            self.end.bio_write(data)

    def hear(self) -> bytes:
        """All that the server said."""
        heard = b""
        try:
            while True:
                heard += self.end.recv(1 << 16)
        except WantReadError:
            return heard
        except ZeroReturnError:
            self.told_end = True
            return heard
