"""What one session holds, and the steps that its life is made of; which step comes when is :mod:`apiml_ws.core.session`'s."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from apiml_ws.core.closing import Cause, closure
from apiml_ws.core.config import Propagation
from apiml_ws.core.dialing import (
    PAUSE,
    DialOutcome,
    DialRefusal,
    Lookout,
    Policy,
    Search,
    for_move,
    for_opening,
    search,
)
from apiml_ws.core.extensions import context_takeover
from apiml_ws.core.farewell import Farewell
from apiml_ws.core.interfaces import OpenLeg, Relay, RelayMaker, ServiceLeg, Side, Timer
from apiml_ws.core.opening import Opening
from apiml_ws.core.record import SessionRecord, service_id
from apiml_ws.core.registry import Instance
from apiml_ws.core.routing import Refusal

#: The ends that an instance may have had a part in, that went away.
_LOST: Final = frozenset((Cause.SERVICE_LOST, Cause.NOT_MOVED))
_FIRST: Final = {Cause.CLIENT_CLOSED: Side.CLIENT, Cause.SERVICE_CLOSED: Side.SERVICE}


class Ledger(Protocol):
    """Hears what becomes of sessions."""

    def moving(self, session_id: str) -> None:
        """It lost its service and looks for another."""

    def moved(self, session_id: str) -> None:
        """It found one and goes on there."""

    def ended(self, record: SessionRecord) -> None:
        """Nothing of it is left.  Once for each session."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all sessions share.  ``new_id`` makes the ids of sessions with services."""

    lookout: Lookout
    relays: RelayMaker
    ledger: Ledger
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session that is open on both legs, as operators see it; one that is being moved shows its last service."""

    session_id: str
    client_address: str
    gateway_uri: str
    service_uri: str
    service_session_id: str


@dataclass(frozen=True, slots=True)
class _Agreement:
    """What a service agreed to; another one can only go on with the session if it agrees to the same."""

    subprotocol: str | None
    extensions: str


class Conversation:
    """A client's leg and whatever service it talks to.

    ``instance`` is the present service's or the last one's, None before there was any.
    """

    __slots__ = (
        "_agreement",
        "_around",
        "_began",
        "_client",
        "_deadline",
        "_delay",
        "_detail",
        "_joined",
        "_moves",
        "_outcome",
        "_search",
        "_service_session_id",
        "_sought",
        "_stay",
        "cause",
        "farewell",
        "instance",
        "opening",
        "relay",
    )

    def __init__(
        self, opening: Opening, client: OpenLeg, relay: Relay, outcome: DialOutcome, around: Surroundings
    ) -> None:
        self.opening = opening
        self.relay = relay
        self.farewell = Farewell(relay)
        self.instance: Instance | None = None
        self.cause = Cause.INTERNAL
        self._client = client
        self._outcome = outcome
        self._around = around
        self._detail = ""
        self._moves = 0
        self._service_session_id = ""
        self._agreement: _Agreement | None = None
        self._search: Search | None = None
        self._deadline: Timer | None = None
        self._delay = 0.0
        self._stay = around.lookout.balancer.occupancy.stay()
        self._began = self._joined = self._sought = around.lookout.clock.seconds()

    # What may be.

    @property
    def may_move(self) -> bool:
        """Whether another service is allowed and able to go on with this session at all (design: propagation)."""
        propagation = self.opening.settings.propagation
        if propagation is Propagation.NEVER or self._agreement is None:
            return False
        words = (self._client.subprotocol, self._agreement.subprotocol)
        if propagation is Propagation.AUTO and any(word is not None for word in words):
            return False
        return not (context_takeover(self._client.extensions) or context_takeover(self._agreement.extensions))

    def fits(self, leg: ServiceLeg) -> bool:
        """Whether ``leg`` agreed to what the session goes by; the first one always does."""
        return self._agreement in (None, _Agreement(leg.subprotocol, leg.extensions))

    def idle_since(self) -> float:
        """When the last frame came from either end, or the service joined."""
        return max(self._joined, *(self.relay.counters(side).last_frame for side in Side))

    # Finding a service.

    def dial(self) -> None:
        """Look for the first service."""
        self._seek(for_opening(self.opening))

    def hold(self, deadline: Callable[[], object]) -> None:
        """Keep the client waiting for another service, ``deadline`` being called when that has lasted too long.

        A service that lasts less than :data:`PAUSE` ends no search: services that take sessions only to lose them are not
        dialled without pause, nor for longer than the one search may take.
        """
        now = self._around.lookout.clock.seconds()
        if self._moves == 0 or now - self._joined >= PAUSE:
            self._sought, self._delay = now, 0.0
        else:
            self._delay = PAUSE
        left = self._sought + self.opening.settings.propagation_timeout - now
        self.relay.hold()
        self._stay.leave(lost=True)
        self._deadline = self._around.lookout.clock.callLater(max(left, 0), deadline)
        self._around.ledger.moving(self.opening.session_id)

    def redial(self) -> None:
        """Look for another service than the one that was lost."""
        self._seek(for_move(self.opening, self.instance, self._delay))

    def _seek(self, policy: Policy) -> None:
        self._search = search(self.opening, policy, self._around.lookout, self._outcome)

    def attach(self, leg: ServiceLeg, instance: Instance) -> None:
        """Go on with ``leg``."""
        self.stop_seeking()
        if self.instance is not None:
            self._moves += 1
            self._around.ledger.moved(self.opening.session_id)
        self.instance = instance
        self._stay.enter(instance)
        self._agreement = _Agreement(leg.subprotocol, leg.extensions)
        self._service_session_id = self._around.new_id()
        self._joined = self._around.lookout.clock.seconds()
        self.farewell.attached()
        self.relay.attach(leg)

    def stop_seeking(self) -> None:
        """Neither look for a service nor wait for one."""
        if self._search is not None:
            self._search.cancel()
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._search = self._deadline = None

    # The end.

    def unserved(self, refusal: DialRefusal) -> None:
        """Say to the client that there is no service.

        That it could not be opened, or that the session could not be moved; a close of the service that was to be moved
        passes as it was.
        """
        left = self.farewell.received(Side.SERVICE)
        if self.instance is None:
            close = closure(refusal.cause, refusal.subject, refusal.detail)
            self.end(refusal.cause, refusal.account)
        elif left is None:
            close = closure(Cause.NOT_MOVED)
            self.end(Cause.NOT_MOVED, refusal.account)
        else:
            close = left
            self.end(Cause.SERVICE_CLOSED, refusal.account)
        self.farewell.say(Side.CLIENT, close)

    def end(self, cause: Cause, detail: str = "") -> None:
        """It ends because of ``cause``."""
        self.stop_seeking()
        self.cause = cause
        self._detail = detail

    def finish(self) -> None:
        """It has ended."""
        self._stay.leave(lost=self.cause in _LOST)
        self._around.ledger.ended(self._record())

    # What others see of it.

    def view(self) -> SessionView:
        """As operators see it."""
        return SessionView(
            session_id=self.opening.session_id,
            client_address=self.opening.client_address,
            gateway_uri=self.opening.gateway_uri,
            service_uri=self._service_uri(),
            service_session_id=self._service_session_id,
        )

    def _service_uri(self) -> str:
        target = self.opening.target
        return "" if self.instance is None or isinstance(target, Refusal) else target.uri(self.instance)

    def _record(self) -> SessionRecord:
        return SessionRecord(
            session_id=self.opening.session_id,
            service_session_id=self._service_session_id,
            client_address=self.opening.client_address,
            gateway_uri=self.opening.gateway_uri,
            service_id=service_id(self.opening.target),
            instance_id=self.instance.instance_id if self.instance is not None else "",
            cause=self.cause,
            detail=self._detail,
            closed_first=_FIRST.get(self.cause),
            client=self.farewell.exchange(Side.CLIENT),
            service=self.farewell.exchange(Side.SERVICE),
            from_client=self.relay.counters(Side.CLIENT),
            from_service=self.relay.counters(Side.SERVICE),
            duration=self._around.lookout.clock.seconds() - self._began,
            moves=self._moves,
        )
