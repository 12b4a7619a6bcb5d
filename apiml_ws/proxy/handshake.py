"""The opening handshake with one service, once it is connected: TLS, the request, the answer.

The request goes out with its fields as they are, and nothing of it before the certificate was judged.  What a service
says before it is known to speak HTTP is no answer, and another instance may be asked; what it says in HTTP is final.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from OpenSSL.SSL import Connection
from OpenSSL.SSL import Error as TlsError
from twisted.internet import protocol
from twisted.internet.interfaces import IHandshakeListener, IOpenSSLClientConnectionCreator
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from apiml_ws.core.extensions import InvalidExtensionsError, answered
from apiml_ws.core.headers import values
from apiml_ws.core.interfaces import DialFailure, DialFault, DialRequest, Headers, HttpAnswer
from apiml_ws.core.registry import Instance
from apiml_ws.proxy.codec import ClientCodec, HandshakeError
from apiml_ws.proxy.faults import fault_of
from apiml_ws.proxy.handover import HandOver, Pending
from apiml_ws.proxy.heads import SWITCHING, BodyReader, Head, HeadError, HeadReader, head_lines
from apiml_ws.proxy.leg import Leg
from apiml_ws.proxy.wire import Wire

_KEY_SIZE: Final = 16
_PORTS: Final = {False: 80, True: 443}


class Tls(Protocol):
    """What is asked of :class:`apiml_ws.proxy.tls.ClientTls`."""

    def creator_for(self, host: str) -> IOpenSSLClientConnectionCreator:
        """What makes connections to ``host``."""

    def verify(self, connection: Connection, host: str) -> None:
        """Judge the host name once the handshake is done.

        :raises OpenSSL.SSL.Error: the certificate is not for ``host``.
        """


@dataclass(frozen=True, slots=True)
class Means:
    """What all handshakes share; see :class:`apiml_ws.proxy.backend.BackendDialer`."""

    reactor: Any
    tls: Tls
    max_header_size: int
    random: Callable[[int], bytes]
    hand_over: HandOver
    codec: ClientCodec


class Outcome(Protocol):
    """Hears how a handshake ended; more than once it may, and only the first counts."""

    def opened(self, leg: Leg) -> None:
        """The answer was right and the connection left Twisted."""

    def failed(self, failure: DialFailure) -> None:
        """There will be no leg."""


@implementer(IHandshakeListener)
class Talk(protocol.Protocol):
    """The handshake with one service, for one ``outcome``.

    What comes goes to the reader of the moment: of the head, then either of a body or of what is early.
    """

    transport: Any

    def __init__(self, outcome: Outcome, means: Means, request: DialRequest) -> None:
        self._outcome = outcome
        self._means = means
        self._request = request
        self._key = b64encode(means.random(_KEY_SIZE))
        self._head = HeadReader(means.max_header_size)
        self._read: Callable[[bytes], None] = self._read_head
        self._answer: tuple[Head, BodyReader] | None = None
        self._agreed: _Agreement | None = None
        self._early = b""
        self._pending: Pending | None = None

    def connectionMade(self) -> None:
        """Ask, if there is no TLS to be spoken first."""
        if not self._request.instance.secure:
            self._ask()

    def handshakeCompleted(self) -> None:
        """Ask, if the service is who it should be."""
        try:
            self._means.tls.verify(self.transport.getHandle(), self._request.instance.host)
        except TlsError as error:
            self._outcome.failed(DialFailure(DialFault.TLS, detail=str(error)))
        else:
            self._ask()

    def dataReceived(self, data: bytes) -> None:
        """Read on."""
        self._read(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The service went away; after a head that may be the way to end a body."""
        self.transport = None
        self._outcome.failed(self._http_answer() or self._failure(fault_of(reason.value), reason.getErrorMessage()))

    def at_deadline(self) -> DialFailure:
        """What is known when time is over."""
        return self._http_answer() or self._failure(DialFault.TIMEOUT, "no answer in time")

    def hang_up(self) -> None:
        """End the connection, if there is one and it is still Twisted's."""
        self._read = _ignore
        if self._pending is not None:
            self._pending.cancel()
        if self.transport is not None:
            self.transport.abortConnection()

    def _ask(self) -> None:
        self.transport.write(request_head(self._request, self._key))

    def _read_head(self, data: bytes) -> None:
        try:
            head = self._head.feed(data)
            if head is None:
                return
            if head.status == SWITCHING:
                self._switch(head)
            else:
                self._read_answer(head)
        except (HeadError, HandshakeError, InvalidExtensionsError) as error:
            self._outcome.failed(self._failure(DialFault.BAD_HANDSHAKE, str(error)))

    def _switch(self, head: Head) -> None:
        self._means.codec.judge(self._key, head.headers)
        self._agreed = agreement(self._request, head.headers)
        self._read = self._keep
        self._keep(self._head.rest)
        self._pending = self._means.hand_over(self.transport, self._taken)

    def _read_answer(self, head: Head) -> None:
        self._answer = (head, BodyReader(head))
        self._read = self._read_body
        self._read_body(self._head.rest)

    def _read_body(self, data: bytes) -> None:
        assert self._answer is not None, "a body without a head"
        if self._answer[1].feed(data):
            self._outcome.failed(_final(*self._answer))

    def _keep(self, data: bytes) -> None:
        """What comes between the head and the hand-over."""
        self._early += data

    def _taken(self, wire: Wire) -> None:
        assert self._agreed is not None, "handed over without a handshake"
        self.transport = self._pending = None
        agreed = self._agreed
        self._outcome.opened(Leg(wire, self._early, agreed.extensions, agreed.subprotocol, agreed.headers))

    def _http_answer(self) -> DialFailure | None:
        return None if self._answer is None else _final(*self._answer)

    def _failure(self, fault: DialFault, detail: str) -> DialFailure:
        return DialFailure(fault, final=self._head.answered, detail=detail)


@dataclass(frozen=True, slots=True)
class _Agreement:
    """What a 101 says."""

    extensions: str
    subprotocol: str | None
    headers: Headers


def agreement(request: DialRequest, headers: Headers) -> _Agreement:
    """What the ``headers`` of a 101 agree to of what ``request`` offered.

    :raises HandshakeError: a subprotocol that was not offered.
    :raises InvalidExtensionsError: an extension that was not offered so.
    """
    chosen = [value.decode("latin-1") for value in values(headers, b"sec-websocket-protocol")]
    if len(chosen) > 1 or not set(chosen) <= set(request.subprotocols):
        raise HandshakeError(f"a subprotocol that was not offered: {chosen!r}")
    said = b", ".join(values(headers, b"sec-websocket-extensions")).decode("latin-1")
    agreed = answered(said, request.extensions)
    return _Agreement("" if agreed is None else agreed.spelling, chosen[0] if chosen else None, headers)


def _final(head: Head, reader: BodyReader) -> DialFailure:
    answer = HttpAnswer(head.status, head.reason, head.headers, reader.body)
    return DialFailure(DialFault.HTTP, final=True, answer=answer, detail=f"HTTP {head.status}")


def _ignore(data: bytes) -> None:
    """What comes after the end is nobody's."""


def request_head(request: DialRequest, key: bytes) -> bytes:
    """The request of a handshake (RFC 6455 section 4.1): its own fields, then ``request.headers`` as they are."""
    own: Headers = (
        (b"Host", authority(request.instance)),
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Key", key),
        (b"Sec-WebSocket-Version", b"13"),
        (b"Sec-WebSocket-Protocol", ", ".join(request.subprotocols).encode("latin-1")),
        (b"Sec-WebSocket-Extensions", ", ".join(request.extensions).encode("latin-1")),
    )
    present = tuple(field for field in own if field[1])
    return b"GET %s HTTP/1.1\r\n" % request.resource + head_lines((*present, *request.headers)) + b"\r\n"


def authority(instance: Instance) -> bytes:
    """The value of Host; the port only where it is not the scheme's own (RFC 6455 section 4.1, step 4)."""
    host = instance.host if instance.host.isascii() else instance.host.encode("idna").decode("ascii")
    shown = f"[{host}]" if ":" in host else host
    return (shown if instance.port == _PORTS[instance.secure] else f"{shown}:{instance.port}").encode("ascii")
