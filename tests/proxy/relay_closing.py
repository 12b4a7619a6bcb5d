"""How any relay ends legs: close frames, losses, broken rules, deadlines."""

from __future__ import annotations

from apiml_ws.core.closing import Close
from apiml_ws.core.frames import Opcode
from apiml_ws.core.interfaces import Boundary, Limits
from tests.proxy.relay_case import (
    BYE,
    CLIENT,
    SERVICE,
    RelayCase,
    answered,
    asked,
    to_client,
    to_service,
)

ASKED_BYE = asked(BYE.payload(), Opcode.CLOSE)
ANSWERED_BYE = answered(BYE.payload(), Opcode.CLOSE)
TOLD_CLIENT = to_client(Opcode.CLOSE, BYE.payload())
TOLD_SERVICE = to_service(Opcode.CLOSE, BYE.payload())


class ClosingHandshake(RelayCase):
    """Both close frames."""

    def test_a_close_is_reported_and_not_passed_on(self) -> None:
        """What came before it passes; what comes after it is thrown away."""
        self.couple()
        self.client.peer_sends(asked() + ASKED_BYE + asked(b"late"))
        self.heard(("close", CLIENT, BYE))
        self.client.peer_sends(asked(b"later"))
        self.heard()
        self.assertEqual(asked(), self.service.received)

    def test_a_close_cut_anywhere(self) -> None:
        """It is read as a whole."""
        self.couple()
        for i in range(len(ANSWERED_BYE)):
            self.service.peer_sends(ANSWERED_BYE[i : i + 1])
        self.heard(("close", SERVICE, BYE))
        self.assertEqual(b"", self.client.received)

    def test_no_code_is_no_code(self) -> None:
        """An empty close frame comes as None, and None goes as an empty one."""
        relay = self.couple()
        self.client.peer_sends(asked(b"", Opcode.CLOSE))
        self.heard(("close", CLIENT, Close(None)))
        relay.close(SERVICE, Close(None))
        self.assertEqual(to_service(Opcode.CLOSE), self.service.received)

    def test_no_event_from_within_a_command(self) -> None:
        """Even if the connection breaks under it."""
        relay = self.couple()
        self.service.peer_breaks()
        relay.control(SERVICE, Opcode.PING, b"")
        relay.drop(CLIENT)
        self.assertEqual([], self.witness.heard)
        self.heard(("lost", SERVICE, Boundary.MESSAGE), ("ended", CLIENT))

    def test_a_client_closes_a_session(self) -> None:
        """The whole handshake: the service ends its connection, we end the client's first."""
        relay = self.couple()
        self.client.peer_sends(ASKED_BYE)
        self.heard(("close", CLIENT, BYE))
        relay.close(SERVICE, BYE)
        self.service.peer_sends(answered() + ANSWERED_BYE)
        self.heard(("close", SERVICE, BYE))
        self.assertFalse(self.service.finished)
        relay.close(CLIENT, BYE)
        self.assertTrue(self.client.finished)
        self.heard()
        self.service.peer_ends()
        self.client.peer_ends()
        self.heard(("ended", CLIENT), ("ended", SERVICE))
        self.assertEqual((TOLD_CLIENT, TOLD_SERVICE), (self.client.received, self.service.received))

    def test_nothing_follows_a_close(self) -> None:
        """Neither what the partner sends, nor a second close, nor a ping."""
        relay = self.couple()
        relay.close(CLIENT, BYE)
        self.service.peer_sends(answered())
        self.settle()
        relay.close(CLIENT, Close(1001))
        relay.control(CLIENT, Opcode.PING, b"")
        self.assertEqual(TOLD_CLIENT, self.client.received)

    def test_what_a_closed_side_sends_is_not_passed_on(self) -> None:
        """But its own close is reported."""
        relay = self.couple()
        relay.close(CLIENT, BYE)
        self.client.peer_sends(asked() + ASKED_BYE)
        self.heard(("close", CLIENT, BYE))
        self.assertEqual(b"", self.service.received)

    def test_a_close_waits_for_the_end_of_the_frame(self) -> None:
        """And for nothing behind it."""
        relay = self.couple()
        first = answered(b"first")
        self.service.peer_sends(first[:4])
        self.settle()
        relay.control(CLIENT, Opcode.PING, b"")
        relay.close(CLIENT, BYE)
        self.assertEqual(first[:4], self.client.received)
        self.service.peer_sends(first[4:5])
        self.settle()
        self.service.peer_sends(first[5:] + answered(b"second"))
        self.settle()
        self.assertEqual(first + to_client(Opcode.PING) + TOLD_CLIENT, self.client.received)

    def test_both_sides_closed_inside_frames_of_both(self) -> None:
        """Each frame's rest still passes, so that both closes find an edge."""
        relay = self.couple()
        up, down = asked(b"upward"), answered(b"downward")
        self.client.peer_sends(up[:8])
        self.service.peer_sends(down[:8])
        self.settle()
        relay.close(CLIENT, BYE)
        relay.close(SERVICE, BYE)
        self.client.peer_sends(up[8:] + asked())
        self.service.peer_sends(down[8:] + answered())
        self.settle()
        self.assertEqual((up + TOLD_SERVICE, down + TOLD_CLIENT), (self.service.received, self.client.received))

    def test_a_frame_that_does_not_end_is_not_waited_for(self) -> None:
        """Longer than closeTimeout: the connection is dropped instead."""
        relay = self.couple()
        self.service.peer_sends(answered()[:4])
        self.settle()
        relay.close(CLIENT, BYE)
        self.pass_time(4.9)
        self.heard()
        self.pass_time(0.2)
        self.heard(("ended", CLIENT))
        self.assertEqual(answered()[:4], self.client.received)

    def test_an_answer_that_does_not_come_is_not_waited_for(self) -> None:
        """Nor is the peer's own close, longer than closeTimeout."""
        relay = self.couple()
        relay.close(SERVICE, BYE)
        self.pass_time(4.9)
        self.heard()
        self.pass_time(0.2)
        self.heard(("ended", SERVICE))
        self.assertTrue(self.service.finished)

    def test_the_end_of_the_frame_and_the_answer_have_a_deadline_each(self) -> None:
        """Of closeTimeout."""
        relay = self.couple()
        self.service.peer_sends(answered()[:4])
        self.settle()
        relay.close(CLIENT, BYE)
        self.pass_time(4)
        self.service.peer_sends(answered()[4:])
        self.pass_time(4)
        self.client.peer_sends(ASKED_BYE)
        self.heard(("close", CLIENT, BYE))
        self.pass_time(4)
        self.heard()
        self.pass_time(1.2)
        self.heard(("ended", CLIENT))

    def test_a_slow_reader_gets_what_goes_before_the_close(self) -> None:
        """As long as it takes some; the wait for its answer is no reason to cut it off."""
        relay = self.couple()
        self.client.takes = 0
        self.service.peer_sends(answered(b"x" * 20))
        self.settle()
        relay.close(CLIENT, BYE)
        for _ in range(6):
            self.pass_time(3)
            self.client.takes = 5
        self.settle()
        self.assertEqual(answered(b"x" * 20) + TOLD_CLIENT, self.client.received)
        self.heard()
        self.pass_time(5.1)
        self.heard(("ended", CLIENT))

    def test_a_reader_that_takes_nothing_more_is_dropped(self) -> None:
        """After closeTimeout, and it is not told as stalled."""
        relay = self.couple(Limits(close_timeout=5, async_write_timeout=3))
        self.client.takes = 0
        self.service.peer_sends(answered())
        self.settle()
        relay.close(CLIENT, BYE)
        self.pass_time(5.1)
        self.heard(("ended", CLIENT))

    def test_what_waits_goes_before_a_close(self) -> None:
        """Of a client that closed and left before its service was there."""
        relay = self.open()
        self.client.peer_sends(asked() + ASKED_BYE)
        self.client.peer_ends()
        self.heard(("close", CLIENT, BYE))
        self.assertTrue(relay.waiting)
        self.pass_time(10.1)
        self.heard(("ended", CLIENT))
        self.attach()
        relay.close(SERVICE, BYE)
        self.assertEqual(asked() + TOLD_SERVICE, self.service.received)

    def test_a_client_is_closed_without_a_service(self) -> None:
        """When none could be dialled."""
        relay = self.open()
        self.client.peer_sends(asked())
        self.settle()
        relay.close(CLIENT, BYE)
        relay.close(SERVICE, BYE)
        self.assertEqual(TOLD_CLIENT, self.client.received)
        self.client.peer_sends(asked(b"x")[:3])
        self.client.peer_sends(asked(b"x")[3:] + ASKED_BYE)
        self.client.peer_ends()
        self.heard(("close", CLIENT, BYE), ("ended", CLIENT))

    def test_a_half_closed_peer_still_gets_an_answer(self) -> None:
        """It said close, then FIN, and reads on."""
        relay = self.couple()
        self.service.peer_sends(ANSWERED_BYE)
        self.service.peer_ends()
        self.heard(("close", SERVICE, BYE))
        relay.close(SERVICE, BYE)
        self.heard(("ended", SERVICE))
        self.assertEqual(TOLD_SERVICE, self.service.received)

    def test_a_half_closed_peer_that_does_not_read(self) -> None:
        """What we say is waited for until the kernel took it."""
        relay = self.couple()
        self.service.takes = 0
        self.service.peer_sends(ANSWERED_BYE)
        self.service.peer_ends()
        self.settle()
        relay.close(SERVICE, BYE)
        self.heard(("close", SERVICE, BYE))
        self.service.takes = None
        self.heard(("ended", SERVICE))

    def test_a_peer_that_broke_off_after_its_close(self) -> None:
        """It only ended."""
        self.couple()
        self.client.peer_sends(ASKED_BYE)
        self.client.peer_ends()
        self.heard(("close", CLIENT, BYE))
        self.client.peer_breaks()
        self.heard(("ended", CLIENT))

    def test_commands_for_a_side_that_ended_do_nothing(self) -> None:
        """All of them."""
        relay = self.couple()
        relay.drop(CLIENT)
        self.heard(("ended", CLIENT))
        relay.drop(CLIENT)
        relay.close(CLIENT, BYE)
        relay.control(CLIENT, Opcode.PING, b"")
        self.heard()
