"""Handshakes without sockets: a client of the gateway's site, sessions that remember, wires that keep what is written.

gateway = Gateway(Config(...), snapshot)
client = gateway.connect()
client.send(handshake(b"/x/ws/v1/y"))
gateway.hand_over.complete()
client.answer, gateway.sessions.started
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import IResource

from apiml_ws.core.config import Config, TlsConfig
from apiml_ws.core.dialing import DialOutcome
from apiml_ws.core.directory import Directory
from apiml_ws.core.interfaces import Headers, OpenLeg, ServiceLeg
from apiml_ws.core.lobby import Lobby
from apiml_ws.core.opening import Opening
from apiml_ws.core.places import Places
from apiml_ws.core.registry import Instance, Snapshot
from apiml_ws.core.stages import Stages
from apiml_ws.proxy.channel import GatewayChannel, GatewaySite
from apiml_ws.proxy.gateway import GatewayResource
from apiml_ws.proxy.heads import Head, HeadReader
from apiml_ws.proxy.wire import Wire, WireLost

#: The key of RFC 6455 section 1.3, and what answers it.
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
PLAIN = Config(tls=TlsConfig(enabled=False))


class MemoryWire:
    """Keeps what is written; ``broken`` makes it lose the connection at the first write."""

    def __init__(self, broken: bool = False) -> None:
        self.written = b""
        self.broken = broken
        self.closed = False

    def send(self, data: bytes | memoryview) -> None:
        """Keep ``data``."""
        if self.broken:
            raise WireLost("gone")
        self.written += bytes(data)

    def close(self) -> None:
        """Remember that."""
        self.closed = True


class HandOvers:
    """Hands over when it is told to; ``broken`` gives wires that are lost; with ``fails`` there is an error of ours."""

    def __init__(self) -> None:
        self.wires: list[MemoryWire] = []
        self.transports: list[Any] = []
        self.broken = False
        self.fails = False
        self._pending: list[_PendingHandOver] = []

    def __call__(self, transport: Any, taken: Callable[[Wire], None]) -> _PendingHandOver:
        if self.fails:
            raise RuntimeError("failed on purpose")
        pending = _PendingHandOver(taken)
        self.transports.append(transport)
        self._pending.append(pending)
        return pending

    @property
    def pending(self) -> int:
        """How many wait."""
        return len([each for each in self._pending if not each.cancelled])

    def complete(self) -> MemoryWire | None:
        """Give the first that waits its wire; None if there is none."""
        pending = self._pending.pop(0)
        if pending.cancelled:
            return None
        wire = MemoryWire(self.broken)
        self.wires.append(wire)
        pending.taken(cast(Wire, wire))
        return wire


@dataclass
class _PendingHandOver:
    taken: Callable[[Wire], None]
    cancelled: bool = False

    def cancel(self) -> None:
        """Forget it."""
        self.cancelled = True


@dataclass
class MemorySearch:
    """A search that finds what the test says."""

    opening: Opening
    outcome: DialOutcome
    cancelled: bool = False

    def cancel(self) -> None:
        """Remember that."""
        self.cancelled = True


class MemorySessions:
    """Remembers what was begun."""

    def __init__(self) -> None:
        self.accepting = True
        self.started: list[tuple[Opening, OpenLeg, tuple[ServiceLeg, Instance] | None]] = []
        self.searches: list[MemorySearch] = []

    def dial(self, opening: Opening, outcome: DialOutcome) -> MemorySearch:
        """A search that does nothing."""
        self.searches.append(MemorySearch(opening, outcome))
        return self.searches[-1]

    def start(self, opening: Opening, client: OpenLeg, service: tuple[ServiceLeg, Instance] | None = None) -> None:
        """Keep it."""
        self.started.append((opening, client, service))


class ClientTransport(StringTransport):
    """TCP as a channel sees it."""

    def __init__(self) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", "127.0.0.1", 51234), lenient=True)
        self.half_closed = False

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Nothing is sent late."""

    def loseWriteConnection(self) -> None:
        """FIN, after what was written."""
        self.half_closed = True


class Client:
    """A client's connection to a site."""

    def __init__(self, site: GatewaySite) -> None:
        self.transport = ClientTransport()
        self.channel = cast(GatewayChannel, site.buildProtocol(self.transport.getPeer()))
        self.channel.makeConnection(self.transport)

    def send(self, *data: bytes) -> Client:
        """Deliver each piece as one read."""
        for piece in data:
            self.channel.dataReceived(piece)
        return self

    def leave(self) -> None:
        """End the connection from the client's side."""
        self.channel.connectionLost(Failure(ConnectionDone()))

    @property
    def answers(self) -> list[tuple[Head, bytes]]:
        """All answers that were written, with their bodies."""
        found, rest = [], self.transport.value()
        while rest:
            reader = HeadReader(len(rest))
            head = reader.feed(rest)
            assert head is not None, rest
            length = int(value(head.headers, b"content-length") or len(reader.rest))
            found.append((head, reader.rest[:length]))
            rest = reader.rest[length:]
        return found

    @property
    def answer(self) -> tuple[Head, bytes]:
        """The only answer that was written."""
        (only,) = self.answers
        return only

    @property
    def status(self) -> int:
        """That of the only answer."""
        return self.answer[0].status


@dataclass
class Gateway:
    """The gateway's site over doubles."""

    config: Config = PLAIN
    snapshot: Snapshot | None = None
    actuator: IResource | None = None
    notices: IResource | None = None
    limit: int = 48000
    clock: Clock = field(default_factory=Clock)
    sessions: MemorySessions = field(default_factory=MemorySessions)
    hand_over: HandOvers = field(default_factory=HandOvers)
    seats: int = 1000
    most: int = 1000

    def __post_init__(self) -> None:
        directory = Directory(["test"], self.clock.seconds)
        if self.snapshot is not None:
            directory.update("test", self.snapshot)
        self.places = Places(self.most, lambda: len(self.sessions.started))
        self.lobby = Lobby(self.seats, "gateway", self.clock.seconds)
        self.root = GatewayResource(
            self.config,
            directory,
            self.sessions,
            self.places,
            Stages(self.clock),
            cast(Any, self.clock),
            self.actuator,
            self.notices,
            random=lambda count: bytes(range(count)),
            hand_over=self.hand_over,
        )
        self.site = GatewaySite(self.root, cast(Any, self.clock), self.limit, self.lobby)

    def connect(self) -> Client:
        """A new client."""
        return Client(self.site)

    @property
    def entered(self) -> int:
        """How many came in, or are about to."""
        return self.hand_over.pending

    def ask(self, request: bytes) -> Client:
        """A new client that sends ``request``."""
        return self.connect().send(request)


#: A handshake's own fields, as a client sends them.
FIELDS: Headers = (
    (b"Host", b"gateway:10010"),
    (b"Upgrade", b"websocket"),
    (b"Connection", b"keep-alive, Upgrade"),
    (b"Sec-WebSocket-Key", KEY),
    (b"Sec-WebSocket-Version", b"13"),
)


def fields(*more: tuple[bytes, bytes], without: bytes = b"") -> Headers:
    """:data:`FIELDS` but the one called ``without``, and ``more``."""
    return (*(each for each in FIELDS if each[0] != without), *more)


def request(resource: bytes, headers: Headers, method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> bytes:
    """A request without a body."""
    lines = [b"%s %s %s" % (method, resource, version), *(b"%s: %s" % each for each in headers), b"", b""]
    return b"\r\n".join(lines)


def handshake(resource: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """A right handshake with further fields."""
    return request(resource, fields(*more))


def value(headers: Headers, name: bytes) -> bytes | None:
    """The only value of ``name``, or None."""
    found = [each for field_name, each in headers if field_name.lower() == name]
    assert len(found) < 2, found
    return found[0] if found else None
