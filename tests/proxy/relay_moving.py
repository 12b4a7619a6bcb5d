"""How any relay lets a session go on with another service."""

from __future__ import annotations

from apiml_ws.core.frames import Opcode
from apiml_ws.core.interfaces import Boundary
from apiml_ws.proxy.leg import Leg
from tests.proxy.relay_case import SERVICE, RelayCase, answered, asked

CLOSE = Opcode.CLOSE


class Moving(RelayCase):
    """A service that was lost, and the next one."""

    def lose(self) -> None:
        """The service breaks."""
        self.service.peer_breaks()
        self.settle()

    def goes_on_with(self, frames: bytes) -> None:
        """The next service gets exactly ``frames``."""
        self.attach()
        self.settle()
        self.assertEqual(frames, self.service.received)

    def test_complete_messages_are_not_said_again(self) -> None:
        """They may have been received."""
        relay = self.couple()
        self.client.peer_sends(asked() + asked(b"x", first=0) + asked(b"y", Opcode.CONTINUATION))
        self.settle()
        self.lose()
        self.assertTrue(relay.movable)
        self.assertFalse(relay.waiting)
        self.goes_on_with(b"")

    def test_an_incomplete_message_is_said_again(self) -> None:
        """From its first frame, as it was, masks and all; then what comes."""
        relay = self.couple()
        whole = asked(b"frag", first=0) + asked(b"ment", Opcode.CONTINUATION)
        self.client.peer_sends(asked() + whole[:7])
        self.settle()
        self.client.peer_sends(whole[7:15])
        self.settle()
        self.lose()
        self.client.peer_sends(whole[15:] + asked())
        self.settle()
        self.assertTrue(relay.movable)
        self.goes_on_with(whole + asked())

    def test_control_frames_that_arrived_are_not_said_again(self) -> None:
        """Inside a message they are left out, cut in half they are said again."""
        self.couple()
        first, ping, pong = asked(b"a", first=0), asked(b"p", Opcode.PING), asked(b"q", Opcode.PONG)
        self.client.peer_sends(first + ping + pong[:6])
        self.settle()
        self.lose()
        self.client.peer_sends(pong[6:])
        self.settle()
        self.goes_on_with(first + pong)

    def test_a_control_frame_between_messages_cut_in_half(self) -> None:
        """Is said again."""
        self.couple()
        ping = asked(b"ping", Opcode.PING)
        self.client.peer_sends(asked() + ping[:8])
        self.settle()
        self.lose()
        self.client.peer_sends(ping[8:])
        self.settle()
        self.goes_on_with(ping)

    def test_what_the_kernel_did_not_take_is_said_again(self) -> None:
        """Complete or not: it cannot have been received."""
        relay = self.couple()
        one, two, three = asked(b"one"), asked(b"two"), asked(b"three", first=0)
        self.service.takes = len(one) + 3
        self.client.peer_sends(one + two + three)
        self.settle()
        self.assertTrue(relay.movable)
        self.lose()
        self.assertTrue(relay.waiting)
        self.goes_on_with(two + three)

    def test_what_the_kernel_took_at_last_is_not_said_again(self) -> None:
        """A chunk that was sent in two goes counts as one."""
        self.couple()
        one, two = asked(b"one"), asked(b"two", first=0)
        self.service.takes = 5
        self.client.peer_sends(one + two)
        self.settle()
        self.service.takes = None
        self.settle()
        self.lose()
        self.goes_on_with(two)

    def test_pings_of_ours_are_not_the_clients(self) -> None:
        """What is kept of them does not count as unsent."""
        relay = self.couple()
        self.service.takes = len(asked(b"one"))
        self.client.peer_sends(asked(b"one") + asked(b"two"))
        self.settle()
        relay.control(SERVICE, Opcode.PING, b"ours")
        self.lose()
        self.goes_on_with(asked(b"two"))

    def test_pings_of_ours_between_the_clients_frames(self) -> None:
        """Nor do they when they were put between two of its frames."""
        relay = self.couple()
        self.client.peer_sends(asked(b"one")[:8])
        self.settle()
        relay.control(SERVICE, Opcode.PING, b"ours")
        self.service.takes = 1 + 2
        self.client.peer_sends(asked(b"one")[8:] + asked(b"two"))
        self.settle()
        self.lose()
        self.goes_on_with(asked(b"two"))

    def test_a_service_that_is_replaced_while_it_is_there(self) -> None:
        """What it got of a message is said again to the next one."""
        self.couple()
        self.client.peer_sends(asked(b"part", first=0))
        self.settle()
        former = self.service
        self.goes_on_with(asked(b"part", first=0))
        self.assertTrue(former.closed)
        self.heard()

    def test_nothing_goes_to_a_service_that_is_known_to_be_gone(self) -> None:
        """Though what it sent before is not read yet, for a client that is slow: it waits for the next one."""
        self.couple()
        self.client.takes = 0
        self.service.peer_sends(answered(b"last"))
        self.settle()
        self.service.peer_ends()
        self.settle()
        self.client.peer_sends(asked(b"one"))
        self.settle()
        self.assertEqual(b"", self.service.received)
        self.client.takes = None
        self.heard(("lost", SERVICE, Boundary.MESSAGE))
        self.goes_on_with(asked(b"one"))

    def test_a_send_that_fails_was_not_received(self) -> None:
        """All of it is said again."""
        self.couple()
        self.service.broken = True
        self.client.peer_sends(asked(b"one") + asked(b"two"))
        self.poller.watched[self.client.fileno()][1].ready(1)
        self.heard(("lost", SERVICE, Boundary.MESSAGE))
        self.goes_on_with(asked(b"one") + asked(b"two"))

    def test_an_incomplete_message_beyond_the_limit(self) -> None:
        """Cannot be said again; once it is complete, the session can move again."""
        relay = self.couple()
        frames = asked(b"x" * 2000)
        self.client.peer_sends(frames[:1900])
        self.settle()
        self.assertFalse(relay.movable)
        self.client.peer_sends(frames[1900:])
        self.settle()
        self.assertTrue(relay.movable)
        self.client.peer_sends(frames[:600])
        self.settle()
        self.assertTrue(relay.movable)
        self.client.peer_sends(frames[600:1200])
        self.settle()
        self.lose()
        self.assertFalse(relay.movable)

    def test_a_long_message_of_which_little_was_taken(self) -> None:
        """What counts is what the service can have received."""
        relay = self.couple()
        self.service.takes = 900
        frames = asked(b"x" * 2000)
        self.client.peer_sends(frames)
        self.settle()
        self.lose()
        self.assertTrue(relay.movable)
        self.goes_on_with(frames)

    def test_a_long_message_of_which_much_was_taken(self) -> None:
        """Beyond the limit there is no way back, though the rest is still there."""
        relay = self.couple()
        self.service.takes = 1100
        self.client.peer_sends(asked(b"x" * 2000))
        self.settle()
        self.lose()
        self.assertFalse(relay.movable)

    def test_the_end_of_a_long_message_with_the_next_ones(self) -> None:
        """Where it ended in a chunk that the kernel took in part decides."""
        rest, one, two = asked(b"x" * 2000)[1500:], asked(b"one"), asked(b"two")
        for takes, again in ((600, one + two), (len(rest) + len(one), two), (400, None)):
            relay = self.couple()
            self.client.peer_sends(asked(b"x" * 2000)[:1500])
            self.settle()
            self.service.takes = takes if again is None or again == two else len(rest) + 2
            self.client.peer_sends(rest + one + two)
            self.settle()
            self.lose()
            self.assertEqual(again is not None, relay.movable)
            if again is not None:
                self.goes_on_with(again)

    def test_the_middle_of_a_long_message_is_not_kept(self) -> None:
        """Nor of use."""
        relay = self.couple()
        self.client.peer_sends(asked(b"x" * 9000)[:3000])
        self.settle()
        self.service.takes = 0
        self.client.peer_sends(b"x" * 1000)
        self.settle()
        self.assertFalse(relay.movable)
        self.service.takes = None
        self.settle()
        self.assertFalse(relay.movable)

    def test_a_fragmented_long_message_ends_in_a_kept_chunk(self) -> None:
        """Its last fragment is found behind its middle."""
        relay = self.couple()
        self.client.peer_sends(asked(b"x" * 1500, first=0))
        self.settle()
        last, one = asked(b"y", Opcode.CONTINUATION), asked(b"one")
        self.service.takes = len(last)
        self.client.peer_sends(last + one)
        self.settle()
        self.lose()
        self.assertTrue(relay.movable)
        self.goes_on_with(one)

    def test_a_service_lost_inside_its_own_message(self) -> None:
        """Between fragments or inside a frame nobody can go on; on a header that did not pass, somebody can."""
        part = answered(b"ab", first=0)
        for sent, movable in ((part, False), (answered()[:3], False), (answered()[:1], True), (answered(), True)):
            relay = self.couple()
            self.service.peer_sends(sent)
            self.settle()
            self.lose()
            self.assertEqual(movable, relay.movable)

    def test_without_a_service_it_is_movable(self) -> None:
        """There is nothing to move from."""
        self.assertTrue(self.open().movable)

    def test_it_can_be_lost_again(self) -> None:
        """What the second one got of a message is said again to the third."""
        self.couple()
        part = asked(b"part", first=0)
        self.client.peer_sends(part)
        self.settle()
        self.lose()
        self.goes_on_with(part)
        self.lose()
        self.client.peer_sends(asked(b"", Opcode.CONTINUATION) + asked(b"one") + asked(b"two"))
        self.settle()
        self.attach(takes=len(part) + 8 + 2)
        self.lose()
        self.goes_on_with(asked(b"one") + asked(b"two"))

    def test_a_new_service_that_is_dead_already(self) -> None:
        """Is lost again, with nothing lost."""
        self.couple()
        self.client.peer_sends(asked(b"part", first=0))
        self.settle()
        self.lose()
        self.witness.taken()
        dead = self.wire()
        dead.peer_breaks()
        self.relay.attach(Leg(dead))
        self.heard(("lost", SERVICE, Boundary.MESSAGE))
        self.goes_on_with(asked(b"part", first=0))
