"""A search for a service whose client is not answered yet (backend-first): there is no session before there is a service."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from apiml_ws.core.closing import Cause
from apiml_ws.core.dialing import DialOutcome, DialRefusal, Lookout, for_opening, search
from apiml_ws.core.interfaces import ServiceLeg
from apiml_ws.core.opening import Opening
from apiml_ws.core.record import SessionRecord, never_opened
from apiml_ws.core.registry import Instance


class Overture:
    """Passes what its search comes to on to ``outcome``; ``over`` hears of the end first, with a record unless it succeeded."""

    _log = Logger()

    def __init__(
        self,
        opening: Opening,
        outcome: DialOutcome,
        lookout: Lookout,
        over: Callable[[Overture, SessionRecord | None], object],
    ) -> None:
        self._opening = opening
        self._outcome = outcome
        self._clock = lookout.clock
        self._over = over
        self._began = lookout.clock.seconds()
        self._under_way = True
        self._search = search(opening, for_opening(opening), lookout, self)

    def opened(self, leg: ServiceLeg, instance: Instance) -> None:
        """A service was found."""
        self._under_way = False
        self._over(self, None)
        try:
            self._outcome.opened(leg, instance)
        except Exception:
            self._log.failure("A client could not be let in at {instance}", instance=instance.instance_id)
            leg.abandon()
            self.refused(DialRefusal(Cause.INTERNAL))

    def refused(self, refusal: DialRefusal) -> None:
        """No service will be found."""
        self._end(refusal.cause, refusal.account)
        self._outcome.refused(refusal)

    def cancel(self) -> None:
        """The client is gone; the outcome hears nothing any more.  Nothing happens when the search is over."""
        if self._under_way:
            self._search.cancel()
            self._end(Cause.CLIENT_LOST)

    def stop(self) -> None:
        """The gateway stops."""
        self._search.cancel()
        self.refused(DialRefusal(Cause.STOPPING))

    def _end(self, cause: Cause, detail: str = "") -> None:
        self._under_way = False
        self._over(self, never_opened(self._opening, cause, detail, self._clock.seconds() - self._began))
