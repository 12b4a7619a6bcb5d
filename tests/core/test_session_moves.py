"""Sessions that outlive their instance."""

from __future__ import annotations

from apiml_ws.core.closing import Cause, Close
from apiml_ws.core.interfaces import Boundary, Side
from apiml_ws.core.record import Exchange
from apiml_ws.core.settings import SessionSettings
from tests.core.doubles_session import MemoryLeg, answered, instance_named
from tests.core.doubles_session_case import ALWAYS, BYE, NEVER, NOT_MOVED, RESTART, SessionTestCase


class MoveTests(SessionTestCase):
    """Sessions that outlive their instance."""

    def test_lost_service(self) -> None:
        """The client waits, another instance is dialled, and the session goes on there."""
        self.reattaching()
        self.assertEqual(self.world.dialer.dialled, ["a", "b"])
        leg = self.world.dialer.attempts[1].open()
        self.assertEqual(self.relay.taken(), [("attach", leg)])
        self.assertEqual(self.world.ledger.heard, ["moving", "moved"])
        self.session.stop()
        self.relay.taken()
        record = self.end_both(Cause.STOPPING)
        self.assertEqual((record.moves, record.instance_id), (1, "b"))

    def test_another_service_session(self) -> None:
        """What goes on at another instance has another id with it."""
        self.relaying()
        first = self.session.view()
        self.session.lost(Side.SERVICE, Boundary.MESSAGE)
        self.world.dialer.attempts[1].open()
        second = self.session.view()
        self.session.stop()
        self.relay.taken()
        record = self.end_both(Cause.STOPPING)
        assert first is not None
        assert second is not None
        self.assertEqual("service-session-1", first.service_session_id)
        self.assertEqual("service-session-2", second.service_session_id)
        self.assertEqual("service-session-2", record.service_session_id)

    def test_same_request(self) -> None:
        """The other instance is offered what the first one was."""
        self.reattaching()
        first, second = (attempt.request for attempt in self.world.dialer.attempts)
        self.assertEqual((first.subprotocols, first.extensions), (second.subprotocols, second.extensions))
        self.assertEqual((first.resource, second.headers), (second.resource, ((b"X-Instance", b"b"),)))
        self.session.abort()

    def test_who_may(self) -> None:
        """Words of the operator and the service, subprotocols and compression contexts decide."""
        auto = SessionSettings()
        fresh = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        for settings, client, leg, moves in (
            (auto, MemoryLeg(), MemoryLeg(), True),
            (auto, MemoryLeg(subprotocol="chat"), MemoryLeg(), False),
            (auto, MemoryLeg(), MemoryLeg(subprotocol="chat"), False),
            (ALWAYS, MemoryLeg(subprotocol="chat"), MemoryLeg(subprotocol="chat"), True),
            (NEVER, MemoryLeg(), MemoryLeg(), False),
            (auto, MemoryLeg(fresh), MemoryLeg(fresh), True),
            (ALWAYS, MemoryLeg("permessage-deflate"), MemoryLeg(fresh), False),
            (ALWAYS, MemoryLeg(fresh), MemoryLeg("permessage-deflate"), False),
        ):
            self.relaying(settings=settings, client=client, leg=leg)
            self.session.lost(Side.SERVICE, Boundary.MESSAGE)
            self.assertEqual(len(self.world.dialer.attempts), 2 if moves else 1, (settings, client, leg))
            self.session.abort()

    def test_no_instance_in_time(self) -> None:
        """After propagationTimeout the client is told 1012."""
        self.reattaching("a")
        self.world.register()
        self.world.dialer.attempts[1].fail()
        self.world.clock.pump([1.0] * 29)
        self.assertEqual(self.relay.taken(), [])
        self.world.clock.advance(1)
        self.told((Side.CLIENT, NOT_MOVED))
        self.client_gone()
        self.assertEqual(self.assert_ended(Cause.NOT_MOVED).detail, "deadline")

    def test_attempt_outlasts_the_deadline(self) -> None:
        """An attempt under way at the deadline is cancelled."""
        self.reattaching()
        self.world.clock.advance(30)
        self.assertTrue(self.world.dialer.attempts[1].cancelled)
        self.told((Side.CLIENT, NOT_MOVED))
        self.client_gone()
        self.assert_ended(Cause.NOT_MOVED)

    def test_final_answer(self) -> None:
        """An instance that will not have the session ends it."""
        self.reattaching()
        self.world.dialer.attempts[1].fail(answered(401))
        self.told((Side.CLIENT, NOT_MOVED))
        self.client_gone()
        self.assertEqual(self.assert_ended(Cause.NOT_MOVED).detail, "HTTP 401 at wss://host.test:10012/sample/ws/chat")

    def test_another_agreement(self) -> None:
        """An instance that agrees to another subprotocol or other extensions ends the session, and its leg is let go."""
        for leg in (MemoryLeg(subprotocol="chat"), MemoryLeg("permessage-deflate")):
            self.reattaching()
            self.world.dialer.attempts[1].open(leg)
            self.assertTrue(leg.abandoned)
            self.told((Side.CLIENT, NOT_MOVED))
            self.client_gone()
            self.assert_ended(Cause.NOT_MOVED)

    def test_service_that_leaves(self) -> None:
        """A service that closes with 1001 or 1012 gets its answer, and another one is dialled."""
        for close, goes in ((Close(1001, "going"), True), (RESTART, True), (RESTART, False)):
            self.leaving(close)
            if goes:
                self.service_gone()
            leg = self.world.dialer.attempts[1].open()
            self.assertEqual(self.relay.taken(), [("attach", leg)])
            self.session.close_received(Side.CLIENT, BYE)
            self.told((Side.SERVICE, BYE))
            self.session.close_received(Side.SERVICE, BYE)
            self.told((Side.CLIENT, BYE))
            record = self.end_both(Cause.CLIENT_CLOSED)
            self.assertEqual((record.moves, record.service), (1, Exchange(sent=BYE, received=BYE)))

    def leaving(self, close: Close = RESTART) -> None:
        self.relaying()
        self.session.close_received(Side.SERVICE, close)
        self.assertEqual(self.relay.taken(), [("hold",), ("close", Side.SERVICE, close)])
        self.assertEqual(self.world.dialer.dialled, ["a", "b"])

    def test_service_that_leaves_and_no_other(self) -> None:
        """Its close passes as it was when the move fails."""
        self.leaving()
        self.service_gone()
        self.world.clock.advance(30)
        self.told((Side.CLIENT, RESTART))
        self.client_gone()
        record = self.assert_ended(Cause.SERVICE_CLOSED)
        self.assertEqual((record.closed_first, record.detail), (Side.SERVICE, "deadline"))

    def test_service_that_leaves_a_session_that_may_not_move(self) -> None:
        """Its close passes at once: not allowed, in the middle of a message, or another code."""
        for settings, movable, close in ((NEVER, True, RESTART), (ALWAYS, False, RESTART), (ALWAYS, True, Close(1000))):
            self.relaying(settings=settings)
            self.relay.movable = movable
            self.session.close_received(Side.SERVICE, close)
            self.told((Side.CLIENT, close))
            self.session.ended(Side.CLIENT)
            self.told((Side.SERVICE, close))
            self.service_gone()
            self.assert_ended(Cause.SERVICE_CLOSED)

    def test_service_that_leaves_and_is_lost(self) -> None:
        """However its connection ends, no further search begins."""
        for where in Boundary:
            self.leaving()
            self.relay.movable = where is Boundary.MESSAGE
            self.session.lost(Side.SERVICE, where)
            self.service_gone()
            self.assertEqual(self.world.dialer.dialled, ["a", "b"])
            self.session.abort()

    def test_client_closes_with_nothing_waiting(self) -> None:
        """It gets its own code back, and the search ends."""
        self.reattaching()
        self.session.close_received(Side.CLIENT, BYE)
        self.told((Side.CLIENT, BYE))
        self.assertTrue(self.world.dialer.attempts[1].cancelled)
        self.client_gone()
        self.assertEqual(self.assert_ended(Cause.CLIENT_CLOSED).closed_first, Side.CLIENT)

    def test_client_closes_after_something(self) -> None:
        """The search goes on, what waited is delivered to the new instance, then the close."""
        self.reattaching()
        self.relay.waiting = True
        self.session.close_received(Side.CLIENT, BYE)
        leg = self.world.dialer.attempts[1].open()
        self.assertEqual(self.relay.taken(), [("attach", leg), ("close", Side.SERVICE, BYE)])
        self.service_gone()
        self.told((Side.CLIENT, BYE))
        self.client_gone()
        self.assertEqual(self.assert_ended(Cause.CLIENT_CLOSED).moves, 1)

    def test_client_closes_after_something_and_no_instance_in_time(self) -> None:
        """The deadline holds for a client that said close too."""
        self.reattaching()
        self.relay.waiting = True
        self.session.close_received(Side.CLIENT, BYE)
        self.world.clock.advance(30)
        self.told((Side.CLIENT, NOT_MOVED))
        self.client_gone()
        self.assert_ended(Cause.NOT_MOVED)

    def test_client_closes_before_the_service_that_leaves_is_gone(self) -> None:
        """What waits is delivered all the same."""
        self.leaving()
        self.relay.waiting = True
        self.session.close_received(Side.CLIENT, BYE)
        self.service_gone()
        self.relay.taken()
        self.world.dialer.attempts[1].open()
        self.assertEqual(self.relay.taken()[1:], [("close", Side.SERVICE, BYE)])
        self.end_after_answer()

    def end_after_answer(self) -> None:
        self.session.close_received(Side.SERVICE, BYE)
        self.relay.taken()
        self.end_both(Cause.CLIENT_CLOSED)

    def test_client_lost(self) -> None:
        """Nobody is left to serve."""
        self.reattaching()
        self.session.lost(Side.CLIENT, Boundary.MESSAGE)
        self.assertTrue(self.world.dialer.attempts[1].cancelled)
        self.assert_ended(Cause.CLIENT_LOST)

    def test_client_lost_before_the_service_that_leaves_is_gone(self) -> None:
        """The service has its answer already, and its end is waited for."""
        self.relaying()
        self.session.close_received(Side.SERVICE, RESTART)
        self.relay.taken()
        self.session.lost(Side.CLIENT, Boundary.MESSAGE)
        self.assertEqual((self.relay.taken(), self.world.ledger.records), ([], []))
        self.service_gone()
        self.assert_ended(Cause.CLIENT_LOST)

    def test_stop(self) -> None:
        """A session without a service is closed on the leg that it has."""
        self.reattaching()
        self.session.stop()
        self.told((Side.CLIENT, Close(1001, "Gateway is shutting down")))
        self.assertTrue(self.world.dialer.attempts[1].cancelled)
        self.client_gone()
        self.assert_ended(Cause.STOPPING)

    def test_taken_off_and_idle_mean_nothing_meanwhile(self) -> None:
        """A session that looks for an instance has none that could be taken off, and is not idle."""
        self.reattaching()
        self.session.taken_off()
        self.session.check_idle(1e9)
        self.assertEqual(self.relay.taken(), [])
        self.session.abort()

    def test_services_that_take_sessions_only_to_lose_them(self) -> None:
        """They are dialled once a second, and not for longer than one search may take."""
        self.reattaching("a")
        for _ in range(29):
            self.world.dialer.attempts[-1].open()
            self.session.lost(Side.SERVICE, Boundary.MESSAGE)
            self.world.clock.advance(1)
        self.assertEqual(len(self.world.dialer.attempts), 31)
        self.relay.taken()
        self.world.clock.advance(1)
        self.told((Side.CLIENT, NOT_MOVED))
        self.client_gone()
        self.assertEqual(self.assert_ended(Cause.NOT_MOVED).moves, 29)

    def test_service_that_lasted(self) -> None:
        """A later loss is a move of its own, with the whole of propagationTimeout and no pause."""
        self.reattaching()
        self.world.clock.advance(20)
        self.world.dialer.attempts[1].open()
        self.world.clock.advance(20)
        self.session.lost(Side.SERVICE, Boundary.MESSAGE)
        self.assertEqual(self.world.dialer.dialled, ["a", "b", "a"])
        self.world.clock.advance(29)
        self.world.dialer.attempts[2].open()
        self.session.abort()

    def test_legs_that_come_too_late(self) -> None:
        """A leg that nobody waits for any more is let go."""
        for end in (self.session_stop, self.session_abort):
            self.relaying()
            for leg in (late := MemoryLeg(), unfit := MemoryLeg("permessage-deflate")):
                self.session.opened(leg, instance_named("b"))
            end()
            for leg in (later := MemoryLeg(), unfit_later := MemoryLeg("permessage-deflate")):
                self.session.opened(leg, instance_named("b"))
            self.assertTrue(all(leg.abandoned for leg in (late, unfit, later, unfit_later)))
            self.session.abort()

    def session_stop(self) -> None:
        self.session.stop()

    def session_abort(self) -> None:
        self.session.abort()
