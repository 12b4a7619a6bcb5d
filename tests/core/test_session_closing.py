"""The closing handshake of a session, end to end."""

from __future__ import annotations

from apiml_ws.core.closing import Cause, Close
from apiml_ws.core.interfaces import Boundary, Counters, Side
from apiml_ws.core.record import Exchange, SessionRecord
from apiml_ws.core.session import Session
from tests.core.doubles_session import MemoryLeg, World
from tests.core.doubles_session_case import ANSWER, BYE, SessionTestCase


class ClosingHandshakeTests(SessionTestCase):
    """One closing handshake from end to end."""

    def test_each_way(self) -> None:
        """The first close passes as it was, and so does the answer."""
        for side, cause in ((Side.CLIENT, Cause.CLIENT_CLOSED), (Side.SERVICE, Cause.SERVICE_CLOSED)):
            self.relaying()
            self.session.close_received(side, BYE)
            self.told((side.other, BYE))
            self.session.close_received(side.other, ANSWER)
            self.told((side, ANSWER))
            record = self.end_both(cause)
            self.assertEqual(record.closed_first, side)
            ends = {Side.CLIENT: record.client, Side.SERVICE: record.service}
            self.assertEqual(ends[side], Exchange(sent=ANSWER, received=BYE))
            self.assertEqual(ends[side.other], Exchange(sent=BYE, received=ANSWER))

    def test_forgotten(self) -> None:
        """A session that ended tells its relay so, and never before."""
        self.relaying()
        self.session.close_received(Side.CLIENT, BYE)
        self.told((Side.SERVICE, BYE))
        self.session.close_received(Side.SERVICE, ANSWER)
        self.told((Side.CLIENT, ANSWER))
        self.assertFalse(self.relay.forgotten)
        self.end_both(Cause.CLIENT_CLOSED)
        self.assertTrue(self.relay.forgotten)

    def test_no_code(self) -> None:
        """A close without a code passes without one."""
        self.relaying()
        self.session.close_received(Side.CLIENT, Close(None))
        self.told((Side.SERVICE, Close(None)))
        self.session.close_received(Side.SERVICE, Close(None))
        self.told((Side.CLIENT, Close(None)))
        self.end_both(Cause.CLIENT_CLOSED)

    def test_no_answer(self) -> None:
        """Whoever closed first gets its own code back when the other end is gone without an answer."""
        for side, cause in ((Side.CLIENT, Cause.CLIENT_CLOSED), (Side.SERVICE, Cause.SERVICE_CLOSED)):
            for gone in (self.session_ended, self.session_lost):
                self.relaying()
                self.session.close_received(side, BYE)
                self.told((side.other, BYE))
                gone(side.other)
                self.told((side, BYE))
                self.session.ended(side)
                self.assert_ended(cause)

    def session_ended(self, side: Side) -> None:
        self.session.ended(side)

    def session_lost(self, side: Side) -> None:
        self.session.lost(side, Boundary.FRAME)

    def test_both_at_once(self) -> None:
        """A close that crosses another counts as its answer."""
        self.relaying()
        self.session.close_received(Side.SERVICE, BYE)
        self.session.close_received(Side.CLIENT, ANSWER)
        self.told((Side.CLIENT, BYE), (Side.SERVICE, ANSWER))
        self.end_both(Cause.SERVICE_CLOSED)

    def test_first_does_not_wait(self) -> None:
        """One that closed and went is not answered; the other end is waited for."""
        self.relaying()
        self.session.close_received(Side.CLIENT, BYE)
        self.client_gone()
        self.told((Side.SERVICE, BYE))
        self.assertEqual(self.world.ledger.records, [])
        self.session.close_received(Side.SERVICE, ANSWER)
        self.service_gone()
        self.assertEqual(self.relay.taken(), [])
        self.assert_ended(Cause.CLIENT_CLOSED)

    def test_stalled_while_closing(self) -> None:
        """An end that takes nothing does not take its close either: its connection is dropped."""
        self.relaying()
        self.session.stop()
        self.relay.taken()
        for side in Side:
            self.session.stalled(side)
            self.told((side, None))
        self.end_both(Cause.STOPPING)

    def test_client_close_with_something_waiting(self) -> None:
        """With a service there, the service has it all."""
        self.relaying()
        self.relay.waiting = True
        self.session.close_received(Side.CLIENT, BYE)
        self.told((Side.SERVICE, BYE))
        self.session.close_received(Side.CLIENT, BYE)
        self.end_both(Cause.CLIENT_CLOSED)

    def test_record(self) -> None:
        """What is remembered: who, where, why, what was said, how much and how long."""
        self.relaying()
        self.relay.counted = {Side.CLIENT: Counters(1, 2, 3), Side.SERVICE: Counters(4, 5, 6)}
        self.world.clock.advance(12)
        self.session.close_received(Side.CLIENT, BYE)
        self.session.close_received(Side.SERVICE, BYE)
        self.relay.taken()
        expected = SessionRecord(
            session_id="session-1",
            service_session_id="service-session-1",
            client_address="/127.0.0.1:51234",
            gateway_uri="wss://localhost:10010/sample/ws/v1/chat?x=1",
            service_id="sample",
            instance_id="a",
            cause=Cause.CLIENT_CLOSED,
            detail="",
            closed_first=Side.CLIENT,
            client=Exchange(sent=BYE, received=BYE),
            service=Exchange(sent=BYE, received=BYE),
            from_client=Counters(1, 2, 3),
            from_service=Counters(4, 5, 6),
            duration=12.0,
            moves=0,
        )
        self.assertEqual(self.end_both(Cause.CLIENT_CLOSED), expected)

    def test_duration(self) -> None:
        """It is counted from the client's 101, whatever the clock said then."""
        world = World("a")
        world.clock.advance(1000)
        session = Session(world.opening(), MemoryLeg(), world.around)
        world.clock.advance(3)
        session.abort()
        self.assertEqual([record.duration for record in world.ledger.records], [3])
