"""The policy of attempts: which instances are dialled for a session, how often, and when it is given up.

Every attempt looks the service up afresh, so that an instance that left the registry is not dialled and one that joined
is.  An attempt goes to an instance that was not tried yet, at once; when all were, a pause comes first, and then any but
the last one tried, while there is another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, Final, ParamSpec, Protocol

from twisted.logger import Logger

from apiml_ws.core.balance import Balancer, Visit
from apiml_ws.core.candidates import Candidates
from apiml_ws.core.closing import Cause
from apiml_ws.core.directory import Directory
from apiml_ws.core.interfaces import Attempt, Clock, Dialer, DialFailure, DialFault, DialRequest, ServiceLeg, Timer
from apiml_ws.core.opening import Opening
from apiml_ws.core.registry import Instance
from apiml_ws.core.routing import Refusal, Target

#: How often a new session is tried to be opened.
ATTEMPTS: Final = 3
#: Seconds before an attempt when there is no instance that was not tried.
PAUSE: Final = 1.0
#: Characters of a URL, and of a failure's own words, that go to the log.
_ACCOUNT: Final = 200
#: A move gives no instance more than this share of its time, so that a silent one leaves time for others.
_SHARE_OF_A_MOVE: Final = 1 / 3


@dataclass(frozen=True, slots=True)
class DialRefusal:
    """Why a session has no service: what fills the close reason, and the last failure if anything was dialled.

    ``subject`` is the service's URL, the service or the route, as ``cause`` has it; ``detail`` a short stable word.
    """

    cause: Cause
    subject: str = ""
    detail: str = ""
    failure: DialFailure | None = None

    @property
    def account(self) -> str:
        """What the log says of it: the detail, and of the last failure where it was met and what was said there."""
        if self.failure is None:
            return self.detail
        said = self.failure.detail
        more = f" ({said[:_ACCOUNT]})" if said not in ("", self.detail) else ""
        return f"{self.detail} at {self.subject[:_ACCOUNT]}{more}"


class DialOutcome(Protocol):
    """Hears how a search ended, once, never from within the call that began it."""

    def opened(self, leg: ServiceLeg, instance: Instance) -> None:
        """There is a leg; it is the receiver's from now."""

    def refused(self, refusal: DialRefusal) -> None:
        """There is none."""


class Search(Protocol):
    """A search for a service's leg, under way."""

    def cancel(self) -> None:
        """Give it up; its :class:`DialOutcome` hears nothing any more.  Idempotent."""


@dataclass(frozen=True, slots=True)
class Lookout:
    """What it takes to find an instance and to open a leg to it."""

    directory: Directory
    balancer: Balancer
    dialer: Dialer
    clock: Clock


@dataclass(frozen=True, slots=True)
class Policy:
    """How stubborn a search is.

    ``attempts`` None: it goes on until it is cancelled or an answer is final, and waits for an instance if there is none.
    ``timeout`` in seconds for each attempt, ``delay`` before the first.  ``avoid`` is the instance that is dialled only if
    there is no other, and with ``elsewhere`` not even then.
    """

    attempts: int | None
    timeout: float
    avoid: Instance | None = None
    delay: float = 0
    elsewhere: bool = False

    def final(self, failure: DialFailure) -> bool:
        """Whether another attempt is of no use; an instance that starts may answer 5xx until it is ready to be moved to."""
        if self.attempts is None and failure.answer is not None and failure.answer.status >= 500:
            return False
        return failure.final


def for_opening(opening: Opening) -> Policy:
    """A new session: three attempts."""
    return Policy(ATTEMPTS, opening.settings.connect_timeout)


def for_move(opening: Opening, left: Instance | None, delay: float) -> Policy:
    """A session whose instance was lost: until the session gives up."""
    return Policy(None, _patience(opening), left, delay)


def for_relocation(opening: Opening, present: Instance | None) -> Policy:
    """A session whose instance is still there, but is to be left."""
    return Policy(ATTEMPTS, _patience(opening), present, elsewhere=True)


def _patience(opening: Opening) -> float:
    share = opening.settings.propagation_timeout * _SHARE_OF_A_MOVE
    return min(opening.settings.connect_timeout, share)


def search(opening: Opening, policy: Policy, lookout: Lookout, outcome: DialOutcome) -> Search:
    """Find a service for ``opening``; one that is refused by routing already hears of it in a later turn."""
    target = opening.target
    if isinstance(target, Refusal):
        return _Refused(DialRefusal(target.cause, target.subject), lookout.clock, outcome)
    return Dialling(opening, target, policy, lookout, outcome)


class _Refused:
    """A search that ended before it began."""

    def __init__(self, refusal: DialRefusal, clock: Clock, outcome: DialOutcome) -> None:
        self._timer = clock.callLater(0, outcome.refused, refusal)

    def cancel(self) -> None:
        if self._timer.active():
            self._timer.cancel()


@dataclass(frozen=True, slots=True)
class _Knock:
    """Tells the balancer and a search what came of an attempt, and of which instance."""

    dialling: Dialling
    instance: Instance
    visit: Visit

    def dialled(self, leg: ServiceLeg) -> None:
        self.dialling.opened(leg, self.instance, self.visit)

    def dial_failed(self, failure: DialFailure) -> None:
        self.dialling.failed(failure, self.instance, self.visit)


Given = ParamSpec("Given")


def _surely(
    step: Callable[Concatenate[Dialling, Given], None],
) -> Callable[Concatenate[Dialling, Given], None]:
    """Whatever ``step`` raises ends the search with a refusal: nobody is to wait for ever."""

    @wraps(step)
    def surely(dialling: Dialling, /, *args: Given.args, **kwargs: Given.kwargs) -> None:
        try:
            step(dialling, *args, **kwargs)
        except Exception:
            dialling.fail()

    return surely


class Dialling:
    """A search among the instances of a service.  It begins when it is made."""

    _log = Logger()

    def __init__(
        self, opening: Opening, target: Target, policy: Policy, lookout: Lookout, outcome: DialOutcome
    ) -> None:
        self._opening = opening
        self._target = target
        self._policy = policy
        self._lookout = lookout
        self._outcome = outcome
        self._candidates = Candidates(
            target.service.service_id,
            opening.caller,
            lookout.directory,
            lookout.balancer,
            avoid=policy.avoid,
            elsewhere=policy.elsewhere,
        )
        self._made = 0
        self._attempt: tuple[Attempt, Visit] | None = None
        self._timer: Timer | None = None
        self._refusal = DialRefusal(Cause.NO_INSTANCE, target.service.service_id)
        if policy.delay:
            self._put_off(policy.delay, self._go_on)
        else:
            self._go_on()

    def cancel(self) -> None:
        """Give it up; the outcome hears nothing any more.  Idempotent."""
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt[0].cancel()
            attempt[1].cancelled()
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def opened(self, leg: ServiceLeg, instance: Instance, visit: Visit) -> None:
        """The attempt under way came to a leg."""
        self._attempt = None
        try:
            visit.opened()
        except Exception:
            leg.abandon()
            self.fail()
        else:
            self._outcome.opened(leg, instance)

    @_surely
    def failed(self, failure: DialFailure, instance: Instance, visit: Visit) -> None:
        """The attempt under way came to nothing."""
        self._attempt = None
        visit.failed(failure)
        self._refusal = _refusal(failure, self._target.url(instance))
        if self._made == self._policy.attempts or self._policy.final(failure):
            self._give_up()
        elif (untried := self._candidates.untried()) is not None:
            self._dial(untried)
        else:
            self._put_off(PAUSE, self._go_on)

    def fail(self) -> None:
        """The error being handled ends it; the outcome hears of it in a later turn."""
        self._log.failure("The search for an instance of {service} failed", service=self._target.service.service_id)
        self._attempt = None
        self._refusal = DialRefusal(Cause.INTERNAL)
        self._put_off(0, self._give_up)

    @_surely
    def _go_on(self) -> None:
        self._timer = None
        instance = self._candidates.any()
        if instance is not None:
            self._dial(instance)
        elif self._policy.attempts is None:
            self._put_off(PAUSE, self._go_on)
        else:
            self._put_off(0, self._give_up)

    def _dial(self, instance: Instance) -> None:
        self._made += 1
        request = DialRequest(
            instance=instance,
            resource=self._target.resource_at(instance),
            headers=self._opening.headers(instance),
            subprotocols=self._opening.subprotocols,
            extensions=self._opening.extensions,
            timeout=self._policy.timeout,
        )
        visit = self._lookout.balancer.dialled(self._target.service, instance, self._opening.caller)
        try:
            self._attempt = self._lookout.dialer.dial(request, _Knock(self, instance, visit)), visit
        except Exception:
            visit.cancelled()
            raise

    def _give_up(self) -> None:
        self._timer = None
        self._outcome.refused(self._refusal)

    def _put_off(self, delay: float, call: Callable[[], None]) -> None:
        self._timer = self._lookout.clock.callLater(delay, call)


def _refusal(failure: DialFailure, url: str) -> DialRefusal:
    """What the client is told of ``failure``; a status of the service says more than that there was one."""
    if failure.answer is None:
        cause = Cause.SERVICE_TIMEOUT if failure.fault is DialFault.TIMEOUT else Cause.SERVICE_UNREACHABLE
        return DialRefusal(cause, url, failure.fault.value, failure)
    return DialRefusal(_answered(failure.answer.status), url, f"HTTP {failure.answer.status}", failure)


def _answered(status: int) -> Cause:
    if status == 401:
        return Cause.BAD_CREDENTIALS
    return Cause.SERVICE_ERROR if 500 <= status < 600 else Cause.SERVICE_REFUSED
