"""What one session holds, and the steps that its life is made of; which step comes when is :mod:`apiml_ws.core.session`'s."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from apiml_ws.core.closing import MOVED, Cause, closure, service_closure
from apiml_ws.core.config import Propagation
from apiml_ws.core.dialing import (
    PAUSE,
    DialOutcome,
    DialRefusal,
    Policy,
    Search,
    for_move,
    for_opening,
    for_relocation,
    search,
)
from apiml_ws.core.extensions import context_takeover
from apiml_ws.core.farewell import Farewell
from apiml_ws.core.interfaces import OpenLeg, Relay, ServiceLeg, Side, Timer
from apiml_ws.core.opening import Opening
from apiml_ws.core.record import SessionRecord, service_id
from apiml_ws.core.registry import Instance
from apiml_ws.core.session_view import SessionView, viewed
from apiml_ws.core.surroundings import Surroundings

#: The ends that an instance may have had a part in, that went away.
_LOST: Final = frozenset((Cause.SERVICE_LOST, Cause.NOT_MOVED))
_FIRST: Final = {Cause.CLIENT_CLOSED: Side.CLIENT, Cause.SERVICE_CLOSED: Side.SERVICE}


class Expectant(DialOutcome, Protocol):
    """A session, as it hears of what it waits for."""

    def deadline(self) -> None:
        """No service was found in time to move to."""

    def abort(self) -> None:
        """There is no time left for a closing handshake."""


@dataclass(frozen=True, slots=True)
class _Agreement:
    """What was agreed on a leg; another service can only go on with the session if it agrees to the same."""

    subprotocol: str | None
    extensions: str


@lru_cache(maxsize=64)
def _agreement(subprotocol: str | None, extensions: str) -> _Agreement:
    """Most sessions agree on the same, and can share it."""
    return _Agreement(subprotocol, extensions)


class Conversation:
    """A client's leg and whatever service it talks to.

    ``instance`` is the present service's or the last one's, None before there was any.  ``retired``: it was told to go.
    """

    __slots__ = (
        "_agreement",
        "_around",
        "_began",
        "_deadline",
        "_delay",
        "_detail",
        "_expectant",
        "_finished",
        "_joined",
        "_moves",
        "_next",
        "_search",
        "_service_session_id",
        "_sought",
        "_spoken",
        "_stay",
        "cause",
        "farewell",
        "instance",
        "opening",
        "relay",
        "retired",
    )

    def __init__(
        self, opening: Opening, client: OpenLeg, relay: Relay, expectant: Expectant, around: Surroundings
    ) -> None:
        self.opening = opening
        self.relay = relay
        self.farewell = Farewell(relay)
        self.instance: Instance | None = None
        self.cause = Cause.INTERNAL
        self.retired = False
        self._spoken = _agreement(client.subprotocol, client.extensions)
        self._expectant = expectant
        self._around = around
        self._detail = ""
        self._moves = 0
        self._service_session_id = ""
        self._agreement: _Agreement | None = None
        self._next: tuple[ServiceLeg, Instance] | None = None
        self._search: Search | None = None
        self._deadline: Timer | None = None
        self._delay = 0.0
        self._finished = False
        self._stay = around.lookout.balancer.occupancy.stay()
        self._began = self._joined = self._sought = around.lookout.clock.seconds()

    # What may be.

    @property
    def may_move(self) -> bool:
        """Whether another service is allowed and able to go on with this session at all (design: propagation)."""
        propagation = self.opening.settings.propagation
        if propagation is Propagation.NEVER or self._agreement is None:
            return False
        words = (self._spoken.subprotocol, self._agreement.subprotocol)
        if propagation is Propagation.AUTO and any(word is not None for word in words):
            return False
        return not (context_takeover(self._spoken.extensions) or context_takeover(self._agreement.extensions))

    def fits(self, leg: ServiceLeg) -> bool:
        """Whether ``leg`` agreed to what the session goes by; the first one always does."""
        return self._agreement in (None, _agreement(leg.subprotocol, leg.extensions))

    def idle_since(self) -> float:
        """When the last frame came from either end, or the service joined."""
        return max(self._joined, *(self.relay.counters(side).last_frame for side in Side))

    # Finding a service.

    def dial(self) -> None:
        """Look for the first service."""
        self._seek(for_opening(self.opening))

    def hold(self) -> None:
        """Keep the client waiting for another service, until that has lasted too long.

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
        self._deadline = self._around.lookout.clock.callLater(max(left, 0), self._expectant.deadline)
        self._around.ledger.moving(self.opening.session_id)

    def redial(self) -> None:
        """Look for another service than the one that was lost."""
        self._seek(for_move(self.opening, self.instance, self._delay))

    def relocate(self) -> None:
        """Look for another service than the present one, while that goes on."""
        self._around.ledger.moving(self.opening.session_id)
        self._seek(for_relocation(self.opening, self.instance))

    def _seek(self, policy: Policy) -> None:
        self._forget_search()
        self._search = search(self.opening, policy, self._around.lookout, self._expectant)

    def stay(self) -> None:
        """Go on with the present service, though another one was looked for."""
        self.stop_seeking()
        self._around.ledger.stayed(self.opening.session_id)

    def retire(self, leg: ServiceLeg, instance: Instance) -> None:
        """``leg`` is to take the present service's place, which is to be told so between two messages."""
        self.stop_seeking()
        self._next = leg, instance
        self.relay.retire(MOVED)

    def note_retired(self) -> None:
        """The service was told to go."""
        self.retired = True
        self.farewell.retired(MOVED)

    def replace(self) -> None:
        """The service went: go on with the one that was to take its place."""
        following, self._next = self._next, None
        assert following is not None, "nobody was told to go"
        self.attach(*following)

    def attach(self, leg: ServiceLeg, instance: Instance) -> None:
        """Go on with ``leg``."""
        self.stop_seeking()
        self.retired = False
        if self.instance is not None:
            self._moves += 1
            self._around.ledger.moved(self.opening.session_id)
        self.instance = instance
        self._stay.enter(instance)
        self._agreement = _agreement(leg.subprotocol, leg.extensions)
        self._service_session_id = ""
        self._joined = self._around.lookout.clock.seconds()
        self.farewell.attached()
        self.relay.attach(leg)
        self._around.ledger.joined(self.opening.session_id)

    def stop_seeking(self) -> None:
        """Neither look for a service nor wait for one."""
        self._forget_search()
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def _forget_search(self) -> None:
        """Nor keep what it came to."""
        found, self._next = self._next, None
        if found is not None:
            found[0].abandon()
        under_way, self._search = self._search, None
        if under_way is not None:
            under_way.cancel()

    # The end.

    def unserved(self, refusal: DialRefusal) -> None:
        """Say to the client that there is no service.

        That it could not be opened, or that the session could not be moved; a close of the service that was to be moved
        passes as it was.
        """
        left = self.farewell.received(Side.SERVICE)
        if self.instance is None or refusal.cause is Cause.INTERNAL:
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

    def fail(self) -> None:
        """It ends through an error of our own, and the relay may be no good any more: it gets some time, and no more."""
        self.end(Cause.INTERNAL)
        patience = 2 * self.opening.settings.limits.close_timeout
        self._deadline = self._around.lookout.clock.callLater(patience, self._expectant.abort)
        self.farewell.say(Side.CLIENT, closure(Cause.INTERNAL))
        self.farewell.say(Side.SERVICE, service_closure(Cause.INTERNAL))

    def finish(self) -> None:
        """It has ended; once, whatever raised when it did."""
        if self._finished:
            return
        self._finished = True
        self.stop_seeking()
        self._stay.leave(lost=self.cause in _LOST)
        self._around.ledger.ended(self._record())
        # Session, conversation and relay know each other, and would wait for the garbage collector.
        del self._expectant
        self.relay.forget()

    # What others see of it.

    def view(self) -> SessionView:
        """As operators see it."""
        return viewed(self.opening, self.instance, self._service_session())

    def _service_session(self) -> str:
        """The id of the session with the present service, "" before there was any; made when it is first asked for."""
        if not self._service_session_id and self.instance is not None:
            self._service_session_id = self._around.new_id()
        return self._service_session_id

    def _record(self) -> SessionRecord:
        return SessionRecord(
            session_id=self.opening.session_id,
            service_session_id=self._service_session(),
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
