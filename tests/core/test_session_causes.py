"""What each cause does to the two ends of a session."""

from __future__ import annotations

from apiml_ws.core.closing import Cause, Close
from apiml_ws.core.interfaces import Boundary, Side, Violation
from apiml_ws.core.settings import SessionSettings
from tests.core.doubles_session_case import ALWAYS, BYE, GONE, INTERNAL, LOST, NEVER, NOT_MOVED, SessionTestCase


class CauseTests(SessionTestCase):
    """The rows of the close code table, on both legs."""

    def test_client_lost(self) -> None:
        """The service is told."""
        for where in Boundary:
            self.relaying()
            self.session.lost(Side.CLIENT, where)
            self.told((Side.SERVICE, GONE))
            self.session.close_received(Side.SERVICE, GONE)
            self.service_gone()
            self.assertEqual(self.relay.taken(), [])
            self.assertIsNone(self.assert_ended(Cause.CLIENT_LOST).closed_first)

    def test_service_lost_between_frames(self) -> None:
        """A session that may not move ends with 1011."""
        for where in (Boundary.MESSAGE, Boundary.FRAGMENT):
            self.relaying(settings=NEVER)
            self.session.lost(Side.SERVICE, where)
            self.told((Side.CLIENT, LOST))
            self.client_gone()
            self.assert_ended(Cause.SERVICE_LOST)

    def test_service_lost_inside_a_frame(self) -> None:
        """The client's connection is dropped: nothing can be said inside a frame."""
        for settings, cause in ((NEVER, Cause.SERVICE_LOST), (ALWAYS, Cause.NOT_MOVED)):
            self.relaying(settings=settings)
            self.relay.movable = False
            self.session.lost(Side.SERVICE, Boundary.FRAME)
            self.told((Side.CLIENT, None))
            self.client_gone()
            self.assertIsNone(self.assert_ended(cause).client.sent)

    def test_service_lost_between_fragments(self) -> None:
        """A session that might have moved but for the place where its service was lost ends with 1012 at once."""
        self.relaying()
        self.relay.movable = False
        self.session.lost(Side.SERVICE, Boundary.FRAGMENT)
        self.told((Side.CLIENT, NOT_MOVED))
        self.client_gone()
        self.assert_ended(Cause.NOT_MOVED)

    def test_broken_rules(self) -> None:
        """The offender is told which rule it broke, the other end that the offender is gone."""
        for side, code, cause in (
            (Side.CLIENT, 1002, Cause.CLIENT_BROKE_PROTOCOL),
            (Side.CLIENT, 1007, Cause.CLIENT_BROKE_PROTOCOL),
            (Side.CLIENT, 1009, Cause.CLIENT_OVER_LIMIT),
            (Side.SERVICE, 1002, Cause.SERVICE_BROKE_PROTOCOL),
            (Side.SERVICE, 1009, Cause.SERVICE_OVER_LIMIT),
        ):
            self.relaying()
            self.session.broken(side, Violation(code, "a rule"))
            self.told((side, Close(code, "a rule")), (side.other, GONE if side is Side.CLIENT else LOST))
            self.assertEqual(self.end_both(cause).detail, "a rule")

    def test_stalled_client(self) -> None:
        """Its connection is dropped, and the service told."""
        self.relaying()
        self.session.stalled(Side.CLIENT)
        self.told((Side.CLIENT, None), (Side.SERVICE, Close(1001, "Client is not reading")))
        self.end_both(Cause.CLIENT_STALLED)

    def test_stalled_service(self) -> None:
        """Its connection is dropped, and the client told."""
        self.relaying()
        self.session.stalled(Side.SERVICE)
        self.told((Side.SERVICE, None), (Side.CLIENT, Close(1013, "Service is not reading")))
        self.end_both(Cause.SERVICE_STALLED)

    def test_stop(self) -> None:
        """Both ends are told, and answers change nothing."""
        self.relaying()
        self.session.stop()
        self.told(*((side, Close(1001, "Gateway is shutting down")) for side in Side))
        for side in Side:
            self.session.close_received(side, Close(1001))
        record = self.end_both(Cause.STOPPING)
        self.assertIsNone(record.closed_first)

    def test_taken_off(self) -> None:
        """The client may come back for another instance."""
        self.relaying()
        self.session.taken_off()
        self.told(
            (Side.CLIENT, Close(1012, "Instance was taken off")), (Side.SERVICE, Close(1001, "Session was closed"))
        )
        self.end_both(Cause.TAKEN_OFF)

    def test_idle(self) -> None:
        """Both ends are told when neither sent a frame for maxIdleTimeout."""
        self.relaying(settings=SessionSettings(max_idle_timeout=10))
        self.session.check_idle(9.9)
        self.assertEqual(self.relay.taken(), [])
        self.session.check_idle(10)
        self.told(*((side, Close(1000, "Idle timeout")) for side in Side))
        self.end_both(Cause.IDLE)

    def test_frames_of_either_end_keep_it_alive(self) -> None:
        """The last frame of either end counts, and it is not looked for before it can matter."""
        for side in Side:
            self.relaying(settings=SessionSettings(max_idle_timeout=10))
            self.session.check_idle(5)
            self.relay.counted[side].last_frame = 8
            self.session.check_idle(9)
            self.session.check_idle(17.9)
            self.assertEqual(self.relay.taken(), [])
            self.session.check_idle(18)
            self.assertEqual(len(self.relay.taken()), 2)
            self.end_both(Cause.IDLE)

    def test_connections_that_end_by_themselves(self) -> None:
        """A connection that is said to have ended though nobody closed it: the relay failed."""
        self.relaying()
        self.service_gone()
        self.told((Side.CLIENT, INTERNAL))
        self.client_gone()
        self.assert_ended(Cause.INTERNAL)
        self.relaying()
        self.client_gone()
        self.told((Side.SERVICE, INTERNAL))
        self.service_gone()
        self.assert_ended(Cause.INTERNAL)

    def test_abort(self) -> None:
        """Both connections are dropped, and it is over at once."""
        self.relaying()
        self.session.abort()
        self.told(*((side, None) for side in Side))
        self.assert_ended(Cause.STOPPING)
        self.end_late()

    def test_abort_while_closing(self) -> None:
        """The cause stays what it was."""
        self.relaying()
        self.session.close_received(Side.CLIENT, BYE)
        self.relay.taken()
        self.session.abort()
        self.told(*((side, None) for side in Side))
        self.assert_ended(Cause.CLIENT_CLOSED)
        self.end_late()

    def end_late(self) -> None:
        for side in Side:
            self.session.ended(side)
        self.session.abort()
        self.assertEqual((self.relay.taken(), len(self.world.ledger.records)), ([], 1))
