"""What any relay does with a client while another service is looked for."""

from __future__ import annotations

from apiml_ws.core.frames import Opcode
from apiml_ws.core.interfaces import Boundary, Limits
from tests.proxy.relay_case import BYE, CLIENT, SERVICE, RelayCase, answered, asked, to_client, to_service

CLOSE = Opcode.CLOSE


class Holding(RelayCase):
    """The client while another service is looked for."""

    def test_pings_are_answered_and_the_rest_waits(self) -> None:
        """The next service does not get them; pongs wait like data."""
        relay = self.couple()
        relay.drop(SERVICE)
        relay.hold()
        ping, pong = asked(b"are you there", Opcode.PING), asked(b"", Opcode.PONG)
        self.client.peer_sends(asked(b"1") + ping + pong + ping[:9])
        self.client.peer_sends(ping[9:] + asked(b"2"))
        self.settle()
        self.assertEqual(to_client(Opcode.PONG, b"are you there") * 2, self.client.received)
        self.attach()
        self.assertEqual(asked(b"1") + pong + asked(b"2"), self.service.received)
        self.client.peer_sends(ping)
        self.settle()
        self.assertEqual(asked(b"1") + pong + asked(b"2") + ping, self.service.received)

    def test_a_client_that_does_not_take_its_pongs_is_not_read(self) -> None:
        """Its pings would fill our memory."""
        relay = self.couple()
        relay.drop(SERVICE)
        relay.hold()
        self.client.takes = 0
        for _ in range(10):
            self.client.peer_sends(asked(b"p", Opcode.PING))
        self.settle()
        self.assertEqual(3, self.client.pending)
        self.client.takes = None
        self.settle()
        self.assertEqual(to_client(Opcode.PONG, b"p") * 10, self.client.received)

    def test_pongs_that_wait_for_the_end_of_a_frame_are_few(self) -> None:
        """A client that floods with pings while a service's frame is under way is not read on."""
        relay = self.couple()
        self.service.peer_sends(answered(b"abcdef")[:4])
        self.settle()
        relay.hold()
        for _ in range(10):
            self.client.peer_sends(asked(b"p", Opcode.PING))
        self.settle()
        self.assertEqual(1, self.client.reads)
        self.service.peer_sends(answered(b"abcdef")[4:])
        self.settle()
        self.assertEqual(answered(b"abcdef") + to_client(Opcode.PONG, b"p") * 10, self.client.received)

    def test_a_service_that_said_close_gets_nothing_more(self) -> None:
        """Until it is known whether another one takes over; then that one gets it."""
        relay = self.couple()
        self.client.peer_sends(asked(b"1"))
        self.settle()
        self.service.peer_sends(answered(BYE.payload(), CLOSE))
        self.heard(("close", SERVICE, BYE))
        self.client.peer_sends(asked(b"2"))
        self.settle()
        relay.hold()
        relay.close(SERVICE, BYE)
        self.settle()
        self.assertEqual(asked(b"1") + to_service(CLOSE, BYE.payload()), self.service.received)
        self.service.peer_ends()
        self.heard(("ended", SERVICE))
        self.assertTrue(relay.movable)
        self.attach()
        self.assertEqual(asked(b"2"), self.service.received)

    def test_a_close_and_data_in_one_turn(self) -> None:
        """A report of a leg that is not read any more is out of date."""
        relay = self.couple()
        self.service.peer_sends(answered(BYE.payload(), CLOSE))
        self.client.peer_sends(asked(b"1"))
        # The service's report comes first.
        watched = self.poller.watched
        watched[self.client.fileno()] = watched.pop(self.client.fileno())
        self.poller.turn()
        self.assertEqual(b"", self.service.received)
        self.heard(("close", SERVICE, BYE))
        relay.hold()
        self.settle()
        self.attach()
        self.assertEqual(asked(b"1"), self.service.received)

    def test_without_a_move_the_frame_under_way_still_ends(self) -> None:
        """So that the service's close is answered."""
        relay = self.couple()
        self.client.peer_sends(asked(b"12")[:7])
        self.settle()
        self.service.peer_sends(answered(BYE.payload(), CLOSE))
        self.settle()
        relay.close(CLIENT, BYE)
        relay.close(SERVICE, BYE)
        self.client.peer_sends(asked(b"12")[7:] + asked(b"3"))
        self.settle()
        self.assertEqual(asked(b"12") + to_service(CLOSE, BYE.payload()), self.service.received)

    def test_a_service_left_inside_a_frame_is_dropped(self) -> None:
        """The rest of the frame goes to the next one, with its beginning."""
        relay = self.couple()
        self.client.peer_sends(asked(b"12")[:7])
        self.service.peer_sends(answered(BYE.payload(), CLOSE))
        self.heard(("close", SERVICE, BYE))
        relay.hold()
        relay.close(SERVICE, BYE)
        self.heard(("ended", SERVICE))
        self.client.peer_sends(asked(b"12")[7:])
        self.settle()
        self.attach()
        self.assertEqual(asked(b"12"), self.service.received)

    def test_what_is_kept_for_a_service_that_is_left_is_not_sent(self) -> None:
        """It would be delivered twice."""
        relay = self.couple()
        self.service.takes = len(asked(b"1")) + 2
        self.client.peer_sends(asked(b"1") + asked(b"2"))
        self.settle()
        relay.hold()
        self.service.takes = None
        self.pass_time(100)
        relay.control(SERVICE, Opcode.PING, b"")
        former = self.service
        self.attach()
        self.assertEqual(asked(b"2"), self.service.received)
        self.assertEqual(len(asked(b"1")) + 2, len(former.received))
        self.assertTrue(former.closed)
        self.heard()

    def test_a_service_that_lingers_when_the_next_one_comes(self) -> None:
        """Is let go of without a word about it."""
        relay = self.couple()
        former = self.service
        relay.hold()
        relay.close(SERVICE, BYE)
        relay.drop(SERVICE)
        self.attach()
        self.heard()
        self.assertTrue(former.closed)

    def test_closing_a_service_with_its_frame_under_way_then_holding(self) -> None:
        """The edge will never come."""
        relay = self.couple()
        self.client.peer_sends(asked()[:8])
        self.settle()
        relay.close(SERVICE, BYE)
        relay.hold()
        self.heard(("ended", SERVICE))

    def test_a_client_that_closes_meanwhile(self) -> None:
        """Its close is reported, and what came before it waits."""
        relay = self.couple(Limits(waiting_limit=100))
        self.lose_and_hold()
        self.client.peer_sends(asked(b"1") + asked(BYE.payload(), CLOSE))
        self.heard(("close", CLIENT, BYE))
        self.assertTrue(relay.waiting)
        self.attach()
        relay.close(SERVICE, BYE)
        self.assertEqual(asked(b"1") + to_service(CLOSE, BYE.payload()), self.service.received)

    def lose_and_hold(self) -> None:
        """As a session does."""
        self.service.peer_breaks()
        self.heard(("lost", SERVICE, Boundary.MESSAGE))
        self.relay.hold()

    def test_pings_of_a_client_that_is_closed_are_not_answered(self) -> None:
        """And its close is still found behind them."""
        relay = self.couple()
        self.lose_and_hold()
        relay.close(CLIENT, BYE)
        self.client.peer_sends(asked(b"p", Opcode.PING) + asked(BYE.payload(), CLOSE))
        self.heard(("close", CLIENT, BYE))
        self.assertEqual(to_client(CLOSE, BYE.payload()), self.client.received)
