"""Dials without a network: a service's end of each connection that was asked for, and who is told of the outcome."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any, cast

from OpenSSL.SSL import Connection
from twisted.internet.task import Clock

from apiml_ws.core.interfaces import DialFailure, DialRequest, Headers, ServiceLeg
from apiml_ws.core.stages import Stages
from apiml_ws.proxy.backend import BackendDialer, Dial
from apiml_ws.proxy.connecting import Connector
from apiml_ws.proxy.handshake import Tls
from apiml_ws.proxy.heads import head_lines
from apiml_ws.proxy.names import Names
from apiml_ws.proxy.poller import READ, WRITE
from tests.core.doubles_registry import an_instance
from tests.proxy.doubles_sockets import HandPoller, MemorySocket, Sockets

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

    def to_service(self, host: str, port: int) -> Connection:
        """Not to be asked."""
        raise NotImplementedError

    def keep(self, connection: Connection, host: str, port: int) -> None:
        """Not to be asked."""
        raise NotImplementedError

    def distrust(self, host: str, port: int) -> None:
        """Not to be asked."""
        raise NotImplementedError

    def verify(self, connection: Connection, host: str) -> None:
        """Not to be asked."""
        raise NotImplementedError


class NoNames:
    """A resolver that knows nobody."""

    def resolveHostName(self, receiver: Any, host: str, *rest: object) -> None:
        """Nothing is found."""
        receiver.resolutionComplete()


class ServiceEnd:
    """A service's end of one connection over TCP."""

    def __init__(self, sock: MemorySocket, poller: HandPoller, clock: Clock) -> None:
        self.sock = sock
        self._poller = poller
        self._clock = clock

    def say(self, *data: bytes) -> None:
        """Each piece is one read."""
        for piece in data:
            self.sock.peer_sends(piece)
            self._poller.report(self.sock, READ)
            self._clock.advance(0)

    def leave(self) -> None:
        """End the connection."""
        self.sock.peer_ends()
        self._poller.report(self.sock, READ)

    def break_off(self) -> None:
        """Reset the connection."""
        self.sock.peer_breaks()
        self._poller.broken(self.sock)

    @property
    def asked(self) -> bytes:
        """The request."""
        return self.sock.sent

    @property
    def hung_up_on(self) -> bool:
        """Whether our end is closed, and nobody looks at it."""
        return self.sock.closed and not self._poller.watched


class Network:
    """Dials, and the ends of services."""

    def __init__(self, limit: int = 48000, tls: Tls | None = None) -> None:
        self.clock = Clock()
        self.poller = HandPoller()
        self.sockets = Sockets()
        names = Names(cast(Any, NoNames()), self.clock)
        connector = Connector(names, self.poller, self.clock, self.sockets)
        self.dialer = BackendDialer(
            connector,
            self.poller,
            self.clock,
            tls or NoTls(),
            limit,
            Stages(self.clock),
            random=lambda count: bytes(range(count)),
        )
        self.told = Told()

    def dial(self, request: DialRequest = REQUEST) -> Dial:
        """Begin a dial."""
        return self.dialer.dial(request, self.told)

    def accept(self) -> ServiceEnd:
        """The service takes the connection that was asked for."""
        sock = self.asked_for
        self.poller.report(sock, WRITE)
        return ServiceEnd(sock, self.poller, self.clock)

    @property
    def asked_for(self) -> MemorySocket:
        """The connection that was asked for last."""
        self.clock.advance(0)
        return self.sockets.made[-1]

    def refuse(self, problem: int) -> None:
        """The connection cannot be had."""
        self.asked_for.problem = problem
        self.poller.report(self.asked_for, WRITE)
        self.clock.advance(0)

    @property
    def waits(self) -> bool:
        """Whether anything is waited for."""
        return bool(self.poller.watched or self.clock.getDelayedCalls())


def right_answer(*more: tuple[bytes, bytes], key: bytes = KEY) -> bytes:
    """The 101 of a service that says ``more``."""
    return b"HTTP/1.1 101 Switching Protocols\r\n" + head_lines((*right_fields(key), *more)) + b"\r\n"


def right_fields(key: bytes = KEY) -> Headers:
    """What a 101 has to say."""
    accept = b64encode(sha1(key + _MAGIC).digest())
    return ((b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"Sec-WebSocket-Accept", accept))
