"""Connections to the sample service in memory: of HTTP as it stands on the wire, and of a WebSocket client."""

from __future__ import annotations

from base64 import b64encode

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.test.iosim import FakeTransport
from twisted.web.server import Site

CLIENT = IPv4Address("TCP", "127.0.0.1", 51234)


def basic(credentials: str) -> str:
    """The value of ``Authorization``."""
    return f"Basic {b64encode(credentials.encode()).decode()}"


class Link:
    """Two transports, and what carries bytes between them."""

    def __init__(self, site: Site, client: Protocol) -> None:
        service = site.buildProtocol(CLIENT)
        self.service = FakeTransport(service, isServer=True, peerAddress=CLIENT)
        self.client = FakeTransport(client, isServer=False)
        assert service is not None
        service.makeConnection(self.service)
        client.makeConnection(self.client)
        self.flush()

    def flush(self) -> None:
        """Carry until nothing moves any more."""
        while any([self._carry(self.client, self.service), self._carry(self.service, self.client)]):
            pass

    def _carry(self, source: FakeTransport, target: FakeTransport) -> bool:
        data = source.getOutBuffer()
        if data and not target.disconnected:
            target.bufferReceived(data)
            return True
        if source.disconnecting and not source.disconnected:
            source.disconnected = target.disconnected = True
            source.reportDisconnect()
            target.reportDisconnect()
        return False


class Collector(Protocol):
    """A client that says something once and keeps what comes."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.received = b""

    def connectionMade(self) -> None:
        """Say it."""
        assert self.transport is not None
        self.transport.write(self.request)

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.received += data


class Caller(WebSocketClientProtocol):
    """A WebSocket client that keeps what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[bytes, bool]] = []
        self.closed: tuple[int | None, str | None] | None = None
        self.subprotocol: str | None = None

    def onConnect(self, response: object) -> None:
        """What was agreed."""
        self.subprotocol = getattr(response, "protocol", None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Keep a message."""
        self.messages.append((payload, isBinary))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Keep how it ended, as the peer said."""
        self.closed = (self.remoteCloseCode, self.remoteCloseReason)


def caller(
    clock: Clock,
    path: str,
    credentials: str = "user:pass",
    headers: dict[str, str | list[str]] | None = None,
    protocols: list[str] | None = None,
) -> Caller:
    """A client of ``/discoverableclient/ws/<path>``, not connected yet."""
    factory = WebSocketClientFactory(
        f"ws://localhost:10012/discoverableclient/ws/{path}",
        headers={"Authorization": basic(credentials), **(headers or {})},
        protocols=protocols,
        reactor=clock,
    )
    client = Caller()
    client.factory = factory
    return client
