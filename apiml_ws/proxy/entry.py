"""From a client's right handshake to a session, in both orders.

Client-first: the client is answered, then the session dials.  Backend-first: the service is dialled, then its answer is
the client's.  In both the connection leaves Twisted before the 101 is written, so that what comes too early is still
refused in HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from twisted.python.failure import Failure

from apiml_ws.core.closing import Cause
from apiml_ws.core.config import Handshake
from apiml_ws.core.dialing import DialOutcome, DialRefusal, Search
from apiml_ws.core.headers import answer_headers
from apiml_ws.core.interfaces import Headers, OpenLeg, ServiceLeg
from apiml_ws.core.opening import Opening
from apiml_ws.core.places import Place, Places
from apiml_ws.core.registry import Instance
from apiml_ws.core.stages import Stages
from apiml_ws.proxy.answers import Answer, for_fault, for_refusal
from apiml_ws.proxy.channel import GatewayRequest
from apiml_ws.proxy.codec import ServerCodec
from apiml_ws.proxy.handover import HandOver, Pending
from apiml_ws.proxy.leg import Leg
from apiml_ws.proxy.openings import Asked, Openings, Told
from apiml_ws.proxy.upgrade import Fault
from apiml_ws.proxy.wire import Wire, WireLost

#: Seconds after which somebody for whom there was no room may try again.
_FULL: Final = 10
#: For a service that opened while the gateway began to stop.
_LATE: Final = DialRefusal(Cause.STOPPING)


class Sessions(Protocol):
    """What is asked of :class:`apiml_ws.core.sessions.Sessions`."""

    @property
    def accepting(self) -> bool:
        """Whether new sessions may begin."""

    def dial(self, opening: Opening, outcome: DialOutcome) -> Search:
        """Look for a service before the client is answered."""

    def start(self, opening: Opening, client: OpenLeg, service: tuple[ServiceLeg, Instance] | None = None) -> object:
        """Begin a session: its client has its 101."""


class Entrance:
    """Lets clients in.  ``retry_after`` in seconds is what they are told while the gateway stops."""

    def __init__(
        self,
        handshake: Handshake,
        openings: Openings,
        sessions: Sessions,
        places: Places,
        codec: ServerCodec,
        hand_over: HandOver,
        stages: Stages,
        retry_after: int,
    ) -> None:
        self.stages = stages
        self._handshake = handshake
        self._openings = openings
        self._sessions = sessions
        self._places = places
        self._codec = codec
        self._hand_over = hand_over
        self._retry_after = retry_after

    def enter(self, request: GatewayRequest, asked: Asked) -> None:
        """Answer ``request`` now or later; with 101 when all goes well."""
        opening = self._openings.judged(asked) if self._sessions.accepting else self._stopping
        if isinstance(opening, Fault):
            for_fault(opening, _path(asked)).write(request)
        elif (place := self._places.keep()) is None:
            for_fault(_unavailable("there is no room for more sessions", _FULL)).write(request)
        else:
            request.channel.admitted()
            self._let_in(_Coming(request, asked, place), opening)

    def _let_in(self, coming: _Coming, opening: Opening) -> None:
        if self._handshake is Handshake.CLIENT_FIRST:
            _ClientFirst(self, coming, *self._openings.client_first(coming.asked, opening))
        else:
            _BackendFirst(self, coming, self._openings.backend_first(coming.asked, opening))

    def let_in(self, asked: Asked, wire: Wire) -> bool:
        """Answer with 101 on ``wire`` and begin a session, in a moment; False, and nothing is done, where that cannot be.

        A client that has to wait for its service, or that is not let in, is answered over HTTP: see :meth:`enter`.
        """
        if self._handshake is not Handshake.CLIENT_FIRST or not self._sessions.accepting:
            return False
        opening = self._openings.judged(asked)
        place = None if isinstance(opening, Fault) else self._places.keep()
        if isinstance(opening, Fault) or place is None:
            return False
        straight = _Straight(self, asked, *self._openings.client_first(asked, opening), place, wire)
        self.stages.put(_Straight.word, straight)
        return True

    def answer(self, asked: Asked, told: Told, headers: Headers = ()) -> bytes:
        """The 101 for ``asked``."""
        upgrade = asked.upgrade
        return self._codec.switching(upgrade.key, upgrade.subprotocols, told.subprotocol, told.extensions, headers)

    @property
    def sessions(self) -> Sessions:
        """Where clients that are in go."""
        return self._sessions

    @property
    def _stopping(self) -> Fault:
        return _unavailable("the gateway is stopping", self._retry_after)

    def refused(self, refusal: DialRefusal, path: str) -> Answer:
        """What a client is told whose service could not be had, or came too late."""
        return for_refusal(refusal, path) if self._sessions.accepting else for_fault(self._stopping)

    def switch(self, coming: _Coming, told: Told, headers: Headers, taken: Callable[[Wire, bytes], None]) -> Pending:
        """Take the client's connection out of HTTP; ``taken`` gets it with the 101 to write."""
        channel = coming.request.channel
        head = self.answer(coming.asked, told, headers)

        def out(wire: Wire) -> None:
            channel.forget()
            coming.place.let_go()
            taken(wire, head)

        channel.await_hand_over()
        return self._hand_over(channel.transport, out)


class _Straight:
    """A client that needs no HTTP: its 101 is put into words and written, and its session begins."""

    __slots__ = ("_asked", "_entrance", "_head", "_leg", "_opening", "_place", "_told", "_wire")

    def __init__(
        self, entrance: Entrance, asked: Asked, opening: Opening, told: Told, place: Place, wire: Wire
    ) -> None:
        self._entrance = entrance
        self._asked = asked
        self._opening = opening
        self._told = told
        self._place = place
        self._wire = wire
        self._head = b""
        self._leg: Leg | None = None

    def word(self) -> None:
        """What is the answer?"""
        self._head = self._entrance.answer(self._asked, self._told)
        self._entrance.stages.put(_Straight.write, self)

    def write(self) -> None:
        """The client has its answer, if it is still there."""
        self._leg = written(self._wire, self._head, self._told)
        self._entrance.stages.put(_Straight.begin, self)

    def begin(self) -> None:
        """From now on it is a session."""
        self._place.let_go()
        if self._leg is not None:
            self._entrance.sessions.start(self._opening, self._leg)

    def crashed(self) -> None:
        """See :class:`~apiml_ws.core.stages.Client`: whatever was said to it, it is not served."""
        self._place.let_go()
        self._wire.close()


class _Coming:
    """A client on its way in; its place is free again when its request is answered or it is gone, or it has a session."""

    def __init__(self, request: GatewayRequest, asked: Asked, place: Place) -> None:
        self.request = request
        self.asked = asked
        self.place = place
        #: Called when it leaves before it was answered.
        self.gone: Callable[[], object] = place.let_go
        request.notifyFinish().addBoth(self._finished)

    def _finished(self, left: Failure | None) -> None:
        self.place.let_go()
        if left is not None:
            self.gone()


class _ClientFirst:
    """A client that is answered at once."""

    def __init__(self, entrance: Entrance, coming: _Coming, opening: Opening, told: Told) -> None:
        self._entrance = entrance
        self._opening = opening
        self._told = told
        self._pending = entrance.switch(coming, told, (), self._taken)
        coming.gone = self._gone

    def _gone(self) -> None:
        self._pending.cancel()

    def _taken(self, wire: Wire, head: bytes) -> None:
        leg = written(wire, head, self._told)
        if leg is not None:
            self._entrance.sessions.start(self._opening, leg)


class _BackendFirst:
    """A client that waits for its service's answer."""

    def __init__(self, entrance: Entrance, coming: _Coming, opening: Opening) -> None:
        self._entrance = entrance
        self._coming = coming
        self._opening = opening
        self._service: tuple[ServiceLeg, Instance] | None = None
        self._told = Told()
        self._under_way: Search | Pending = entrance.sessions.dial(opening, self)
        coming.gone = self._gone

    def opened(self, leg: ServiceLeg, instance: Instance) -> None:
        """The service's answer is the client's."""
        if not self._entrance.sessions.accepting:
            leg.abandon()
            self.refused(_LATE)
            return
        self._service = (leg, instance)
        self._told = Told(leg.subprotocol, leg.extensions)
        try:
            passed = answer_headers(leg.answer_headers)
            self._under_way = self._entrance.switch(self._coming, self._told, passed, self._taken)
        except Exception:
            # Nobody else would tell the client, who waits; it ends as when the client had gone.
            self._coming.request.processingFailed(Failure())

    def refused(self, refusal: DialRefusal) -> None:
        """There is no service: the client is told in HTTP."""
        self._entrance.refused(refusal, _path(self._coming.asked)).write(self._coming.request)

    def _gone(self) -> None:
        self._under_way.cancel()
        self._abandon()

    def _abandon(self) -> None:
        if self._service is not None:
            self._service[0].abandon()

    def _taken(self, wire: Wire, head: bytes) -> None:
        leg = written(wire, head, self._told)
        if leg is not None:
            self._entrance.sessions.start(self._opening, leg, self._service)
        else:
            self._abandon()


def written(wire: Wire, head: bytes, told: Told) -> Leg | None:
    """The client's leg once its 101 is on the wire; None when the client is gone."""
    try:
        wire.send(head)
    except WireLost:
        wire.close()
        return None
    return Leg(wire, extensions=told.extensions, subprotocol=told.subprotocol)


def _unavailable(text: str, retry_after: int) -> Fault:
    return Fault(503, text, ((b"Retry-After", b"%d" % retry_after),))


def _path(asked: Asked) -> str:
    return asked.resource.partition(b"?")[0].decode("latin-1")
