"""Errors of our own: a session that meets one ends, is recorded, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable

from apiml_ws.core.closing import Cause, Close
from apiml_ws.core.interfaces import Boundary, Side, Violation
from apiml_ws.core.record import SessionRecord
from apiml_ws.core.routing import Refusal
from apiml_ws.core.settings import SessionSettings
from tests.core.doubles_session import MemoryLeg, answered
from tests.core.doubles_session_case import BYE, INTERNAL, RESTART, SessionTestCase


class FailureTestCase(SessionTestCase):
    """A session whose relay fails at a command."""

    def logged(self, count: int = 1) -> None:
        """So many errors went to the log."""
        self.assertEqual(len(self.flushLoggedErrors(OSError)), count)

    def ends(self, *commands: tuple[object, ...]) -> SessionRecord:
        """After ``commands`` both legs were told, and when they are gone it is over."""
        self.assertEqual(self.relay.taken(), [*commands, *(("close", side, INTERNAL) for side in Side)])
        self.logged()
        return self.end_both(Cause.INTERNAL)


class FailureTests(FailureTestCase):
    """Every way in."""

    def test_attaching_the_first_service(self) -> None:
        """Its client is told 1011."""
        self.begin()
        self.relay.fails = ["attach"]
        leg = self.world.dialer.attempts[0].open()
        self.ends(("attach", leg))

    def test_attaching_a_service_that_is_there_from_the_start(self) -> None:
        """The same when the service was dialled first."""
        self.relaying()
        self.relay.fails = ["attach"]
        self.session.lost(Side.SERVICE, Boundary.MESSAGE)
        leg = self.world.dialer.attempts[1].open()
        self.ends(("hold",), ("attach", leg))

    def test_what_the_relay_says(self) -> None:
        """Each of its events."""
        events: tuple[tuple[str, Callable[[], None]], ...] = (
            ("close", lambda: self.session.close_received(Side.CLIENT, BYE)),
            ("close", lambda: self.session.close_received(Side.SERVICE, BYE)),
            ("hold", lambda: self.session.close_received(Side.SERVICE, RESTART)),
            ("hold", lambda: self.session.lost(Side.SERVICE, Boundary.MESSAGE)),
            ("close", lambda: self.session.lost(Side.CLIENT, Boundary.MESSAGE)),
            ("close", lambda: self.session.broken(Side.CLIENT, Violation(1002, "a rule"))),
            ("drop", lambda: self.session.stalled(Side.SERVICE)),
            ("close", lambda: self.session.ended(Side.CLIENT)),
        )
        for command, event in events:
            self.relaying()
            self.relay.fails = [command]
            event()
            self.logged()
            self.assertEqual(self.world.ledger.records, [])
            for side in Side:
                self.session.ended(side)
            self.assert_ended(Cause.INTERNAL)

    def test_a_condition_that_cannot_be_seen(self) -> None:
        """Looking at the relay may fail before anything was decided."""
        self.relaying()
        counted, self.relay.counted = self.relay.counted, {}
        self.session.check_idle(1e9)
        self.relay.counted = counted
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.told((Side.CLIENT, INTERNAL), (Side.SERVICE, INTERNAL))
        self.end_both(Cause.INTERNAL)

    def test_retiring(self) -> None:
        """The leg that was to come next is let go."""
        self.relaying()
        self.relay.fails = ["retire"]
        self.session.relocate()
        leg = MemoryLeg()
        self.world.dialer.attempts[1].open(leg)
        self.assertTrue(leg.abandoned)
        self.ends(("retire", Close(1001, "Session moved")))

    def test_going_after_it_was_retired(self) -> None:
        """A service whose time to go has come cannot be replaced, or its successor's search cannot begin."""
        self.relaying()
        self.session.relocate()
        self.world.dialer.attempts[1].open()
        self.session.retired(True)
        self.relay.fails = ["attach"]
        self.session.close_received(Side.SERVICE, BYE)
        self.logged()
        self.end_all()

    def test_taking_note(self) -> None:
        """The ledger fails when it hears that another service is looked for, that there is none, that it cannot come."""
        self.relaying()
        self.patch(self.world.ledger, "moving", self.no_choice)
        self.session.relocate()
        self.logged()
        self.end_all()
        self.relaying()
        self.session.relocate()
        self.patch(self.world.ledger, "stayed", self.no_choice)
        self.world.dialer.attempts[1].fail(answered(503))
        self.logged()
        self.end_all()
        self.relaying()
        self.session.relocate()
        self.world.dialer.attempts[1].open()
        self.patch(self.world.ledger, "stayed", self.no_choice)
        self.session.retired(False)
        self.logged()
        self.end_all()

    def test_what_the_gateway_decides(self) -> None:
        """Stop, taken off, idle."""
        calls: tuple[Callable[[], None], ...] = (
            lambda: self.session.stop(),
            lambda: self.session.taken_off(),
            lambda: self.session.check_idle(1e9),
        )
        for call in calls:
            self.relaying()
            self.relay.fails = ["close"]
            call()
            self.logged()
            self.end_all()

    def end_all(self) -> None:
        for side in Side:
            self.session.ended(side)
        self.relay.taken()
        self.assert_ended(Cause.INTERNAL)

    def test_the_deadline(self) -> None:
        """A timer is a way in, too."""
        self.reattaching("a")
        self.world.register()
        self.world.dialer.attempts[1].fail()
        self.relay.fails = ["close"]
        self.world.clock.advance(30)
        self.logged()
        self.end_all()

    def test_dialling(self) -> None:
        """A search that fails is refused, and its client told; a refusal that cannot be told ends the session too."""
        self.begin(target=Refusal(Cause.UNKNOWN_ROUTE, "v9"))
        self.relay.fails = ["close"]
        self.world.clock.advance(0)
        self.logged()
        self.client_gone()
        self.assert_ended(Cause.INTERNAL)
        self.relaying()
        self.patch(self.world.lookout.balancer, "choose", self.no_choice)
        self.session.lost(Side.SERVICE, Boundary.MESSAGE)
        self.assertEqual(self.relay.taken(), [("hold",)])
        self.world.clock.advance(0)
        self.told((Side.CLIENT, INTERNAL))
        self.logged()
        self.client_gone()
        self.assert_ended(Cause.INTERNAL)

    def no_choice(self, *_: object) -> None:
        raise OSError("no choice")

    def test_connections_that_do_not_end(self) -> None:
        """A relay that failed may never say that they did: they get the time of a closing handshake, twice."""
        self.relaying(settings=SessionSettings())
        self.relay.fails = ["hold"]
        self.session.lost(Side.SERVICE, Boundary.MESSAGE)
        self.world.clock.advance(9.9)
        self.assertEqual(self.world.ledger.records, [])
        self.relay.taken()
        self.world.clock.advance(0.2)
        self.told((Side.CLIENT, None))
        self.logged()
        self.assert_ended(Cause.INTERNAL)

    def test_a_second_error(self) -> None:
        """Leaves no time for a closing handshake."""
        self.relaying()
        self.relay.fails = ["close", "close"]
        self.session.stop()
        self.assertEqual(self.relay.taken()[-2:], [("drop", side) for side in Side])
        self.logged(2)
        self.assert_ended(Cause.INTERNAL)

    def test_a_third_error(self) -> None:
        """Nor for the end of the connections."""
        self.relaying()
        self.relay.fails = ["close", "close", "drop"]
        self.session.stop()
        self.logged(3)
        self.assert_ended(Cause.INTERNAL)

    def test_a_third_error_at_the_very_end(self) -> None:
        """A ledger that fails is told once."""
        self.relaying()
        self.relay.fails = ["close", "close"]
        self.world.ledger.fails = True
        self.session.stop()
        self.logged(3)
        self.assertEqual(self.world.ledger.heard.count("ended"), 1)

    def test_an_error_after_the_end(self) -> None:
        """A ledger that fails is told once."""
        self.relaying()
        self.world.ledger.fails = True
        self.session.abort()
        self.logged()
        self.assertEqual(self.world.ledger.heard.count("ended"), 1)
        self.session.abort()
        self.assertEqual(self.world.ledger.heard.count("ended"), 1)
