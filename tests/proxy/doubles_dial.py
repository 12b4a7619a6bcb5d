"""Dials without a network: a service's end of each connection that was asked for, and who is told of the outcome."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any, cast

from OpenSSL.SSL import Connection
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from apiml_ws.core.interfaces import DialFailure, DialRequest, Headers, ServiceLeg
from apiml_ws.proxy.backend import BackendDialer, Dial
from apiml_ws.proxy.heads import head_lines
from tests.core.doubles_registry import an_instance
from tests.proxy.doubles_handshake import HandOvers

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
INSTANCE = an_instance(host="127.0.0.1", port=10012, secure=False)
REQUEST = DialRequest(INSTANCE, b"/sample/ws/a?b=%20", ((b"x-A", b"1"), (b"X-a", b"\xe9")), (), (), 45.0)
#: The key that :class:`Network` makes.
KEY = b64encode(bytes(range(16)))


@dataclass
class Told:
    """Keeps what a dialer tells."""

    legs: list[ServiceLeg] = field(default_factory=list)
    failures: list[DialFailure] = field(default_factory=list)

    def dialled(self, leg: ServiceLeg) -> None:
        """A leg."""
        self.legs.append(leg)

    def dial_failed(self, failure: DialFailure) -> None:
        """None."""
        self.failures.append(failure)

    @property
    def failure(self) -> DialFailure:
        """The only thing that was told."""
        assert not self.legs, self.legs
        (only,) = self.failures
        return only


class NoTls:
    """For dials that speak none."""

    def creator_for(self, host: str) -> IOpenSSLClientConnectionCreator:
        """Not to be asked."""
        raise NotImplementedError

    def verify(self, connection: Connection, host: str) -> None:
        """Not to be asked."""
        raise NotImplementedError


class ServiceEnd:
    """A service's end of one connection over TCP."""

    def __init__(self, factory: Any) -> None:
        self.transport = StringTransport(lenient=True)
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)

    def say(self, *data: bytes) -> None:
        """Deliver each piece as one read."""
        for piece in data:
            self.protocol.dataReceived(piece)

    def leave(self, reason: BaseException | None = None) -> None:
        """End the connection."""
        self.protocol.connectionLost(Failure(reason or ConnectionDone()))

    @property
    def asked(self) -> bytes:
        """The request."""
        asked: bytes = self.transport.value()
        return asked


class Network:
    """Dials, and the ends of services."""

    def __init__(self, limit: int = 48000) -> None:
        self.reactor = MemoryReactorClock()
        self.hand_over = HandOvers()
        self.dialer = BackendDialer(
            self.reactor, NoTls(), limit, random=lambda count: bytes(range(count)), hand_over=self.hand_over
        )
        self.told = Told()

    def dial(self, request: DialRequest = REQUEST) -> Dial:
        """Begin a dial."""
        return self.dialer.dial(request, self.told)

    def accept(self) -> ServiceEnd:
        """The service takes the connection that was asked for."""
        self.reactor.advance(0)
        return ServiceEnd(self.reactor.tcpClients[-1][2])

    def refuse(self, reason: BaseException) -> None:
        """The connection cannot be had."""
        self.reactor.advance(0)
        self.reactor.tcpClients[-1][2].clientConnectionFailed(cast(Any, None), Failure(reason))


def right_answer(*more: tuple[bytes, bytes], key: bytes = KEY) -> bytes:
    """The 101 of a service that says ``more``."""
    return b"HTTP/1.1 101 Switching Protocols\r\n" + head_lines((*right_fields(key), *more)) + b"\r\n"


def right_fields(key: bytes = KEY) -> Headers:
    """What a 101 has to say."""
    accept = b64encode(sha1(key + _MAGIC).digest())
    return ((b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"Sec-WebSocket-Accept", accept))
