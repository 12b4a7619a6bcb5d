"""Which instances are dialled for a session, how often, and what is said when none answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.closing import Cause
from apiml_ws.core.dialing import DialRefusal, Policy, Search, for_move, for_opening, for_relocation, search
from apiml_ws.core.interfaces import DialFailure, DialFault, DialRequest
from apiml_ws.core.opening import Opening
from apiml_ws.core.routing import Refusal
from apiml_ws.core.settings import SessionSettings
from tests.core.doubles_session import REFUSED, MemoryLeg, MemoryOutcome, World, answered, instance_named

URL = "wss://host.test:10012/sample/ws/chat"


class DialingTestCase(SynchronousTestCase):
    """A world, and searches in it."""

    def begin(self, *names: str, opening: Opening | None = None, policy: Policy | None = None) -> Search:
        self.world = World(*names)
        self.outcome = MemoryOutcome()
        self.opening = opening or self.world.opening()
        self.addCleanup(lambda: self.assertEqual(self.world.clock.getDelayedCalls(), []))
        return self.search(policy or for_opening(self.opening))

    def search(self, policy: Policy) -> Search:
        return search(self.opening, policy, self.world.lookout, self.outcome)

    def reject(self, failure: DialFailure = REFUSED) -> None:
        self.world.dialer.attempts[-1].fail(failure)

    @property
    def dialled(self) -> str:
        return "".join(self.world.dialer.dialled)


class OpeningTests(DialingTestCase):
    """New sessions."""

    def test_request(self) -> None:
        """An attempt says what the client asked for, to one instance, with the whole of connectTimeout."""
        self.begin("a", opening=None).cancel()
        request = self.world.dialer.attempts[0].request
        expected = DialRequest(
            instance_named("a"),
            b"/sample/ws/chat?x=1",
            ((b"X-Instance", b"a"),),
            ("chat",),
            ("permessage-deflate",),
            45.0,
        )
        self.assertEqual(request, expected)

    def test_opened(self) -> None:
        """The leg is the outcome's, with the instance that it leads to."""
        self.begin("a")
        leg = self.world.dialer.attempts[0].open()
        self.assertEqual((self.outcome.found, self.outcome.refusals), ([(leg, "a")], []))

    def test_others_are_tried_at_once(self) -> None:
        """While there is an instance that was not tried, no time is lost; three attempts are made."""
        self.begin("a", "b", "c", "d")
        self.reject()
        self.reject()
        self.assertEqual(self.dialled, "abc")
        self.reject()
        self.assertEqual(self.dialled, "abc")
        self.assertEqual(len(self.outcome.refusals), 1)

    def test_the_only_one_is_tried_again_after_a_pause(self) -> None:
        """A service of one instance is dialled three times, 1000 ms apart."""
        self.begin("a")
        for attempts in ("aa", "aaa"):
            self.reject()
            self.world.clock.advance(0.999)
            self.assertEqual(self.dialled, attempts[1:])
            self.world.clock.advance(0.001)
            self.assertEqual(self.dialled, attempts)
        self.reject()
        self.assertEqual(
            self.outcome.refusals, [DialRefusal(Cause.SERVICE_UNREACHABLE, URL, "connection refused", REFUSED)]
        )

    def test_not_the_same_one_twice_in_a_row(self) -> None:
        """Of two instances that failed, the third attempt goes to the one that failed first, after a pause."""
        self.begin("a", "b")
        self.reject()
        self.reject()
        self.assertEqual(self.dialled, "ab")
        self.world.clock.advance(1)
        self.assertEqual(self.dialled, "aba")
        self.reject()

    def test_instance_that_left_is_not_dialled(self) -> None:
        """The registry is looked at afresh for each attempt."""
        self.begin("a", "b")
        self.world.register("a", "c", down=["b"])
        self.reject()
        self.assertEqual(self.dialled, "ac")
        self.world.dialer.attempts[-1].open()

    def test_instance_that_joined_in_the_pause(self) -> None:
        """One that came during the pause is dialled instead of the one that failed."""
        self.begin("a")
        self.reject()
        self.world.register("a", "b")
        self.world.clock.advance(1)
        self.assertEqual(self.dialled, "ab")
        self.world.dialer.attempts[-1].open()

    def test_all_left_meanwhile(self) -> None:
        """When no instance is left after a failure, the failure is what is told."""
        self.begin("a")
        self.reject(DialFailure(DialFault.TIMEOUT))
        self.world.register()
        self.world.clock.advance(1)
        self.world.clock.advance(0)
        [refusal] = self.outcome.refusals
        self.assertEqual((refusal.cause, refusal.subject, refusal.detail), (Cause.SERVICE_TIMEOUT, URL, "timeout"))

    def test_none_at_the_start(self) -> None:
        """A service without an instance that is UP is told as such, and not before the search is known."""
        self.begin("a").cancel()
        self.world.register(down=["a"])
        self.search(for_opening(self.opening))
        self.assertEqual(self.outcome.refusals, [])
        self.world.clock.advance(0)
        self.assertEqual(self.outcome.refusals, [DialRefusal(Cause.NO_INSTANCE, "sample")])

    def test_refused_by_routing(self) -> None:
        """What routing refused is dialled by nobody and told in a later turn."""
        refused = World().opening(target=Refusal(Cause.UNKNOWN_SERVICE, "x"))
        self.begin(opening=refused)
        self.assertEqual(self.outcome.refusals, [])
        self.world.clock.advance(0)
        self.assertEqual(self.outcome.refusals, [DialRefusal(Cause.UNKNOWN_SERVICE, "x")])

    def test_http_answers_are_final(self) -> None:
        """What a service says in HTTP is not asked for twice, and its status decides the cause."""
        for status, cause in (
            (401, Cause.BAD_CREDENTIALS),
            (403, Cause.SERVICE_REFUSED),
            (302, Cause.SERVICE_REFUSED),
            (500, Cause.SERVICE_ERROR),
            (503, Cause.SERVICE_ERROR),
            (599, Cause.SERVICE_ERROR),
            (499, Cause.SERVICE_REFUSED),
            (600, Cause.SERVICE_REFUSED),
        ):
            self.begin("a", "b")
            failure = answered(status)
            self.reject(failure)
            self.assertEqual(self.outcome.refusals, [DialRefusal(cause, URL, f"HTTP {status}", failure)])

    def test_bad_handshake_is_final(self) -> None:
        """A 101 that is not right is an answer too."""
        self.begin("a", "b")
        self.reject(DialFailure(DialFault.BAD_HANDSHAKE, final=True))
        [refusal] = self.outcome.refusals
        self.assertEqual((refusal.cause, refusal.detail), (Cause.SERVICE_UNREACHABLE, "bad handshake"))

    def test_account(self) -> None:
        """The log says where it was and in what words, as much as fits; the client only what kind of failure it was."""
        self.assertEqual(DialRefusal(Cause.NO_INSTANCE, "s").account, "")
        self.assertEqual(DialRefusal(Cause.NOT_MOVED, detail="deadline").account, "deadline")
        for said, more in (("", ""), ("timeout", ""), ("no route", " (no route)"), ("x" * 201, f" ({'x' * 200})")):
            failure = DialFailure(DialFault.TIMEOUT, detail=said)
            refusal = DialRefusal(Cause.SERVICE_TIMEOUT, URL, "timeout", failure)
            self.assertEqual(refusal.account, f"timeout at {URL}{more}")
        self.assertEqual(len(replace(refusal, subject=URL * 10).account), len(f"timeout at {more}") + 200)


class CancelTests(DialingTestCase):
    """A search that is not wanted any more."""

    def test_during_an_attempt(self) -> None:
        """The attempt is cancelled, and cancelling again does nothing."""
        begun = self.begin("a")
        begun.cancel()
        begun.cancel()
        self.assertTrue(self.world.dialer.attempts[0].cancelled)

    def test_during_a_pause(self) -> None:
        """No attempt follows."""
        begun = self.begin("a")
        self.reject()
        begun.cancel()
        self.world.clock.advance(2)
        self.assertEqual(self.dialled, "a")

    def test_before_a_refusal_is_told(self) -> None:
        """Nothing is told."""
        begun = self.begin(opening=World().opening(target=Refusal(Cause.INVALID_PATH)))
        begun.cancel()
        begun.cancel()
        self.world.clock.advance(1)
        self.assertEqual(self.outcome.refusals, [])


class MoveTests(DialingTestCase):
    """Sessions that lost their instance."""

    def move(self, *names: str, settings: SessionSettings | None = None, delay: float = 0) -> Search:
        self.world = World("a", "b")
        opening = self.world.opening(settings)
        return self.begin(*names, opening=opening, policy=for_move(opening, instance_named("a"), delay))

    def test_another_one_at_once(self) -> None:
        """The lost instance is avoided while there is another."""
        self.move("a", "b").cancel()
        self.assertEqual(self.dialled, "b")

    def test_delay(self) -> None:
        """The first attempt can be put off."""
        begun = self.move("a", "b", delay=1)
        self.assertEqual(self.dialled, "")
        self.world.clock.advance(1)
        self.assertEqual(self.dialled, "b")
        begun.cancel()

    def test_the_same_one_if_there_is_no_other(self) -> None:
        """The only instance is dialled again, at once."""
        self.move("a").cancel()
        self.assertEqual(self.dialled, "a")

    def test_it_goes_on(self) -> None:
        """After all were tried, one a second is, until it is cancelled."""
        begun = self.move("a", "b")
        for _ in range(10):
            self.reject()
            self.world.clock.advance(1)
        self.assertEqual(self.dialled, "babababababa"[:11])
        begun.cancel()

    def test_an_instance_that_returns(self) -> None:
        """While there is none, it is waited for."""
        begun = self.move()
        self.world.clock.advance(1)
        self.world.clock.advance(1)
        self.assertEqual(self.dialled, "")
        self.world.register("a")
        self.world.clock.advance(1)
        self.assertEqual(self.dialled, "a")
        begun.cancel()

    def test_an_instance_that_starts(self) -> None:
        """5xx may be the answer of one that is not ready yet; any other answer is final."""
        self.move("b")
        self.reject(answered(503))
        self.world.clock.advance(1)
        self.assertEqual(self.dialled, "bb")
        self.reject(answered(401))
        self.assertEqual([refusal.cause for refusal in self.outcome.refusals], [Cause.BAD_CREDENTIALS])

    def test_time_for_others(self) -> None:
        """An attempt gets a third of propagationTimeout at most, and connectTimeout if that is less."""
        for connect, propagation, expected in ((45.0, 30.0, 10.0), (2.0, 30.0, 2.0)):
            settings = SessionSettings(connect_timeout=connect, propagation_timeout=propagation)
            self.move("a", settings=settings).cancel()
            self.assertEqual(self.world.dialer.attempts[0].request.timeout, expected)


class RelocationTests(DialingTestCase):
    """Searches for a session that is to leave its instance."""

    def relocate(self, *names: str) -> Search:
        return self.begin(*names, policy=for_relocation(World().opening(), instance_named("a")))

    def test_never_the_present_one(self) -> None:
        """Though it is the only one that is UP."""
        self.relocate("a")
        self.world.clock.advance(0)
        self.assertEqual((self.dialled, [each.cause for each in self.outcome.refusals]), ("", [Cause.NO_INSTANCE]))

    def test_three_attempts_at_the_others(self) -> None:
        """Again at one that was tried, if need be, and never at the present one."""
        self.relocate("a", "b")
        for _ in range(3):
            self.reject()
            self.world.clock.advance(1)
        self.assertEqual((self.dialled, len(self.outcome.refusals)), ("bbb", 1))


class FailureTests(DialingTestCase):
    """Errors of our own end a search, so that nobody waits for ever."""

    def refused(self) -> None:
        """In a later turn, and logged."""
        self.assertEqual(self.outcome.refusals, [])
        self.world.clock.advance(0)
        self.assertEqual(self.outcome.refusals, [DialRefusal(Cause.INTERNAL)])
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def err(self, *_: object) -> Any:
        raise OSError("a fault")

    def test_before_the_dial(self) -> None:
        """An opening that does not know its headers."""
        self.begin("a", opening=replace(World("a").opening(), headers=self.err))
        self.refused()
        self.assertEqual(self.world.lookout.balancer.occupancy[instance_named("a")], 0)

    def test_dialling(self) -> None:
        """A dialer that does not dial; nothing counts as being dialled."""
        world = World("a")
        self.patch(world.dialer, "dial", self.err)
        self.world, self.outcome, self.opening = world, MemoryOutcome(), world.opening()
        self.search(for_opening(self.opening))
        self.refused()
        self.assertEqual(len(world.lookout.balancer.occupancy), 0)

    def test_taking_note_of_a_leg(self) -> None:
        """The leg is let go."""
        self.begin("a")
        self.patch(self.world.lookout.balancer, "reached", self.err)
        self.world.dialer.attempts[0].open(leg := MemoryLeg())
        self.assertTrue(leg.abandoned)
        self.refused()

    def test_taking_note_of_a_failure(self) -> None:
        """No other attempt is made."""
        self.begin("a", "b")
        self.patch(self.world.lookout.balancer, "unreached", self.err)
        self.reject()
        self.refused()
        self.assertEqual(self.dialled, "a")
