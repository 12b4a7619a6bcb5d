"""A session: what relay and dialing say, turned into the inputs of its machine.

Whatever comes in here may meet an error of our own.  That ends the session, and nothing else: its client is told, its
end is recorded, and whoever called is not troubled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec

from twisted.logger import Logger

from apiml_ws.core.closing import Close, CloseCode
from apiml_ws.core.conversation import Conversation
from apiml_ws.core.dialing import DialRefusal
from apiml_ws.core.interfaces import Boundary, OpenLeg, ServiceLeg, Side, Violation
from apiml_ws.core.opening import Opening
from apiml_ws.core.registry import Instance
from apiml_ws.core.session_table import machine
from apiml_ws.core.session_view import SessionView
from apiml_ws.core.settings import SessionSettings
from apiml_ws.core.surroundings import Surroundings

#: The closes of a service that asks for its sessions to go on elsewhere.
_LEAVING: Final = frozenset((CloseCode.GOING_AWAY, CloseCode.SERVICE_RESTART))


Given = ParamSpec("Given")


def _guarded(happens: Callable[Concatenate[Session, Given], None]) -> Callable[Concatenate[Session, Given], None]:
    """Whatever ``happens`` raises ends the session."""

    @wraps(happens)
    def guarded(session: Session, /, *args: Given.args, **kwargs: Given.kwargs) -> None:
        try:
            happens(session, *args, **kwargs)
        except Exception:
            session.fail()

    return guarded


class Session:
    """One session from its client's 101 to its end.  Its end is told to the ledger, once.

    It begins with a service's leg, or by looking for one.
    """

    _log = Logger()

    __slots__ = ("_failed", "_idle_check", "_machine", "_relay", "_talk")

    def __init__(
        self,
        opening: Opening,
        client: OpenLeg,
        around: Surroundings,
        service: tuple[ServiceLeg, Instance] | None = None,
    ) -> None:
        self._relay = around.relays.open(client, opening.settings.limits, self)
        self._talk = Conversation(opening, client, self._relay, self, around)
        self._machine = machine(self._talk)
        self._idle_check = 0.0
        self._failed = False
        if service is None:
            self._talk.dial()
        else:
            self.opened(*service)

    @property
    def settings(self) -> SessionSettings:
        """What holds for this session."""
        return self._talk.opening.settings

    @property
    def instance(self) -> Instance | None:
        """The present service, or the last one while another is looked for."""
        return self._talk.instance

    def view(self) -> SessionView | None:
        """How it looks to operators; None unless it is open on both legs, or was and is being moved."""
        return self._machine.view()

    def fail(self) -> None:
        """The error being handled ends it; a second one leaves no time for a closing handshake."""
        self._log.failure("Session {session} failed", session=self._talk.opening.session_id)
        again, self._failed = self._failed, True
        try:
            (self._machine.abort if again else self._machine.failed)()
        except Exception:
            if again:
                self._log.failure("Session {session} failed at its end", session=self._talk.opening.session_id)
                self._talk.finish()
            else:
                self.fail()

    # What the gateway decides.

    @_guarded
    def stop(self) -> None:
        """The gateway stops: close both legs."""
        self._machine.stop()

    @_guarded
    def abort(self) -> None:
        """End both connections at once, wherever they are."""
        self._machine.abort()

    @_guarded
    def taken_off(self) -> None:
        """The registry took the instance off: close both legs, if they are open."""
        self._machine.taken_off()

    @_guarded
    def relocate(self) -> None:
        """The registry took the instance off: go on at another one, if that may be and there is one."""
        if self._talk.may_move:
            self._machine.relocate()

    @_guarded
    def check_idle(self, now: float) -> None:
        """Close both legs when no frame came from either for ``maxIdleTimeout``; cheap when that cannot be yet."""
        if now < self._idle_check:
            return
        self._idle_check = self._talk.idle_since() + self.settings.max_idle_timeout
        if now >= self._idle_check:
            self._machine.idle()

    # What the search for a service says.

    @_guarded
    def opened(self, leg: ServiceLeg, instance: Instance) -> None:
        """A service was found."""
        if self._talk.fits(leg):
            self._machine.opened(leg, instance)
        else:
            self._machine.unfit(leg, instance)

    @_guarded
    def refused(self, refusal: DialRefusal) -> None:
        """No service will be found."""
        self._machine.refused(refusal)

    @_guarded
    def deadline(self) -> None:
        """No service was found in time to move to."""
        self._machine.deadline()

    # What the relay says.

    @_guarded
    def close_received(self, side: Side, close: Close) -> None:
        """One end said close."""
        if side is Side.CLIENT:
            early = self._relay.waiting
            (self._machine.client_closed_early if early else self._machine.client_closed)(close)
        else:
            moving = (close.code in _LEAVING or self._talk.retired) and self._can_move
            (self._machine.service_left if moving else self._machine.service_closed)(close)

    @_guarded
    def lost(self, side: Side, where: Boundary) -> None:
        """One end is gone without a close."""
        if side is Side.CLIENT:
            self._machine.client_lost()
        elif self._can_move:
            self._machine.service_gone()
        elif where is Boundary.FRAME:
            self._machine.service_cut()
        else:
            self._machine.service_lost()

    @_guarded
    def broken(self, side: Side, violation: Violation) -> None:
        """One end did what is not allowed."""
        (self._machine.client_broke if side is Side.CLIENT else self._machine.service_broke)(violation)

    @_guarded
    def stalled(self, side: Side) -> None:
        """One end takes nothing."""
        (self._machine.client_stalled if side is Side.CLIENT else self._machine.service_stalled)()

    @_guarded
    def ended(self, side: Side) -> None:
        """One end is gone after a close."""
        if side is Side.CLIENT:
            self._machine.client_ended()
        elif self._talk.retired and self._can_move:
            self._machine.service_gone()
        else:
            self._machine.service_ended()

    @_guarded
    def retired(self, told: bool) -> None:
        """The service was told to go, or could not be."""
        (self._machine.service_retired if told else self._machine.service_stays)()

    @property
    def _can_move(self) -> bool:
        return self._talk.may_move and self._relay.movable
