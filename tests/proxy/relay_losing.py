"""How any relay copes with losses, broken rules and faults."""

from __future__ import annotations

import gc

from apiml_ws.core.closing import Close
from apiml_ws.core.frames import FIN, Opcode, frame
from apiml_ws.core.interfaces import Boundary, Limits
from tests.proxy.relay_case import BYE, CLIENT, KEY, SERVICE, RelayCase, answered, asked, to_client
from tests.proxy.relay_closing import ASKED_BYE, TOLD_SERVICE


class Losing(RelayCase):
    """Connections that end without a close."""

    def test_where_the_partner_was_left(self) -> None:
        """Between messages, between fragments, inside a frame; a header that was not passed on counts for nothing."""
        part = answered(b"ab", first=0)
        for sent, where in (
            (b"", Boundary.MESSAGE),
            (answered(), Boundary.MESSAGE),
            (part, Boundary.FRAGMENT),
            (part + answered(b"cd")[:1], Boundary.FRAGMENT),
            (part + answered(b"cd", Opcode.CONTINUATION)[:3], Boundary.FRAME),
        ):
            self.couple()
            self.service.peer_sends(sent)
            self.service.peer_ends()
            self.heard(("lost", SERVICE, where))
            self.client.peer_breaks()
            self.heard(("lost", CLIENT, Boundary.MESSAGE))

    def test_forgotten(self) -> None:
        """Nothing of a session that has ended waits for the garbage collector; one whose legs are there is kept whole."""
        relay = self.couple()
        relay.forget()
        self.client.peer_sends(asked())
        self.service.peer_breaks()
        self.heard(("lost", SERVICE, Boundary.MESSAGE))
        relay.drop(CLIENT)
        self.heard(("ended", CLIENT))
        relay.forget()
        self.assertEqual(1, relay.counters(CLIENT).messages)
        self.sessions.clear()
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        del relay
        self.assertEqual(0, gc.collect())

    def test_a_loss_that_shows_in_sending(self) -> None:
        """It is one loss, of the leg that broke."""
        self.couple()
        self.client.peer_sends(asked())
        self.service.broken = True
        self.poller.turn()
        self.heard(("lost", SERVICE, Boundary.MESSAGE))

    def test_a_loss_while_it_is_closed_is_its_end(self) -> None:
        """Nobody is told of a loss then."""
        for breaks in (True, False):
            relay = self.couple()
            relay.close(CLIENT, BYE)
            self.client.broken, self.client.ended = breaks, True
            self.heard(("ended", CLIENT))

    def test_a_close_into_a_broken_connection(self) -> None:
        """It ended."""
        relay = self.couple()
        self.client.peer_breaks()
        relay.close(CLIENT, BYE)
        self.heard(("ended", CLIENT))

    def test_a_close_inside_a_frame_whose_sender_is_gone(self) -> None:
        """The connection is dropped at once, whichever comes first."""
        relay = self.couple()
        self.client.peer_sends(asked()[:8])
        self.client.peer_ends()
        self.heard(("lost", CLIENT, Boundary.FRAME))
        relay.close(SERVICE, BYE)
        self.heard(("ended", SERVICE))
        relay = self.couple()
        self.client.peer_sends(asked()[:8])
        self.settle()
        relay.close(SERVICE, BYE)
        self.client.peer_ends()
        self.heard(("lost", CLIENT, Boundary.FRAME), ("ended", SERVICE))
        self.assertEqual(asked()[:8], self.service.received)

    def test_what_was_read_before_goes_first(self) -> None:
        """Though the service takes its time."""
        relay = self.couple()
        self.service.takes = 3
        self.client.peer_sends(asked())
        self.client.peer_ends()
        self.settle()
        self.service.takes = 0
        self.heard()
        self.service.takes = None
        self.heard(("lost", CLIENT, Boundary.MESSAGE))
        relay.close(SERVICE, BYE)
        self.assertEqual(asked() + TOLD_SERVICE, self.service.received)

    def test_a_paused_leg_that_breaks_is_watched_no_more(self) -> None:
        """A poller would report it for ever; it is noticed when it is read again."""
        self.couple()
        self.client.takes = 0
        self.service.peer_sends(answered())
        self.settle()
        self.service.peer_breaks()
        self.settle()
        self.assertIsNone(self.poller.events(self.service))
        self.client.takes = None
        self.heard(("lost", SERVICE, Boundary.MESSAGE))
        self.assertEqual(answered(), self.client.received)

    def test_a_blocked_leg_that_breaks_is_noticed(self) -> None:
        """By what is kept for it."""
        self.couple()
        self.client.takes = 0
        self.service.peer_sends(answered())
        self.settle()
        self.client.peer_breaks()
        self.heard(("lost", CLIENT, Boundary.MESSAGE))
        self.service.peer_sends(answered())
        self.heard()


class Breaking(RelayCase):
    """Rules of the protocol, and limits."""

    def test_an_illegal_frame_is_reported_and_not_passed_on(self) -> None:
        """What came before it passes, and what comes after it is thrown away until closeTimeout after our close."""
        relay = self.couple()
        self.client.peer_sends(asked() + frame(Opcode.TEXT, b"not masked"))
        self.heard(("broken", CLIENT, 1002))
        self.client.peer_sends(b"whatever" + ASKED_BYE)
        self.settle()
        relay.close(CLIENT, Close(1002, "x"))
        self.assertTrue(self.client.finished)
        self.client.peer_sends(b"whatever" + ASKED_BYE)
        self.pass_time(4.9)
        self.heard()
        self.assertIsNone(self.client.receive_into(memoryview(bytearray(100))))
        self.pass_time(0.2)
        self.heard(("ended", CLIENT))
        self.assertEqual(asked(), self.service.received)
        self.assertEqual(to_client(Opcode.CLOSE, Close(1002, "x").payload()), self.client.received)

    def test_an_offender_that_leaves_is_gone(self) -> None:
        """Before our close or after it."""
        relay = self.couple()
        self.service.peer_sends(answered(b"", 3))
        self.service.peer_ends()
        self.heard(("broken", SERVICE, 1002))
        relay.close(SERVICE, Close(1002))
        self.assertTrue(self.service.finished)
        self.heard(("ended", SERVICE))

    def test_limits(self) -> None:
        """A frame or a message that is too long is 1009, the limit itself passes."""
        for limits in (Limits(max_frame_size=10), Limits(max_message_size=10)):
            for side in (CLIENT, SERVICE):
                self.couple(limits)
                wire, make = (self.client, asked) if side is CLIENT else (self.service, answered)
                wire.peer_sends(make(bytes(10)) + make(bytes(11)))
                self.heard(("broken", side, 1009))

    def test_bad_close_frames(self) -> None:
        """One byte, codes that are not allowed, a reason that is not UTF-8."""
        for payload, code in (
            (b"x", 1002),
            (b"\x03\xec", 1002),
            (b"\x03\xed", 1002),
            (b"\x03\xee", 1002),
            (b"\x03\xf7", 1002),
            (b"\x00\x00", 1002),
            (b"\x03\xe8\xff", 1007),
        ):
            self.couple()
            self.client.peer_sends(asked(payload, Opcode.CLOSE))
            self.heard(("broken", CLIENT, code))

    def test_an_offender_that_was_told_to_close_is_not_reported(self) -> None:
        """It is only not understood any more, and ends."""
        relay = self.couple()
        relay.close(SERVICE, BYE)
        self.service.peer_sends(answered(b"", 3))
        self.heard()
        self.assertTrue(self.service.finished)
        self.pass_time(5.1)
        self.heard(("ended", SERVICE))

    def test_an_offence_against_a_partner_that_is_closed(self) -> None:
        """It is reported all the same."""
        relay = self.couple()
        relay.close(SERVICE, BYE)
        self.client.peer_sends(asked() + answered())
        self.heard(("broken", CLIENT, 1002))

    def test_compressed_frames_where_nothing_was_agreed(self) -> None:
        """And where it was."""
        self.couple()
        self.client.peer_sends(frame(Opcode.TEXT, b"x", KEY, first=FIN | 0x40))
        self.heard(("broken", CLIENT, 1002))
        self.couple(extensions="permessage-deflate")
        self.client.peer_sends(frame(Opcode.TEXT, b"x", KEY, first=FIN | 0x40))
        self.heard()
        self.assertEqual(frame(Opcode.TEXT, b"x", KEY, first=FIN | 0x40), self.service.received)


class Crashing(RelayCase):
    """Faults of a session."""

    def test_an_event_that_raises_costs_its_session(self) -> None:
        """Both legs end, it is logged, and further events are still told."""
        self.couple()
        self.witness.fails = True
        self.client.peer_sends(ASKED_BYE)
        self.heard(("close", CLIENT, BYE), ("ended", CLIENT), ("ended", SERVICE))
        self.assertEqual(3, len(self.flushLoggedErrors(ValueError)))

    def test_a_leg_that_cannot_be_let_go_of(self) -> None:
        """Is told as ended all the same, and so is the other one."""
        relay = self.couple()
        self.patch(self.client, "close", None)
        self.witness.fails = True
        self.client.peer_sends(ASKED_BYE)
        self.heard(("close", CLIENT, BYE), ("ended", CLIENT), ("ended", SERVICE))
        self.assertEqual(4, len(self.flushLoggedErrors(ValueError, TypeError)))
        relay.drop(CLIENT)
        self.client.closed = True
