"""All sessions behind one door."""

from __future__ import annotations

from apiml_ws.core.closing import Cause, Close
from apiml_ws.core.dialing import DialRefusal
from apiml_ws.core.interfaces import Boundary, Side
from apiml_ws.core.registry import EMPTY
from apiml_ws.core.routing import Refusal
from apiml_ws.core.session import Session
from tests.core.doubles_session import (
    SOURCE,
    MemoryLeg,
    answered,
    instance_named,
)
from tests.core.doubles_sessions_case import SessionsTestCase


class DialTests(SessionsTestCase):
    """Services that are dialled before the client is answered."""

    def test_opened(self) -> None:
        """The leg is the caller's, who begins the session with it; nothing is recorded."""
        search = self.sessions.dial(self.world.opening(), self.outcome)
        leg = self.world.dialer.attempts[0].open()
        self.assertEqual(self.outcome.found, [(leg, "a")])
        search.cancel()
        self.assertEqual((self.recorder.records, len(self.sessions)), ([], 0))

    def test_a_client_that_cannot_be_let_in(self) -> None:
        """An error of whoever asked ends the leg, is logged and recorded, and is told as a refusal."""
        self.outcome.fails = True
        self.sessions.dial(self.world.opening(), self.outcome)
        self.world.dialer.attempts[0].open(leg := MemoryLeg())
        self.assertTrue(leg.abandoned)
        self.assertEqual(self.outcome.refusals, [DialRefusal(Cause.INTERNAL)])
        self.assertEqual((self.causes, len(self.flushLoggedErrors(OSError))), ([Cause.INTERNAL], 1))

    def test_refused(self) -> None:
        """A client that is refused is recorded, with the time that it took."""
        self.sessions.dial(self.world.opening(), self.outcome)
        self.world.clock.advance(3)
        failure = answered(503)
        self.world.dialer.attempts[0].fail(failure)
        self.assertEqual([refusal.failure for refusal in self.outcome.refusals], [failure])
        [record] = self.recorder.records
        self.assertEqual((record.cause, record.duration), (Cause.SERVICE_ERROR, 3))
        self.assertEqual(record.detail, "HTTP 503 at wss://host.test:10012/sample/ws/chat")
        self.assertEqual((record.service_id, record.session_id), ("sample", "session-1"))

    def test_refused_by_routing(self) -> None:
        """It is told in a later turn, and recorded."""
        opening = self.world.opening(target=Refusal(Cause.UNKNOWN_ROUTE, "v9"))
        self.sessions.dial(opening, self.outcome)
        self.assertEqual(self.outcome.refusals, [])
        self.world.clock.advance(0)
        self.assertEqual(self.outcome.refusals, [DialRefusal(Cause.UNKNOWN_ROUTE, "v9")])
        self.assertEqual(self.causes, [Cause.UNKNOWN_ROUTE])

    def test_client_gone(self) -> None:
        """A search whose client went is recorded once and tells nothing."""
        search = self.sessions.dial(self.world.opening(), self.outcome)
        search.cancel()
        search.cancel()
        self.assertTrue(self.world.dialer.attempts[0].cancelled)
        self.assertEqual((self.causes, self.outcome.refusals), ([Cause.CLIENT_LOST], []))

    def test_stop(self) -> None:
        """A stop ends searches: their clients are refused."""
        self.sessions.dial(self.world.opening(), self.outcome)
        self.stop()
        self.assertTrue(self.world.dialer.attempts[0].cancelled)
        self.assertEqual((self.outcome.refusals, self.causes), ([DialRefusal(Cause.STOPPING)], [Cause.STOPPING]))
        self.assertEqual(self.gone, [0])

    def test_after_the_stop(self) -> None:
        """Nothing is dialled any more."""
        self.stop()
        self.sessions.dial(self.world.opening(), self.outcome)
        self.world.clock.advance(0)
        self.assertEqual((self.outcome.refusals, self.world.dialer.attempts), ([DialRefusal(Cause.STOPPING)], []))


class LiveTests(SessionsTestCase):
    """Sessions that live."""

    def test_list(self) -> None:
        """Those with a service are listed, those without are only counted."""
        self.start(1)
        self.sessions.start(self.world.opening(session_id="session-2"), MemoryLeg())
        self.assertEqual([view.session_id for view in self.sessions.open_sessions()], ["session-1"])
        self.assertEqual((len(self.sessions), self.sessions.counts.begun), (2, 2))

    def test_list_over_several_turns(self) -> None:
        """A session that ended meanwhile is not in it; nor is one that began."""
        relay = self.start(1)
        self.start(2)
        first = self.sessions.open_sessions()
        self.assertEqual(next(first).session_id, "session-1")
        relay.events.lost(Side.CLIENT, Boundary.MESSAGE)
        self.end(relay)
        self.start(3)
        self.assertEqual([view.session_id for view in first], ["session-2"])
        self.assertEqual([view.session_id for view in self.sessions.open_sessions()], ["session-2", "session-3"])
        other = self.sessions.open_sessions()
        self.assertEqual(next(other).session_id, "session-2")
        self.end(self.world.relays.made[-1])
        self.assertEqual(list(other), [])

    def test_ended(self) -> None:
        """A session that ended is recorded and forgotten."""
        relay = self.start(1)
        relay.events.lost(Side.CLIENT, Boundary.MESSAGE)
        relay.events.ended(Side.SERVICE)
        self.assertEqual((len(self.sessions), self.causes), (0, [Cause.CLIENT_LOST]))
        self.assertEqual(self.sessions.counts.ended, {Cause.CLIENT_LOST: 1})

    def test_moves(self) -> None:
        """Moves are counted, those under way and those done."""
        relay = self.start(1)
        relay.events.lost(Side.SERVICE, Boundary.MESSAGE)
        self.assertEqual((self.sessions.moving, self.sessions.moves), (1, 0))
        self.world.dialer.attempts[-1].open()
        self.assertEqual((self.sessions.moving, self.sessions.moves), (0, 1))

    def test_a_session_that_cannot_begin(self) -> None:
        """Is recorded and logged, and its legs are let go."""
        self.world.relays.fails = True
        client, service = MemoryLeg(), MemoryLeg()
        self.assertIs(self.sessions.start(self.world.opening(), client), None)
        self.assertIs(self.sessions.start(self.world.opening(), client, (service, instance_named("a"))), None)
        self.assertEqual((client.abandoned, service.abandoned, len(self.sessions)), (True, True, 0))
        self.assertEqual((self.causes, len(self.flushLoggedErrors(OSError))), ([Cause.INTERNAL] * 2, 2))

    def test_sweep(self) -> None:
        """Idle sessions are closed, others are not."""
        idle, busy = self.start(1), self.start(2)
        self.world.clock.advance(3600)
        busy.counted[Side.SERVICE].last_frame = 3599
        self.sessions.sweep()
        self.assertEqual([command[0] for command in idle.taken()], ["close", "close"])
        self.assertEqual(busy.taken(), [])

    def test_turns_of_vanished_services_are_forgotten(self) -> None:
        """A service that vanished and came back begins its round anew."""
        for _ in range(3):
            self.sessions.dial(self.world.opening(), self.outcome)
        self.world.directory.update(SOURCE, EMPTY)
        self.world.register("a", "b")
        self.sessions.dial(self.world.opening(), self.outcome)
        self.assertEqual(self.world.dialer.dialled, ["a", "b", "a", "a"])


class StopTests(SessionsTestCase):
    """The stop of the gateway."""

    def test_closed_and_waited_for(self) -> None:
        """New ones are refused, old ones closed at closeRate, and the end told when all are gone."""
        relays = [self.start(number) for number in range(3)]
        self.assertTrue(self.sessions.accepting)
        self.sessions.announce_stop()
        self.assertEqual((self.sessions.accepting, self.sessions.inviting), (True, False))
        self.stop()
        self.assertFalse(self.sessions.accepting)
        self.world.clock.pump([1.0] * 2)
        self.assertEqual([len(relay.taken()) for relay in relays], [2, 2, 2])
        for relay in relays:
            self.assertEqual(self.gone, [])
            self.end(relay)
        self.assertEqual((self.gone, self.causes), ([2], [Cause.STOPPING] * 3))

    def test_dropped(self) -> None:
        """What does not end within stopTimeout is dropped."""
        relay = self.start(1)
        self.stop()
        self.world.clock.pump([1.0] * 10)
        self.assertEqual(relay.taken()[-2:], [("drop", side) for side in Side])
        self.assertEqual((self.gone, self.causes, len(self.sessions)), ([10], [Cause.STOPPING], 0))

    def test_a_client_that_was_let_in_too_late(self) -> None:
        """A session that begins while the gateway stops is closed at once."""
        first = self.start(1)
        self.stop()
        session = self.sessions.start(self.world.opening(session_id="late"), MemoryLeg())
        self.assertIsInstance(session, Session)
        late = self.world.relays.made[-1]
        self.assertEqual(late.taken(), [("close", Side.CLIENT, Close(1001, "Gateway is shutting down"))])
        late.events.ended(Side.CLIENT)
        self.end(first)
        self.assertEqual(self.gone, [0])
