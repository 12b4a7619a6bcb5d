"""Sessions that are moved away from an instance that goes on."""

from __future__ import annotations

from apiml_ws.core.closing import Cause, Close
from apiml_ws.core.interfaces import Boundary, Side, Violation
from apiml_ws.core.record import Exchange
from tests.core.doubles_session import MemoryLeg, answered
from tests.core.doubles_session_case import (
    ANSWER,
    BYE,
    GONE,
    INTERNAL,
    LOST,
    MOVED,
    NEVER,
    NOT_MOVED,
    RESTART,
    RelocationTestCase,
)

STOPPING = Close(1001, "Gateway is shutting down")


class MoveAwayTests(RelocationTestCase):
    """The usual course, and what may come instead."""

    def test_other_is_open_before_the_first_is_told(self) -> None:
        """Then the first is told, may say what it has to, and after its close the session goes on at the other."""
        leg = self.retiring()
        self.assertEqual(self.world.dialer.dialled, ["a", "b"])
        self.session.close_received(Side.SERVICE, MOVED)
        self.goes_on_with(leg)

    def test_whatever_code_the_first_answers(self) -> None:
        """It is the answer to ours."""
        leg = self.retiring()
        self.session.close_received(Side.SERVICE, Close(1000))
        self.goes_on_with(leg)

    def test_what_the_other_says_is_its_own(self) -> None:
        """A close of the instance that the session goes on at is no answer to anything."""
        leg = self.retiring()
        self.session.close_received(Side.SERVICE, MOVED)
        self.assertEqual(self.relay.taken(), [("attach", leg)])
        self.session.close_received(Side.SERVICE, BYE)
        self.told((Side.CLIENT, BYE))
        self.session.abort()

    def test_first_ends_without_an_answer(self) -> None:
        """That is an end too."""
        leg = self.retiring()
        self.service_gone()
        self.goes_on_with(leg)

    def test_nobody_else(self) -> None:
        """Without another instance the session stays, and can be moved later."""
        self.seeking("a")
        self.world.clock.advance(0)
        self.assertEqual(self.world.ledger.heard, ["moving", "stayed"])
        self.assertEqual((self.relay.taken(), self.world.dialer.dialled), ([], ["a"]))
        self.world.register("b", down=["a"])
        self.session.relocate()
        self.assertEqual(self.world.dialer.dialled, ["a", "b"])
        self.session.abort()

    def test_nobody_else_who_answers(self) -> None:
        """Three attempts, a second apart, and never at the present instance."""
        self.seeking()
        for _ in range(3):
            self.world.dialer.attempts[-1].fail()
            self.world.clock.advance(1)
        self.assertEqual(self.world.dialer.dialled, ["a", "b", "b", "b"])
        self.assertEqual((self.relay.taken(), self.world.ledger.heard), ([], ["moving", "stayed"]))
        self.session.abort()

    def test_others_will_not_have_it(self) -> None:
        """An HTTP answer is final, for this time."""
        self.seeking()
        self.world.dialer.attempts[1].fail(answered(503))
        self.assertEqual((self.relay.taken(), self.world.ledger.heard), ([], ["moving", "stayed"]))
        self.session.abort()

    def test_other_agrees_to_something_else(self) -> None:
        """The session stays, and the leg is let go."""
        self.seeking()
        leg = MemoryLeg(subprotocol="other")
        self.world.dialer.attempts[1].open(leg)
        self.assertTrue(leg.abandoned)
        self.assertEqual((self.relay.taken(), self.world.ledger.heard), ([], ["moving", "stayed"]))
        self.session.abort()

    def test_first_could_not_be_told(self) -> None:
        """A message of the client did not end: all stays as it was."""
        leg = self.handing_over()
        self.session.retired(False)
        self.assertTrue(leg.abandoned)
        self.assertEqual(self.world.ledger.heard, ["moving", "stayed"])
        self.session.relocate()
        self.assertEqual(len(self.world.dialer.attempts), 3)
        self.session.abort()

    def test_who_may_not_move(self) -> None:
        """Stays where it is."""
        self.relaying(settings=NEVER)
        self.session.relocate()
        self.assertEqual((len(self.world.dialer.attempts), self.world.ledger.heard), (1, []))
        self.session.abort()

    def test_asked_again_meanwhile(self) -> None:
        """It is under way already."""
        for begin in (self.seeking, self.handing_over, self.retiring):
            begin()
            self.session.relocate()
            self.assertEqual((self.relay.taken(), len(self.world.dialer.attempts)), ([], 2))
            self.session.abort()

    def test_listed_meanwhile(self) -> None:
        """With its last service."""
        for begin in (self.seeking, self.handing_over, self.retiring):
            begin()
            view = self.session.view()
            assert view is not None
            self.assertEqual(view.service_session_id, "service-session-1")
            self.session.abort()

    def test_first_closed_inside_a_message(self) -> None:
        """Nobody can go on from there."""
        leg = self.retiring()
        self.relay.movable = False
        self.session.close_received(Side.SERVICE, MOVED)
        self.told((Side.CLIENT, NOT_MOVED))
        self.assertTrue(leg.abandoned)
        self.client_gone()
        self.service_gone()
        self.assert_ended(Cause.NOT_MOVED)

    def test_first_ended_inside_a_message(self) -> None:
        """The same without a close."""
        leg = self.retiring()
        self.relay.movable = False
        self.service_gone()
        self.told((Side.CLIENT, NOT_MOVED))
        self.assertTrue(leg.abandoned)
        self.client_gone()
        self.assert_ended(Cause.NOT_MOVED)


class MeanwhileTests(RelocationTestCase):
    """What else happens while a session is moved away."""

    def nothing_left(self, leg: object) -> None:
        """Neither a search nor a leg that waited."""
        self.assertTrue(self.world.dialer.attempts[1].cancelled or (isinstance(leg, MemoryLeg) and leg.abandoned))

    def test_first_is_lost(self) -> None:
        """Before it was told: as ever, with a search of its own."""
        for begin in (self.seeking, self.handing_over):
            leg = begin()
            self.session.lost(Side.SERVICE, Boundary.MESSAGE)
            self.assertEqual(self.relay.taken(), [("hold",)])
            self.nothing_left(leg)
            self.session.retired(False)
            self.world.dialer.attempts[2].open()
            self.assertEqual(self.world.ledger.heard[-1], "moved")
            self.session.abort()

    def test_first_leaves_by_itself(self) -> None:
        """The same."""
        for begin in (self.seeking, self.handing_over):
            leg = begin()
            self.session.close_received(Side.SERVICE, RESTART)
            self.assertEqual(self.relay.taken(), [("hold",), ("close", Side.SERVICE, RESTART)])
            self.nothing_left(leg)
            self.session.abort()

    def test_first_closes_by_itself(self) -> None:
        """That ends the session, as ever."""
        for begin in (self.seeking, self.handing_over):
            leg = begin()
            self.session.close_received(Side.SERVICE, BYE)
            self.told((Side.CLIENT, BYE))
            self.nothing_left(leg)
            self.session.close_received(Side.CLIENT, BYE)
            self.told((Side.SERVICE, BYE))
            self.end_both(Cause.SERVICE_CLOSED)

    def test_client_closes(self) -> None:
        """The first service is asked, as ever."""
        for begin in (self.seeking, self.handing_over):
            for waits in (False, True):
                leg = begin()
                self.relay.waiting = waits
                self.session.close_received(Side.CLIENT, BYE)
                self.told((Side.SERVICE, BYE))
                self.nothing_left(leg)
                self.session.close_received(Side.SERVICE, ANSWER)
                self.told((Side.CLIENT, ANSWER))
                self.end_both(Cause.CLIENT_CLOSED)

    def test_client_closes_when_the_first_was_told(self) -> None:
        """What the first answers is no answer to the client, who gets its own code back."""
        leg = self.retiring()
        self.session.close_received(Side.CLIENT, BYE)
        self.told((Side.SERVICE, BYE))
        self.assertTrue(leg.abandoned)
        self.session.close_received(Side.SERVICE, MOVED)
        self.told((Side.CLIENT, BYE))
        record = self.end_both(Cause.CLIENT_CLOSED)
        self.assertEqual(record.service, Exchange(sent=MOVED, received=MOVED))

    def test_client_closes_after_something_when_the_first_was_told(self) -> None:
        """What waits is delivered to the other, then the close."""
        leg = self.retiring()
        self.relay.waiting = True
        self.session.close_received(Side.CLIENT, BYE)
        self.assertEqual(self.relay.taken(), [("attach", leg), ("close", Side.SERVICE, BYE)])
        self.session.close_received(Side.SERVICE, ANSWER)
        self.told((Side.CLIENT, ANSWER))
        self.assertEqual(self.end_both(Cause.CLIENT_CLOSED).moves, 1)

    def test_client_lost(self) -> None:
        """Nobody is left to move."""
        for begin in (self.seeking, self.handing_over, self.retiring):
            leg = begin()
            self.session.lost(Side.CLIENT, Boundary.MESSAGE)
            self.told((Side.SERVICE, GONE))
            self.nothing_left(leg)
            self.service_gone()
            self.assert_ended(Cause.CLIENT_LOST)

    def test_stop(self) -> None:
        """Both ends are told."""
        for begin in (self.seeking, self.handing_over, self.retiring):
            leg = begin()
            self.session.stop()
            self.told((Side.CLIENT, STOPPING), (Side.SERVICE, STOPPING))
            self.nothing_left(leg)
            self.end_both(Cause.STOPPING)

    def test_idle(self) -> None:
        """The time goes on."""
        for begin in (self.seeking, self.handing_over, self.retiring):
            leg = begin()
            self.session.check_idle(1e9)
            self.assertEqual(len(self.relay.taken()), 2)
            self.nothing_left(leg)
            self.end_both(Cause.IDLE)

    def test_first_breaks_a_rule(self) -> None:
        """It ends for that."""
        for begin in (self.seeking, self.handing_over, self.retiring):
            leg = begin()
            self.session.broken(Side.SERVICE, Violation(1002, "a rule"))
            self.told((Side.SERVICE, Close(1002, "a rule")), (Side.CLIENT, LOST))
            self.nothing_left(leg)
            self.end_both(Cause.SERVICE_BROKE_PROTOCOL)

    def test_relay_fails(self) -> None:
        """It ends both connections unasked."""
        for begin in (self.seeking, self.handing_over):
            leg = begin()
            self.client_gone()
            self.told((Side.SERVICE, INTERNAL))
            self.service_gone()
            self.nothing_left(leg)
            self.assert_ended(Cause.INTERNAL)
