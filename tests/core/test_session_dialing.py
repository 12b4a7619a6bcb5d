"""A session before it has a service."""

from __future__ import annotations

from apiml_ws.core.closing import Cause, Close
from apiml_ws.core.interfaces import Boundary, Limits, Side, Violation
from apiml_ws.core.record import Exchange
from apiml_ws.core.routing import Refusal
from apiml_ws.core.session import Session
from apiml_ws.core.settings import SessionSettings
from tests.core.doubles_session import MemoryLeg, World, answered, instance_named
from tests.core.doubles_session_case import ANSWER, BYE, SessionTestCase


class DialingTests(SessionTestCase):
    """Before there is a service."""

    def test_limits(self) -> None:
        """The relay is given the limits of the service."""
        limits = Limits(max_message_size=7)
        self.begin(settings=SessionSettings(limits=limits))
        self.assertEqual(self.relay.limits, limits)
        self.session.abort()

    def test_opened(self) -> None:
        """The leg is coupled with the client's."""
        self.begin()
        leg = self.world.dialer.attempts[0].open()
        self.assertEqual(self.relay.taken(), [("attach", leg)])
        self.session.abort()

    def test_with_a_service_from_the_start(self) -> None:
        """A service that was dialled before the client was answered is coupled at once, and nothing is dialled."""
        self.world = World("a")
        leg = MemoryLeg()
        session = Session(self.world.opening(), MemoryLeg(), self.world.around, (leg, instance_named("a")))
        self.assertEqual(self.world.relays.made[0].commands, [("attach", leg)])
        self.assertEqual(self.world.dialer.attempts, [])
        self.assertEqual(session.instance, instance_named("a"))

    def test_refused_by_routing(self) -> None:
        """A client that was answered before its path was refused is closed with the cause."""
        self.begin(target=Refusal(Cause.UNKNOWN_SERVICE, "x"))
        self.world.clock.advance(0)
        self.told((Side.CLIENT, Close(1003, "Requested service x is not known by the gateway")))
        self.session.close_received(Side.CLIENT, Close(1003))
        self.assertEqual(self.relay.taken(), [])
        self.client_gone()
        record = self.assert_ended(Cause.UNKNOWN_SERVICE)
        self.assertEqual((record.service_id, record.instance_id), ("", ""))

    def test_refused_by_the_service(self) -> None:
        """The service's answer decides what the client is told."""
        self.begin()
        self.world.dialer.attempts[0].fail(answered(503))
        url = "wss://host.test:10012/sample/ws/chat"
        self.told((Side.CLIENT, Close(1011, f"Error opening session to WebSocket service at {url}: HTTP 503")))
        self.client_gone()
        record = self.assert_ended(Cause.SERVICE_ERROR)
        self.assertEqual((record.service_id, record.instance_id), ("sample", ""))
        self.assertEqual(record.detail, f"HTTP 503 at {url}")

    def test_early_close_with_nothing_before_it(self) -> None:
        """It ends the dial, and the client gets its own code."""
        self.begin()
        self.session.close_received(Side.CLIENT, BYE)
        self.told((Side.CLIENT, BYE))
        self.assertTrue(self.world.dialer.attempts[0].cancelled)
        self.client_gone()
        record = self.assert_ended(Cause.CLIENT_CLOSED)
        self.assertEqual((record.closed_first, record.client), (Side.CLIENT, Exchange(sent=BYE, received=BYE)))

    def test_early_close_after_something(self) -> None:
        """The dial goes on, what waited is delivered, then the close, whose answer goes back."""
        self.begin()
        self.depart()
        leg = self.world.dialer.attempts[0].open()
        self.assertEqual(self.relay.taken(), [("attach", leg), ("close", Side.SERVICE, BYE)])
        self.session.close_received(Side.SERVICE, ANSWER)
        self.told((Side.CLIENT, ANSWER))
        self.assertEqual(self.end_both(Cause.CLIENT_CLOSED).closed_first, Side.CLIENT)

    def depart(self) -> None:
        self.relay.waiting = True
        self.session.close_received(Side.CLIENT, BYE)
        self.assertEqual(self.relay.taken(), [])

    def test_early_close_of_a_client_that_does_not_wait(self) -> None:
        """What it sent and its close are delivered though its connection is gone."""
        self.begin()
        self.depart()
        self.client_gone()
        leg = self.world.dialer.attempts[0].open()
        self.assertEqual(self.relay.taken(), [("attach", leg), ("close", Side.SERVICE, BYE)])
        self.session.close_received(Side.SERVICE, BYE)
        self.service_gone()
        self.assertEqual(self.relay.taken(), [])
        self.assert_ended(Cause.CLIENT_CLOSED)

    def test_early_close_and_no_service(self) -> None:
        """A client whose words could not be delivered is told why."""
        self.begin("a")
        self.depart()
        self.world.dialer.attempts[0].fail(answered(401))
        self.told((Side.CLIENT, Close(1003, "Invalid login credentials")))
        self.client_gone()
        self.assert_ended(Cause.BAD_CREDENTIALS)

    def test_early_close_then_gone_and_no_service(self) -> None:
        """Nothing is left when the dial fails after the client went."""
        self.begin("a")
        self.depart()
        self.client_gone()
        self.world.dialer.attempts[0].fail(answered(401))
        self.assertEqual(self.relay.taken(), [])
        self.assert_ended(Cause.BAD_CREDENTIALS)

    def test_early_close_of_a_client_that_stalls(self) -> None:
        """Its connection is dropped, and its words are delivered all the same."""
        self.begin()
        self.depart()
        self.session.stalled(Side.CLIENT)
        self.told((Side.CLIENT, None))
        self.client_gone()
        self.world.dialer.attempts[0].open()
        self.assertEqual(self.relay.taken()[1:], [("close", Side.SERVICE, BYE)])
        self.session.lost(Side.SERVICE, Boundary.MESSAGE)
        self.assert_ended(Cause.CLIENT_CLOSED)

    def test_stop_after_early_close(self) -> None:
        """The gateway waits for no service any more."""
        self.begin()
        self.depart()
        self.session.stop()
        self.told((Side.CLIENT, Close(1001, "Gateway is shutting down")))
        self.client_gone()
        self.assert_ended(Cause.STOPPING)

    def test_client_lost(self) -> None:
        """A client that is lost without a close ends the dial, whatever it sent."""
        self.begin()
        self.relay.waiting = True
        self.session.lost(Side.CLIENT, Boundary.FRAME)
        self.assertTrue(self.world.dialer.attempts[0].cancelled)
        self.assertEqual(self.relay.taken(), [])
        self.assert_ended(Cause.CLIENT_LOST)

    def test_client_breaks_a_rule(self) -> None:
        """It is told which, and the dial ends."""
        self.begin()
        self.session.broken(Side.CLIENT, Violation(1002, "mask missing"))
        self.told((Side.CLIENT, Close(1002, "mask missing")))
        self.client_gone()
        self.assertEqual(self.assert_ended(Cause.CLIENT_BROKE_PROTOCOL).detail, "mask missing")

    def test_client_stalls(self) -> None:
        """Its connection is dropped, and the dial ends."""
        self.begin()
        self.session.stalled(Side.CLIENT)
        self.told((Side.CLIENT, None))
        self.client_gone()
        self.assert_ended(Cause.CLIENT_STALLED)

    def test_stop(self) -> None:
        """The client is told, and the dial ends."""
        self.begin()
        self.session.stop()
        self.told((Side.CLIENT, Close(1001, "Gateway is shutting down")))
        self.client_gone()
        self.assert_ended(Cause.STOPPING)
