"""How any relay passes frames on."""

from __future__ import annotations

from apiml_ws.core.frames import Opcode
from apiml_ws.core.interfaces import Boundary, Counters, Limits
from apiml_ws.proxy.poller import GONE, HANGUP, READ, WRITE
from tests.proxy.relay_case import CLIENT, SERVICE, RelayCase, answered, asked, to_client, to_service


class Forwarding(RelayCase):
    """Both ways, verbatim."""

    def test_frames_pass_verbatim_both_ways(self) -> None:
        """Text, binary, fragments, pings and pongs, in the bytes in which they came."""
        self.couple()
        up = asked() + asked(b"\x00" * 70000, Opcode.BINARY) + asked(b"p", Opcode.PING) + asked(b"", first=0)
        down = answered() + answered(b"", Opcode.PONG) + answered(b"x" * 126)
        self.client.peer_sends(up)
        self.service.peer_sends(down)
        self.settle()
        self.assertEqual((up, down), (self.service.received, self.client.received))
        self.heard()

    def test_parts_of_frames_pass_as_they_come(self) -> None:
        """A payload is not waited for, a header is."""
        self.couple()
        frame = asked(b"abcdef")
        for part, passed in ((frame[:1], b""), (frame[1:5], b""), (frame[5:8], frame[:8]), (frame[8:], frame)):
            self.client.peer_sends(part)
            self.settle()
            self.assertEqual(passed, self.service.received)

    def test_early_bytes_are_the_first(self) -> None:
        """What was read past either handshake passes before anything else."""
        self.open(early=asked(b"1")[:3])
        self.client.peer_sends(asked(b"1")[3:])
        self.settle()
        self.attach(early=answered(b"0"))
        self.service.peer_sends(answered(b"1"))
        self.settle()
        self.assertEqual(asked(b"1"), self.service.received)
        self.assertEqual(answered(b"0") + answered(b"1"), self.client.received)

    def test_what_a_wire_holds_itself_is_read(self) -> None:
        """Though the descriptor does not tell of it, as with records of TLS that were read already."""
        self.open()
        self.client.hidden = True
        self.client.peer_sends(asked(b"1"), asked(b"2"))
        self.client.chunk = 7
        self.attach()
        self.settle()
        self.assertEqual(asked(b"1") + asked(b"2"), self.service.received)

    def test_counters_tell_what_came(self) -> None:
        """Frames, messages, bytes with headers, and when the last came; the service's go on with the next one."""
        relay = self.couple()
        self.assertEqual(Counters(), relay.counters(SERVICE))
        self.clock.advance(3)
        self.client.peer_sends(asked(b"a", first=0), asked(b"", Opcode.PING))
        self.service.peer_sends(answered(b"abc"))
        self.settle()
        self.assertEqual(Counters(2, 0, 13, 3.0), relay.counters(CLIENT))
        self.assertEqual(Counters(1, 1, 5, 3.0), relay.counters(SERVICE))
        relay.drop(SERVICE)
        self.clock.advance(1)
        self.attach(early=answered(b"de"))
        self.assertEqual(Counters(2, 2, 9, 4.0), relay.counters(SERVICE))

    def test_counters_without_a_service(self) -> None:
        """Nothing came from it."""
        self.assertEqual(Counters(), self.open().counters(SERVICE))

    def test_a_ping_of_ours_goes_between_two_frames(self) -> None:
        """At once on a boundary, else at the end of the frame under way; masked to a service with fresh bytes."""
        relay = self.couple()
        relay.control(SERVICE, Opcode.PING, b"a")
        relay.control(CLIENT, Opcode.PING, b"b")
        self.assertEqual(to_service(Opcode.PING, b"a"), self.service.received)
        self.assertEqual(to_client(Opcode.PING, b"b"), self.client.received)
        first, second = answered(b"long" * 10), answered(b"next")
        self.service.peer_sends(first[:10])
        self.settle()
        relay.control(CLIENT, Opcode.PING, b"c")
        self.service.peer_sends(first[10:20])
        self.settle()
        self.assertEqual(to_client(Opcode.PING, b"b") + first[:20], self.client.received)
        self.service.peer_sends(first[20:] + second)
        self.settle()
        expected = to_client(Opcode.PING, b"b") + first + to_client(Opcode.PING, b"c") + second
        self.assertEqual(expected, self.client.received)

    def test_a_ping_of_ours_at_the_end_of_a_chunk(self) -> None:
        """The frame ends with the chunk, in which it began or not."""
        relay = self.couple()
        self.service.peer_sends(answered(b"abc")[:3])
        self.settle()
        relay.control(CLIENT, Opcode.PING, b"")
        self.service.peer_sends(answered(b"abc")[3:])
        self.settle()
        self.assertEqual(answered(b"abc") + to_client(Opcode.PING), self.client.received)


class Pressure(RelayCase):
    """A peer that reads slowly slows its partner."""

    def test_a_source_is_not_read_while_its_partner_keeps_bytes(self) -> None:
        """At most one read is kept; all arrives in the end."""
        self.couple()
        self.service.takes = 10
        self.client.chunk = 20
        frames = asked(b"x" * 50)
        self.client.peer_sends(frames)
        self.settle()
        self.assertEqual((frames[:10], 10), (self.service.received, self.service.pending))
        self.assertEqual(HANGUP, self.poller.events(self.client))
        self.assertEqual(READ | WRITE, self.poller.events(self.service))
        self.service.takes = 5
        self.settle()
        self.assertEqual(5, self.service.pending)
        self.service.takes = None
        self.settle()
        self.assertEqual(frames, self.service.received)
        self.assertEqual((READ, READ), (self.poller.events(self.client), self.poller.events(self.service)))

    def test_the_other_direction_goes_on(self) -> None:
        """A service that does not read can still send."""
        self.couple()
        self.service.takes = 0
        self.client.peer_sends(asked())
        self.service.peer_sends(answered())
        self.settle()
        self.assertEqual(answered(), self.client.received)

    def test_one_read_a_turn(self) -> None:
        """A flood does not starve others: each turn reads once from a leg."""
        self.couple()
        self.client.chunk = 11
        self.client.peer_sends(asked() * 50)
        self.poller.turn()
        self.assertEqual(asked(), self.service.received)
        self.assertEqual(1, self.client.reads)

    def test_a_reader_that_takes_nothing_is_stalled(self) -> None:
        """No byte for asyncWriteTimeout, told once."""
        self.couple()
        self.client.takes = 3
        self.service.peer_sends(answered() * 3)
        self.settle()
        self.pass_time(59.9)
        self.heard()
        self.pass_time(0.2)
        self.heard(("stalled", CLIENT))
        self.pass_time(200)
        self.heard()

    def test_the_kernel_is_as_patient(self) -> None:
        """It is told of asyncWriteTimeout on both legs."""
        self.couple(Limits(async_write_timeout=600.0))
        self.assertEqual([600.0] * 2, [self.client.patience, self.service.patience])

    def test_a_slow_reader_is_only_slow(self) -> None:
        """Judged by bytes that the kernel took, not by buffers that drained."""
        self.couple()
        self.service.takes = 0
        self.client.peer_sends(asked(b"x" * 100))
        for _ in range(10):
            self.pass_time(50)
            self.service.takes = 1
        self.pass_time(50)
        self.heard()
        self.pass_time(11)
        self.heard(("stalled", SERVICE))

    def test_a_leg_that_blocks_again_has_its_whole_time(self) -> None:
        """Whatever was before."""
        self.couple()
        self.client.takes = 0
        self.service.peer_sends(answered())
        self.pass_time(1)
        self.client.takes = None
        self.pass_time(50)
        self.client.takes = 0
        self.service.peer_sends(answered())
        self.settle()
        self.pass_time(59.8)
        self.heard()
        self.pass_time(0.4)
        self.heard(("stalled", CLIENT))

    def test_a_break_that_shows_in_no_other_way(self) -> None:
        """A reactor may report only that the connection is gone."""
        self.couple()
        self.client.takes = 0
        self.service.peer_sends(answered())
        self.client.peer_sends(asked())
        self.service.takes = 0
        self.settle()
        self.client.broken = True
        self.poller.watched[self.client.fileno()][1].ready(GONE)
        self.heard(("lost", CLIENT, Boundary.MESSAGE))

    def test_no_timer_without_pending_bytes(self) -> None:
        """Legs that take all have none running."""
        self.couple()
        self.client.peer_sends(asked())
        self.settle()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_zero_means_no_limit(self) -> None:
        """asyncWriteTimeout 0 waits for ever."""
        self.couple(Limits(async_write_timeout=0))
        self.client.takes = 0
        self.service.peer_sends(answered())
        self.settle()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_drained_leg_is_not_stalled(self) -> None:
        """The timer of a leg that took all in the end says nothing."""
        self.couple()
        self.client.takes = 0
        self.service.peer_sends(answered())
        self.pass_time(30)
        self.client.takes = None
        self.pass_time(100)
        self.heard()

    def test_pings_of_ours_queue_behind_what_is_kept(self) -> None:
        """In their place in the stream."""
        relay = self.couple()
        self.client.takes = 2
        self.service.peer_sends(answered())
        self.settle()
        relay.control(CLIENT, Opcode.PING, b"")
        self.client.takes = None
        self.settle()
        self.assertEqual(answered() + to_client(Opcode.PING), self.client.received)


class Waiting(RelayCase):
    """No service yet."""

    def test_what_a_client_sends_waits_and_is_delivered(self) -> None:
        """Whole frames and parts, in order."""
        relay = self.open()
        self.assertFalse(relay.waiting)
        frames = asked(b"1") + asked(b"p", Opcode.PING) + asked(b"22")
        self.client.peer_sends(frames[:-1])
        self.settle()
        self.assertTrue(relay.waiting)
        self.attach()
        self.assertEqual(frames[:-1], self.service.received)
        self.assertFalse(relay.waiting)
        self.client.peer_sends(frames[-1:])
        self.settle()
        self.assertEqual(frames, self.service.received)

    def test_the_limit_pauses_the_client(self) -> None:
        """Not a byte more is read than may wait."""
        relay = self.open()
        frames = asked(b"x" * 3000)
        self.client.peer_sends(frames)
        self.settle()
        self.assertEqual(1000, relay.counters(CLIENT).bytes)
        self.assertEqual(HANGUP, self.poller.events(self.client))
        self.attach()
        self.settle()
        self.assertEqual(frames, self.service.received)

    def test_a_paused_client_that_leaves_is_noticed(self) -> None:
        """What it sent last is finite: it is read up to its end."""
        self.open()
        self.client.peer_sends(asked(b"x" * 3000))
        self.settle()
        self.client.peer_ends()
        self.heard(("lost", CLIENT, Boundary.MESSAGE))

    def test_a_paused_client_that_breaks_is_noticed(self) -> None:
        """So is a reset."""
        self.open()
        self.client.peer_sends(asked(b"x" * 3000))
        self.settle()
        self.client.peer_breaks()
        self.heard(("lost", CLIENT, Boundary.MESSAGE))

    def test_what_is_read_of_a_client_that_left_is_bounded(self) -> None:
        """One read more at most, and then it waits for a service, watched for nothing."""
        relay = self.open()
        frames = asked(b"x" * 400000)
        self.client.peer_sends(frames)
        self.settle()
        self.client.peer_breaks()
        self.settle()
        self.assertEqual(1 << 18, relay.counters(CLIENT).bytes)
        self.assertIsNone(self.poller.events(self.client))
        self.attach()
        self.settle()
        self.assertEqual(frames, self.service.received)
        self.heard(("lost", CLIENT, Boundary.MESSAGE))

    def test_a_client_that_is_lost_meanwhile(self) -> None:
        """Without a close."""
        self.open()
        self.client.peer_sends(asked())
        self.client.peer_ends()
        self.heard(("lost", CLIENT, Boundary.MESSAGE))
