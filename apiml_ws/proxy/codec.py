"""Autobahn's protocols as codecs of opening handshakes, on both sides.

A codec never sees a connection.  It is given the head of a request, or of an answer, and says what to write or what is
wrong.  The heads that it gets hold the fields of the handshake itself alone: all others go from one leg to the other
as the bytes that they are, which a library that decodes them cannot promise.  Extensions are the business of
:mod:`apiml_ws.core.extensions`, since Autobahn only speaks of those that it would run itself.

A handshake is over when a codec returns, so that one of Autobahn's protocols does for all of them: what a protocol is
made with, and told of its connection, costs three times what there is to do.

What a codec is shown is always of one of a few forms, and differs in the key, or in what answers it.  What Autobahn made
of a form is remembered, and with a key of the right form it is not asked again.

Autobahn arms its timers on a clock of its own; they are all off, deadlines are kept by who uses a codec.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha1
from typing import Any, Final, TypeVar

from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn.websocket.protocol import WebSocketProtocol
from autobahn.websocket.types import ConnectionRequest
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, ITransport
from zope.interface import implementer

from apiml_ws.core.interfaces import Clock, Headers
from apiml_ws.proxy.heads import head_lines

#: What no field that is judged has in it; a codec that is shown it would decode it, and put it into its complaint.
_INVISIBLE: Final = re.compile(rb"[^\x20-\x7e]")
_ASCII: Final = "ascii"
_END: Final = b"\r\n"
_NOBODY: Final = UNIXAddress(None)
_ACCEPT: Final = b"sec-websocket-accept"
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")
#: Forms that are remembered: peers choose them, so that there may be more.
_FORMS: Final = 64


class HandshakeError(Exception):
    """The other end's handshake is not right; the text says why."""


@implementer(ITransport)
class _Page:
    """Takes what a codec writes, in place of a transport."""

    def __init__(self) -> None:
        self.written = b""

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Keep all of ``data``."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """There is no connection to lose."""

    def getPeer(self) -> IAddress:
        """Nobody is there."""
        return _NOBODY

    def getHost(self) -> IAddress:
        """Nor here."""
        return _NOBODY

    def write(self, data: bytes) -> None:
        """Keep ``data``."""
        self.written += data

    def setTcpNoDelay(self, enabled: bool) -> None:
        """There is no connection to set anything on."""


class _ServerCodec(WebSocketServerProtocol):
    """One answer to one client after the other."""

    chosen: str | None = None
    transport: Any

    def onConnect(self, request: ConnectionRequest) -> str | None:
        """The subprotocol to speak."""
        return self.chosen

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: object = None) -> None:
        """Say why, instead of writing an answer of Autobahn's own."""
        raise HandshakeError(reason)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Write it at once; Autobahn's own says so in words first that nobody reads."""
        self.transport.write(data)


class _ClientCodec(WebSocketClientProtocol):
    """The verdict on one service's answer after the other."""

    websocket_key = b""
    fault: str | None = "incomplete answer"

    def startHandshake(self) -> None:
        """Write nothing: the request was written with the fields as they are."""

    def onOpen(self) -> None:
        """The answer is right."""
        self.fault = None

    def failHandshake(self, reason: str) -> None:
        """Keep why."""
        self.fault = reason


def accept_of(key: bytes) -> bytes:
    """What answers ``key`` (RFC 6455 section 4.2.2)."""
    return b64encode(sha1(key + WebSocketProtocol._WS_MAGIC).digest())  # noqa: S324 - the protocol asks for it


class ServerCodec:
    """Writes the 101 for clients."""

    def __init__(self, clock: Clock) -> None:
        factory = WebSocketServerFactory(reactor=clock, server="")
        factory.setProtocolOptions(versions=[13], webStatus=False, openHandshakeTimeout=0, allowNullOrigin=True)
        self._page = _Page()
        self._codec = _connected(_ServerCodec(), factory, self._page)
        #: What comes before and behind the accept, by what was offered and chosen.
        self._forms: dict[tuple[tuple[str, ...], str | None], tuple[bytes, bytes]] = {}

    def switching(
        self, key: bytes, offered: Iterable[str], chosen: str | None, extensions: str = "", headers: Headers = ()
    ) -> bytes:
        """The 101 for a request with ``key``: ``chosen`` is one of the subprotocols ``offered``, or None.

        ``extensions`` are the agreed ones as they go on the wire; ``headers`` further fields, put in as they are.

        :raises HandshakeError: Autobahn does not take the request.
        """
        offered = tuple(offered)
        form = self._forms.get((offered, chosen))
        if form is None or not _KEY.fullmatch(key):
            form = self._asked(key, offered, chosen)
        if extensions:
            headers = (*headers, (b"Sec-WebSocket-Extensions", extensions.encode(_ASCII)))
        return form[0] + accept_of(key) + form[1] + head_lines(headers) + _END

    def _asked(self, key: bytes, offered: tuple[str, ...], chosen: str | None) -> tuple[bytes, bytes]:
        """The form of Autobahn's answer, which has to be the one to ``key``."""
        self._page.written = b""
        self._codec.chosen = chosen
        _begin_anew(self._codec, _request(key, ",".join(offered)))
        before, accept, behind = self._page.written[: -len(_END)].partition(accept_of(key))
        if not accept:
            raise HandshakeError("there is no answer")
        _remember(self._forms, (offered, chosen), (before, behind))
        return before, behind


class ClientCodec:
    """Judges the 101 of services."""

    def __init__(self, clock: Clock) -> None:
        factory = WebSocketClientFactory(reactor=clock)
        factory.setProtocolOptions(openHandshakeTimeout=0)
        self._codec = _connected(_ClientCodec(), factory, _Page())
        #: What was right beside an accept that was.
        self._forms: dict[Headers, None] = {}

    def judge(self, key: bytes, headers: Headers) -> None:
        """Check that ``headers`` of a 101 answer the request that had ``key`` (RFC 6455 section 4.1).

        :raises HandshakeError: they do not.
        """
        judged = _judged(headers)
        accepts = [value for name, value in judged if name == _ACCEPT]
        form = tuple(header for header in judged if header[0] != _ACCEPT)
        if accepts != [accept_of(key)] or form not in self._forms:
            self._ask(key, judged)
            _remember(self._forms, form, None)

    def _ask(self, key: bytes, judged: Headers) -> None:
        codec = self._codec
        codec.fault, codec.websocket_key = "incomplete answer", key
        _begin_anew(codec, b"HTTP/1.1 101 Switching Protocols\r\n" + head_lines(judged) + _END)
        if codec.fault is not None:
            raise HandshakeError(codec.fault)


_Form = TypeVar("_Form")
_Answer = TypeVar("_Answer")


def _remember(forms: dict[_Form, _Answer], form: _Form, answer: _Answer) -> None:
    """Keep ``answer``, and begin anew when there are too many."""
    if len(forms) >= _FORMS:
        forms.clear()
    forms[form] = answer


_Codec = TypeVar("_Codec", _ServerCodec, _ClientCodec)


def _connected(codec: _Codec, factory: Any, page: _Page) -> _Codec:
    codec.factory = factory
    codec.makeConnection(page)
    return codec


def _begin_anew(codec: _ServerCodec | _ClientCodec, head: bytes) -> None:
    """Have ``codec`` judge ``head`` as if it had just been connected."""
    codec.state = WebSocketProtocol.STATE_CONNECTING
    codec.is_open = Deferred()
    codec.data = head
    codec.processHandshake()


def _request(key: bytes, offered: str) -> bytes:
    lines = [
        b"GET / HTTP/1.1",
        b"Host: gateway",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: " + key,
    ]
    if offered:
        lines.append(b"Sec-WebSocket-Protocol: " + offered.encode(_ASCII))
    return _END.join([*lines, b"", b""])


_JUDGED: Final = frozenset({b"upgrade", b"connection", _ACCEPT})


def _judged(headers: Headers) -> Headers:
    """Those of ``headers`` that are judged, with names in lower case."""
    judged = ((name.lower(), value) for name, value in headers)
    return tuple((name, _INVISIBLE.sub(b"?", value)) for name, value in judged if name in _JUDGED)
