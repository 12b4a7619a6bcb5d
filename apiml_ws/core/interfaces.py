"""What the core asks of the layers around it, in its own words.

A relay moves bytes between the two legs of a session and knows nothing of services, causes or registries.  The
session decides, and never sees a byte of payload but that of a close frame.  Commands go from the session to its
:class:`Relay`, events come back through :class:`RelayEvents`.  A dialer opens a leg to one instance and knows
nothing of attempts or of other instances: those are the business of :mod:`apiml_ws.core.dialing`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from apiml_ws.core.closing import Close
from apiml_ws.core.registry import Instance

#: Header fields as they stood on the wire, in their order, values of one name kept apart.
Headers = tuple[tuple[bytes, bytes], ...]


class Timer(Protocol):
    """A call that was put off."""

    def cancel(self) -> None:
        """Take it back; an error when it was made or cancelled before."""

    def active(self) -> bool:
        """Whether it is still to come."""


class Clock(Protocol):
    """Time, as Twisted's reactor and its test clock give it; monotonic, in seconds."""

    def seconds(self) -> float:
        """Now."""

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kw: object) -> Timer:  # noqa: A002
        """Make the call ``delay`` seconds from now."""


class Side(Enum):
    """One of the two legs of a session."""

    CLIENT = "client"
    SERVICE = "service"

    @property
    def other(self) -> Side:
        """The leg that this one is coupled with."""
        return Side.SERVICE if self is Side.CLIENT else Side.CLIENT


class Boundary(Enum):
    """Where, in the stream that came from a leg, the leg stood when it was lost."""

    MESSAGE = "between messages"
    FRAGMENT = "between fragments"
    FRAME = "inside a frame"


@dataclass(frozen=True, slots=True)
class Violation:
    """What a peer did that ends its session; ``code`` is 1002, 1007 or 1009, ``text`` says which rule was broken."""

    code: int
    text: str


@dataclass(slots=True)
class Counters:
    """What came from one leg so far; bytes as on the wire, headers included; time in seconds of the relay's clock."""

    frames: int = 0
    messages: int = 0
    bytes: int = 0
    last_frame: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a relay enforces: bytes (0: no limit) and seconds."""

    max_message_size: int = 0
    max_frame_size: int = 0
    close_timeout: float = 5.0
    async_write_timeout: float = 60.0
    waiting_limit: int = 65536


class OpenLeg(Protocol):
    """A connection whose WebSocket handshake is done, with all that a relay needs to take it over."""

    @property
    def extensions(self) -> str:
        """The agreed ``Sec-WebSocket-Extensions`` in canonical spelling (see proxy/extensions.py); empty for none."""

    @property
    def subprotocol(self) -> str | None:
        """The agreed subprotocol."""

    def abandon(self) -> None:
        """End the connection at once; for a leg that nobody takes over."""


class Relay(Protocol):
    """Couples two legs.  Made with the client's open leg by a :class:`RelayMaker`; gives its events to one session.

    While no service is attached, whole frames and parts of frames from the client wait, ``Limits.waiting_limit`` bytes
    at most; then the client is no longer read.  Events are never sent from within a command: they come in a later turn.
    A command for a side that was lost, has ended, or was never attached does nothing.
    """

    def attach(self, leg: OpenLeg) -> None:
        """Take ``leg`` as the service's: the first, or another one; a former one that is still there is let go of, untold.

        Delivered to it first, in this order: what of the former one's input may be sent again, then what waits.  That holds
        when the client, after a close frame of its own, has ended meanwhile, too.
        """

    def close(self, side: Side, close: Close) -> None:
        """Put a close frame on that leg at the next frame boundary, and nothing after it.

        Everything that was read from the other side before, and everything that waits, goes first.  The boundary and the
        peer's own close frame are each waited for ``Limits.close_timeout`` at most; then, or when both close frames have
        passed, the connection is ended and :meth:`RelayEvents.ended` says so.  A frame whose sender is gone is not waited
        for: the connection is dropped at once.
        After this command nothing more that ``side`` sends is passed on, except that a close frame which ``side`` sends is
        reported by :meth:`RelayEvents.close_received`, unless ``side`` broke the protocol or a limit before.
        """

    def drop(self, side: Side) -> None:
        """End that leg's connection without a close frame; :meth:`RelayEvents.ended` follows."""

    def control(self, side: Side, opcode: int, payload: bytes) -> None:
        """Put a ping or pong of the gateway's own on that leg at the next frame boundary."""

    def hold(self) -> None:
        """From now until :meth:`attach`, let the client's data wait and answer its pings with pongs.

        A service that said close and is still there gets none of it: a :meth:`close` for it is not preceded by what waits,
        and if it stands inside a frame that came from the client, its connection is dropped instead.
        """

    def retire(self, close: Close) -> None:
        """Let the service go in good order, so that another one can take its place: tell it ``close`` between two messages.

        Until the message that comes from the client ends, all goes on as before.  Then ``close`` is put on the service's leg
        behind it, and behind those that were read with its end, and :meth:`RelayEvents.retired` says so.  From there the
        client's data wait and its pings are answered, as after :meth:`hold`, until :meth:`attach`; what the service sends is
        passed on as ever, up to its own close frame (:meth:`RelayEvents.close_received`) or the end of its connection
        (:meth:`RelayEvents.ended`).  One of the two is waited for ``Limits.close_timeout``, and as long again whenever that is
        over inside a message of which something was still passed on in that time; then the connection is ended.

        :meth:`RelayEvents.retired` says that nothing came of it when the client's message does not end within
        ``Limits.close_timeout``; when the service is lost, says close, breaks a rule, or is told :meth:`close`, :meth:`drop`
        or :meth:`hold` before, or was already.  Then all is as if it had not been asked for.
        A :meth:`close` of the service's side after it was told puts no second close frame on the leg.
        """

    def counters(self, side: Side) -> Counters:
        """What came from that leg; the service's go on over an exchange of its leg."""

    def forget(self) -> None:
        """Both connections are gone and the session has ended: hold on to nobody; :meth:`counters` alone is of use still."""

    @property
    def waiting(self) -> bool:
        """Whether the client sent anything that was not passed on yet, for want of a service."""

    @property
    def movable(self) -> bool:
        """Whether another service can go on where the lost one stopped.

        False when the lost service stood between two fragments or inside a frame, or when the part of an incomplete message
        that it had received is longer than ``Limits.waiting_limit``.
        """


class RelayEvents(Protocol):
    """What a relay tells its session."""

    def close_received(self, side: Side, close: Close) -> None:
        """A valid close frame came from ``side``.  The relay did not pass it on; what came before it, it did.

        ``side`` is not read for frames any more.
        """

    def lost(self, side: Side, where: Boundary) -> None:
        """The connection of ``side`` ended though it had not said close, and no close was under way on it."""

    def broken(self, side: Side, violation: Violation) -> None:
        """``side`` sent what is not allowed; nothing of that frame was passed on, and nothing more of it is read."""

    def stalled(self, side: Side) -> None:
        """``side`` took not a byte for ``Limits.async_write_timeout`` although there was something for it."""

    def ended(self, side: Side) -> None:
        """The connection of ``side`` is gone, after a :meth:`Relay.close`, :meth:`Relay.drop` or a close frame of its own.

        When nothing of these was before, the relay failed, and gave both legs up.
        """

    def retired(self, told: bool) -> None:
        """How a :meth:`Relay.retire` went, once for each, unless :meth:`Relay.attach` comes first.

        ``told``: its close frame is on the service's leg.  Else it is not and will not be; what prevented it, if anything
        happened, is told next.
        """


class RelayMaker(Protocol):
    """Makes the relay of one session; which kind, is its own business."""

    def open(self, client: OpenLeg, limits: Limits, events: RelayEvents) -> Relay:
        """Take over the client's leg."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a service said instead of 101: passed on to the client in a backend-first handshake, body cut at 64 KiB."""

    status: int
    reason: bytes
    headers: Headers
    body: bytes


class DialFault(Enum):
    """Why a leg could not be opened.  The value is the short stable word that clients see in the close reason."""

    REFUSED = "connection refused"
    UNREACHABLE = "host unreachable"
    UNKNOWN_HOST = "unknown host"
    TLS = "TLS failure"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection lost"
    BAD_HANDSHAKE = "bad handshake"
    HTTP = "HTTP answer"


@dataclass(frozen=True, slots=True)
class DialFailure:
    """How one attempt ended.

    ``final``: the service answered in HTTP (a 101 that is not right included), so that another attempt would only ask the
    same again.  ``answer`` is there when ``fault`` is :attr:`DialFault.HTTP`.  ``detail`` is for the log alone.
    """

    fault: DialFault
    final: bool = False
    answer: HttpAnswer | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DialRequest:
    """One attempt: which instance, and what its handshake says.

    ``resource`` is the request target, path and query as they go on the wire.  ``headers`` are those that
    :mod:`apiml_ws.core.headers` lets pass, without Host and ``Sec-WebSocket-*``.  ``subprotocols`` and ``extensions`` (one
    offer each, as in the header) are offered; a service must choose among them.  ``require_subprotocol``: a service that
    chooses another one than ``subprotocols[0]`` but does choose is a bad handshake; one that chooses none is accepted.
    ``timeout`` in seconds covers TCP, TLS and handshake.
    """

    instance: Instance
    resource: bytes
    headers: Headers
    subprotocols: tuple[str, ...]
    extensions: tuple[str, ...]
    timeout: float


class DialEvents(Protocol):
    """What a dialer tells who asked, once, never from within :meth:`Dialer.dial`."""

    def dialled(self, leg: ServiceLeg) -> None:
        """The leg is open; it is the receiver's from now."""

    def dial_failed(self, failure: DialFailure) -> None:
        """No leg."""


class ServiceLeg(OpenLeg, Protocol):
    """A leg to a service, with what it answered."""

    @property
    def answer_headers(self) -> Headers:
        """All headers of the service's 101."""


class Attempt(Protocol):
    """A dial under way."""

    def cancel(self) -> None:
        """Give it up; its :class:`DialEvents` hears nothing any more."""


class Dialer(Protocol):
    """Opens legs to services."""

    def dial(self, request: DialRequest, events: DialEvents) -> Attempt:
        """Begin one attempt."""
