"""The opening handshake with one service, once it is connected: TLS, the request, the answer.

The request goes out with its fields as they are, and nothing of it before the certificate was judged.  What a service
says before it is known to speak HTTP is no answer, and another instance may be asked; what it says in HTTP is final.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from OpenSSL.SSL import Connection
from OpenSSL.SSL import Error as TlsError

from apiml_ws.core.extensions import InvalidExtensionsError, answered
from apiml_ws.core.headers import values
from apiml_ws.core.interfaces import Clock, DialFailure, DialFault, DialRequest, Headers, HttpAnswer
from apiml_ws.core.registry import Instance
from apiml_ws.core.stages import Stages
from apiml_ws.proxy.codec import ClientCodec, HandshakeError
from apiml_ws.proxy.connecting import Connector
from apiml_ws.proxy.faults import fault_of
from apiml_ws.proxy.heads import SWITCHING, BodyReader, Head, HeadError, HeadReader, head_lines
from apiml_ws.proxy.leg import Leg
from apiml_ws.proxy.poller import READ, WRITE, Poller
from apiml_ws.proxy.wire import TlsWire, Wire, WireLost

_KEY_SIZE: Final = 16
_PORTS: Final = {False: 80, True: 443}
#: Bytes of an answer that are read at once.
_READ: Final = 65536


class Tls(Protocol):
    """What is asked of :class:`apiml_ws.proxy.tls.ClientTls`."""

    def to_service(self, host: str, port: int) -> Connection:
        """A connection to the service there, that begins a handshake or goes on with a session of TLS."""

    def keep(self, connection: Connection, host: str, port: int) -> None:
        """The service there was verified, and answered."""

    def distrust(self, host: str, port: int) -> None:
        """A handshake of TLS with the service there failed."""

    def verify(self, connection: Connection, host: str) -> None:
        """Judge the host name once the handshake is done.

        :raises OpenSSL.SSL.Error: the certificate is not for ``host``.
        """


class Means:
    """What all handshakes share; see :class:`apiml_ws.proxy.backend.BackendDialer`."""

    def __init__(
        self,
        connector: Connector,
        poller: Poller,
        clock: Clock,
        tls: Tls,
        max_header_size: int,
        random: Callable[[int], bytes],
        stages: Stages,
    ) -> None:
        self.stages = stages
        self.connector = connector
        self.poller = poller
        self.clock = clock
        self.tls = tls
        self.max_header_size = max_header_size
        self.random = random
        self.codec = ClientCodec(clock)
        self.room = memoryview(bytearray(_READ))


class Outcome(Protocol):
    """Hears how a handshake ended; more than once it may, and only the first counts."""

    def opened(self, leg: Leg) -> None:
        """The answer was right; the connection is the leg's."""

    def failed(self, failure: DialFailure) -> None:
        """There will be no leg."""


class Talk:
    """The handshake with one service over ``wire``, for one ``outcome``.

    What comes goes to the reader of the moment: of the TLS handshake, of the head, then of a body.
    """

    __slots__ = (
        "_answer",
        "_descriptor",
        "_head",
        "_key",
        "_leg",
        "_means",
        "_outcome",
        "_read",
        "_request",
        "_switched",
        "_watched",
        "_wire",
    )

    def __init__(self, outcome: Outcome, means: Means, request: DialRequest, wire: Wire) -> None:
        self._outcome = outcome
        self._means = means
        self._request = request
        self._wire = wire
        self._descriptor = wire.fileno()
        self._watched = 0
        self._key = b64encode(means.random(_KEY_SIZE))
        self._head = HeadReader(means.max_header_size)
        self._answer: tuple[Head, BodyReader] | None = None
        self._switched: Head | None = None
        self._leg: Leg | None = None
        self._read: Callable[[Talk], None] = Talk._read_head

    def begin(self) -> None:
        """Ask, or speak TLS first."""
        if isinstance(self._wire, TlsWire):
            self._read = Talk._shake
        self._go_on(Talk._shake if isinstance(self._wire, TlsWire) else Talk._ask)

    def ready(self, events: int) -> None:
        """See :class:`~apiml_ws.proxy.poller.Ready`."""
        self._go_on(self._read, flush=bool(events & WRITE))

    def crashed(self) -> None:
        """See :class:`~apiml_ws.proxy.poller.Ready`."""
        self._outcome.failed(self._failure(DialFault.CONNECTION_LOST, "internal error"))

    def _go_on(self, step: Callable[[Talk], None], flush: bool = False) -> None:
        try:
            if flush:
                self._wire.flush()
            step(self)
            self._watch()
        except (HeadError, HandshakeError, InvalidExtensionsError) as error:
            self._outcome.failed(self._failure(DialFault.BAD_HANDSHAKE, str(error)))
        except TlsError as error:
            self._means.tls.distrust(self._request.instance.host, self._request.instance.port)
            self._outcome.failed(DialFailure(DialFault.TLS, detail=str(error)))
        except WireLost as error:
            self._lost(error)

    def _lost(self, error: WireLost) -> None:
        """The service went away; after a head that may be the way to end a body."""
        self._outcome.failed(self._http_answer() or self._failure(fault_of(error), str(error)))

    def _watch(self) -> None:
        """Wait for the service, and for room for what is still to be said."""
        events = (READ | WRITE) if self._wire.pending else READ
        if self._descriptor < 0 or self._switched is not None or events == self._watched:
            return
        if self._watched:
            self._means.poller.modify(self._descriptor, events)
        else:
            self._means.poller.add(self._descriptor, events, self)
        self._watched = events

    def _watch_no_more(self) -> None:
        if self._watched:
            self._watched = 0
            self._means.poller.remove(self._descriptor)

    def at_deadline(self) -> DialFailure:
        """What is known when time is over."""
        return self._http_answer() or self._failure(DialFault.TIMEOUT, "no answer in time")

    def hang_up(self) -> None:
        """End the connection."""
        if self._descriptor >= 0:
            self._watch_no_more()
            self._descriptor = -1
            self._wire.close()

    def _shake(self) -> None:
        """TLS first; then ask, if the service is who it should be."""
        wire = self._wire
        if isinstance(wire, TlsWire) and wire.shake(more=True):
            self._means.tls.verify(wire.connection, self._request.instance.host)
            self._read = Talk._read_head
            self._ask()

    def _ask(self) -> None:
        self._wire.send(request_head(self._request, self._key))

    def _received(self) -> bytes:
        """What there is; nothing is no end.

        :raises WireLost: at the end of the stream too.
        """
        room = self._means.room
        count = self._wire.receive_into(room)
        if count == 0:
            raise WireLost("the service closed the connection")
        return bytes(room[: count or 0])

    def _read_head(self) -> None:
        while data := self._received():
            head = self._head.feed(data)
            if head is None:
                continue
            if head.status == SWITCHING:
                self._watch_no_more()
                self._switched = head
                self._means.stages.put(Talk.judge, self)
            else:
                self._read_answer(head)
            return

    def judge(self) -> None:
        """A 101 came: is it right?"""
        if self._descriptor >= 0:
            self._go_on(Talk._judge)

    def _judge(self) -> None:
        assert self._switched is not None, "no 101"
        headers = self._switched.headers
        self._means.codec.judge(self._key, headers)
        agreed = agreement(self._request, headers)
        self._leg = Leg(self._wire, self._head.rest, agreed.extensions, agreed.subprotocol, agreed.headers)
        self._means.stages.put(Talk.open, self)

    def open(self) -> None:
        """It is: there is a leg."""
        if self._descriptor >= 0 and self._leg is not None:
            self._descriptor = -1
            if isinstance(self._wire, TlsWire):
                instance = self._request.instance
                self._means.tls.keep(self._wire.connection, instance.host, instance.port)
            self._outcome.opened(self._leg)

    def _read_answer(self, head: Head) -> None:
        self._answer = (head, BodyReader(head))
        self._read = Talk._read_body
        if self._answer[1].feed(self._head.rest):
            self._outcome.failed(_final(*self._answer))
        else:
            self._read_body()

    def _read_body(self) -> None:
        assert self._answer is not None, "a body without a head"
        while data := self._received():
            if self._answer[1].feed(data):
                self._outcome.failed(_final(*self._answer))
                return

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
