"""The HTTP server below the gateway's resources: twisted.web's, made stricter and told when to let go.

A connection has 60 s from accept, TLS included, until its request is there.  A head may have as many bytes in as few
lines as the operator allows.  Whatever is wrong is answered once, and then the connection ends in a way that lets the
answer arrive: nothing more is sent, what still comes is thrown away, and the client closes first or is cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from apiml_ws.core.interfaces import Headers
from apiml_ws.core.lobby import Lobby
from apiml_ws.core.routing import origin_form
from apiml_ws.proxy.answers import for_fault
from apiml_ws.proxy.upgrade import Fault, wants_websocket

#: Seconds for a handshake from accept, and for a next request on a connection that was kept.
HANDSHAKE_TIMEOUT: Final = 60.0
#: No resource of the gateway takes more.
BODY_LIMIT: Final = 65536


class GatewayRequest(Request):
    """A request that knows its header fields as they stood on the wire."""

    _log = Logger()
    channel: GatewayChannel

    def __init__(self, channel: GatewayChannel, *args: Any, **kw: Any) -> None:
        super().__init__(channel, *args, **kw)
        self.fields: Headers = ()
        self.authority: bytes | None = None

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Keep apart what a target in absolute form says of the host (RFC 9112 section 3.2.2)."""
        target = origin_form(path)
        if not target.startswith(b"/"):
            self.channel.refuse(Fault(400, "the request target must be a path"))
            return
        if target != path:
            self.authority = path.partition(b"//")[2].partition(b"/")[0].partition(b"?")[0]
        super().requestReceived(command, target, version)

    def render(self, resrc: IResource) -> None:
        """Answer without saying what software that is."""
        self.responseHeaders.removeHeader(b"server")
        super().render(resrc)

    def write(self, data: bytes) -> None:
        """After an error the connection is not kept, and an answer says so."""
        if not self.startedWriting and self.channel is not None:
            if self.code >= 400:
                self.channel.persistent = False
            if not self.channel.persistent:
                self._say_close()
        super().write(data)

    def _say_close(self) -> None:
        upgrade = [b"Upgrade"] if self.responseHeaders.hasHeader(b"upgrade") else []
        self.responseHeaders.setRawHeaders(b"connection", [b", ".join([*upgrade, b"close"])])

    def processingFailed(self, reason: Failure) -> None:
        """A resource failed; the client may be gone by now."""
        self._log.failure("A request could not be answered.", reason)
        if self.channel is not None:
            self.channel.refuse(Fault(500))


class GatewayChannel(http.HTTPChannel):
    """One client's connection as long as it speaks HTTP."""

    site: GatewaySite
    transport: Any
    timeOut = None

    def __init__(self) -> None:
        super().__init__()
        #: Seconds of its time that the client took before the connection came here.
        self.spent = 0.0
        self._deadline: IDelayedCall | None = None
        self._head_size = 0
        self._deaf = False
        self._upgrading = False

    def connectionMade(self) -> None:
        """The client has its time from now."""
        self.MAX_LENGTH = self.totalHeadersSize = self.site.header_limit
        super().connectionMade()
        self._await_request(self.spent)

    def dataReceived(self, data: bytes) -> None:
        """Read, unless all was said."""
        if not self._deaf:
            super().dataReceived(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        """A single line is longer than a head may be."""
        self.refuse(Fault(431, "the head is too long"))

    def lineReceived(self, line: bytes) -> None:
        """A line of a head; folded ones are no longer allowed (RFC 9112 section 5.2)."""
        self._head_size += len(line) + len(self.delimiter)
        if self._head_size > self.site.header_limit:
            self.refuse(Fault(431, "the head is too long"))
        elif line.startswith((b" ", b"\t")):
            self.refuse(Fault(400, "folded line"))
        else:
            super().lineReceived(line)

    def headerReceived(self, line: bytes) -> bool:
        """Keep the field as it is beside what Twisted makes of it."""
        if not super().headerReceived(line):
            return False
        name, _, value = line.partition(b":")
        request = self.requests[-1]
        request.fields = (*request.fields, (name, value.strip(b" \t")))
        return True

    def allHeadersReceived(self) -> None:
        """Refuse bodies that nobody would read before they come."""
        fault = self._body_fault(self.requests[-1].fields)
        if fault is None:
            super().allHeadersReceived()
        else:
            self.refuse(fault)

    def _body_fault(self, fields: Headers) -> Fault | None:
        if self.length == 0:
            return None
        if wants_websocket(fields):
            return Fault(400, "a handshake has no body")
        if self.length is None:
            return Fault(411, "a body needs Content-Length")
        return Fault(413, "the body is too long") if self.length > BODY_LIMIT else None

    def rawDataReceived(self, data: bytes) -> None:
        """A body, or what comes before the answer: behind a handshake that is a breach (RFC 6455 section 4.1)."""
        if self._upgrading:
            self.refuse(Fault(400, "bytes before the handshake was answered"))
        else:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        """The request is there."""
        self._head_size = 0
        self._stop_clock()
        self.site.lobby.serve(self)
        if wants_websocket(self.requests[-1].fields):
            self._upgrading = True
            self.persistent = False
        super().allContentReceived()

    def requestDone(self, request: Request) -> None:
        """An answer was written: on to the next request, or to the end."""
        self._upgrading = False
        self._await_request()
        super().requestDone(request)

    def refuse(self, fault: Fault) -> None:
        """Answer what cannot go on as a request, once, and part."""
        if self._deaf:
            return
        pending, self.requests = self.requests, []
        self._upgrading = False
        self._deaf = True
        self.clearLineBuffer()
        for request in pending:
            request.connectionLost(Failure(ConnectionDone()))
        if not any(request.startedWriting for request in pending):
            self.transport.write(for_fault(fault).whole())
        self.loseConnection()

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(Fault(400, "malformed"))

    def loseConnection(self) -> None:
        """Say that this was all, and discard what still comes until the client closes or ``abortTimeout`` is over.

        To close at once while there is input would reset the connection, and the answer might be lost with it.
        """
        self._deaf = True
        self._await(self.abortTimeout, self.transport.abortConnection)
        self.transport.unregisterProducer()
        self.transport.resumeProducing()
        if isinstance(self.transport, TLSMemoryBIOProtocol) or not hasattr(self.transport, "loseWriteConnection"):
            self.transport.loseConnection()
        else:
            self.transport.loseWriteConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client is gone."""
        self._stop_clock()
        self.site.lobby.leave(self)
        super().connectionLost(reason)

    def turn_out(self) -> None:
        """See :class:`~apiml_ws.core.lobby.Guest`."""
        self.transport.abortConnection()

    def forget(self) -> None:
        """The connection was handed over: be nothing any more."""
        self._stop_clock()
        self.site.lobby.leave(self)
        self._deaf = True
        self.requests = []
        self.transport = None

    def admitted(self) -> None:
        """The client has a place now, and needs no seat."""
        self.site.lobby.leave(self)

    def await_hand_over(self) -> None:
        """All was said in HTTP: what keeps the connection from being handed over is that the client does not read."""
        self._start_clock(self.site.handshake_timeout, self.transport.abortConnection)

    def _await_request(self, spent: float = 0.0) -> None:
        self._await(max(self.site.handshake_timeout - spent, 0), self._too_late)

    def _await(self, seconds: float, otherwise: Callable[[], object]) -> None:
        """The client has ``seconds`` for what is expected of it, and a seat."""
        self._start_clock(seconds, otherwise)
        self.site.lobby.wait(self)

    def _start_clock(self, seconds: float, otherwise: Callable[[], object]) -> None:
        self._stop_clock()
        self._deadline = self.callLater(seconds, otherwise)

    def _stop_clock(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None and deadline.active():
            deadline.cancel()

    def _too_late(self) -> None:
        if self._head_size:
            self.refuse(Fault(408, "the request took too long"))
        else:
            self.loseConnection()


class GatewaySite(Site):
    """Serves HTTP/1.1 below ``resource``, heads of ``header_limit`` bytes at most, and keeps no access log.

    Connections have a seat in ``lobby`` until they have a place for a session.
    """

    noisy = False
    protocol = GatewayChannel  # type: ignore[assignment]  # Twisted's own choice negotiates HTTP/2 as well

    def __init__(
        self,
        resource: IResource,
        reactor: IReactorTime,
        header_limit: int,
        lobby: Lobby,
        handshake_timeout: float = HANDSHAKE_TIMEOUT,
    ) -> None:
        super().__init__(resource, requestFactory=GatewayRequest, reactor=reactor)
        self.timeOut = None
        self.header_limit = header_limit
        self.lobby = lobby
        self.handshake_timeout = handshake_timeout

    def startFactory(self) -> None:
        """There is no log to open, and no clock to keep for it."""

    def stopFactory(self) -> None:
        """There is no log to close."""

    def log(self, request: http.Request) -> None:
        """Requests are not logged: each session is, when it ends."""

    def acceptableProtocols(self) -> list[bytes]:
        """HTTP/1.1 alone: a WebSocket over HTTP/2 would need RFC 8441."""
        return [b"http/1.1"]
