"""What any relay does over real sockets, as its peers and its session see it."""

from __future__ import annotations

from apiml_ws.core.closing import Close
from apiml_ws.core.frames import Opcode, frame
from apiml_ws.core.interfaces import Boundary, Limits
from tests.proxy.pump.sockets_case import SocketsCase
from tests.proxy.relay_case import BYE, CLIENT, KEY, SERVICE, answered, asked, to_client, to_service

BULK = 3_000_000


class Carrying(SocketsCase):
    """Frames and what they cost."""

    def test_frames_pass_verbatim_both_ways(self) -> None:
        """Text, binary, fragments, pings and pongs, lengths of all three forms, in the bytes in which they came."""
        self.couple()
        self.assert_lent()
        up = asked() + asked(b"\0" * 70000, Opcode.BINARY) + asked(b"p", Opcode.PING) + asked(b"", first=0)
        down = answered() + answered(b"", Opcode.PONG) + answered(b"x" * 126)
        self.client.send(up)
        self.service.send(down)
        self.arrives(self.service, up)
        self.arrives(self.client, down)
        self.assert_lent()

    def test_a_frame_in_single_bytes(self) -> None:
        """Headers are held back, payload is not."""
        self.couple()
        whole = asked(b"m" * 130)
        for i in range(len(whole)):
            self.client.send(whole[i : i + 1])
            self.until(lambda: self.client.idle)
            passed = 0 if i < 7 else i + 1
            self.arrives(self.service, whole[:passed])
        self.assert_lent()

    def test_bytes_before_the_pump_come_first(self) -> None:
        """What was read past the handshake, and what waited, cut anywhere."""
        self.couple(early=answered(b"early")[:1])
        self.service.send(answered(b"early")[1:])
        self.arrives(self.client, answered(b"early"))
        self.assert_lent()

    def test_bulk_both_ways(self) -> None:
        """Megabytes at once in both directions."""
        self.couple()
        up, down = asked(b"u" * BULK, Opcode.BINARY) * 2, answered(b"d" * BULK, Opcode.BINARY) * 2
        self.client.send(up)
        self.service.send(down)
        self.arrives(self.service, up)
        self.arrives(self.client, down)
        self.assert_lent()

    def test_a_slow_reader_slows_its_partner(self) -> None:
        """Nothing is read beyond what sockets and one read hold; the other direction goes on; all arrives in the end."""
        self.couple()
        self.service.reading = False
        frames = asked(b"u" * BULK)
        self.client.send(frames)
        self.go_on(0.1)
        self.assertFalse(self.client.idle)
        taken = self.relay.counters(CLIENT).bytes
        self.service.send(answered())
        self.arrives(self.client, answered())
        self.assertEqual(taken, self.relay.counters(CLIENT).bytes)
        self.assert_lent()
        self.service.reading = True
        self.arrives(self.service, frames)

    def test_counters_tell_what_came(self) -> None:
        """Frames, messages and bytes, while it goes on; the time is the loop's."""
        self.couple()
        before = self.loop.seconds()
        up = asked(b"a", first=0) + asked(b"", Opcode.PING) + asked(b"b", Opcode.CONTINUATION)
        self.client.send(up)
        self.arrives(self.service, up)
        counters = self.relay.counters(CLIENT)
        self.assertEqual((3, 1, len(up)), (counters.frames, counters.messages, counters.bytes))
        self.assertTrue(before <= counters.last_frame <= self.loop.seconds())
        self.assertEqual(0, self.relay.counters(SERVICE).frames)

    def test_a_ping_of_ours_goes_between_two_frames(self) -> None:
        """At the end of the frame under way, then all is as before."""
        self.couple()
        first, second = answered(b"long" * 10), answered(b"next")
        self.service.send(first[:10])
        self.arrives(self.client, first[:10])
        self.relay.control(CLIENT, Opcode.PING, b"c")
        self.service.send(first[10:] + second)
        self.arrives(self.client, first + to_client(Opcode.PING, b"c") + second)
        self.assert_lent()

    def test_compressed_messages_pass_where_they_were_agreed(self) -> None:
        """RSV1 on the first frame of a message."""
        self.couple(extensions="permessage-deflate")
        up = asked(b"z", first=0xC0) + asked(b"p", Opcode.PONG)
        self.client.send(up)
        self.arrives(self.service, up)
        self.assert_lent()


class Ending(SocketsCase):
    """Close frames, losses, violations, deadlines."""

    def test_a_client_closes(self) -> None:
        """The whole handshake: each end hears the other's close, and ours of both connections."""
        self.couple()
        self.client.send(asked() + asked(BYE.payload(), Opcode.CLOSE) + asked(b"late"))
        self.heard(("close", CLIENT, BYE))
        self.relay.close(SERVICE, BYE)
        self.arrives(self.service, asked() + to_service(Opcode.CLOSE, BYE.payload()))
        self.service.send(answered(b"last") + answered(BYE.payload(), Opcode.CLOSE))
        self.heard(("close", SERVICE, BYE))
        self.relay.close(CLIENT, BYE)
        self.until(lambda: self.client.ended)
        self.client.end()
        self.service.end()
        self.until(lambda: len(self.witness.heard) == 2)
        self.assertEqual({("ended", CLIENT), ("ended", SERVICE)}, set(self.witness.taken()))
        self.assertEqual(to_client(Opcode.CLOSE, BYE.payload()), bytes(self.client.received)[-7:])

    def test_a_close_of_ours_inside_a_frame_waits_for_its_end(self) -> None:
        """And nothing follows it."""
        self.couple()
        first = answered(b"long" * 100)
        self.service.send(first[:50])
        self.arrives(self.client, first[:50])
        self.relay.close(CLIENT, BYE)
        self.go_on(0.05)
        self.service.send(first[50:] + answered(b"after"))
        self.arrives(self.client, first + to_client(Opcode.CLOSE, BYE.payload()))

    def test_a_frame_that_never_ends_drops_the_connection(self) -> None:
        """After the close timeout."""
        self.couple(Limits(close_timeout=0.2))
        self.service.send(answered(b"long" * 100)[:50])
        self.arrives(self.client, answered(b"long" * 100)[:50])
        self.relay.close(CLIENT, BYE)
        self.heard(("ended", CLIENT))

    def test_illegal_frames(self) -> None:
        """Nothing of them passes, all before does; the rule is told."""
        illegal = {
            "not masked": answered(),
            "reserved bit": asked(first=0xC0),
            "reserved opcode": asked(opcode=3),
            "fragmented ping": asked(opcode=Opcode.PING, first=0),
            "long ping": asked(b"x" * 126, Opcode.PING),
            "no start": asked(opcode=Opcode.CONTINUATION),
            "long form": asked(b"x" * 126)[:2] + b"\0\5" + KEY,
            "one byte of close": asked(b"x", Opcode.CLOSE),
        }
        for name, bad in illegal.items():
            self.couple()
            good = asked(b"good")
            self.client.send(good + bad + asked())
            self.heard(("broken", CLIENT, 1002))
            self.assertEqual(good, bytes(self.service.received), name)

    def test_limits(self) -> None:
        """Of a frame, and of a message over its fragments."""
        for limits in (Limits(max_frame_size=10), Limits(max_message_size=15)):
            self.couple(limits)
            good = asked(b"x" * 10, first=0)
            self.client.send(good)
            self.arrives(self.service, good)
            self.client.send(asked(b"y" * 11, Opcode.CONTINUATION))
            self.heard(("broken", CLIENT, 1009))
            self.assertEqual(good, bytes(self.service.received))

    def test_a_peer_that_vanishes(self) -> None:
        """On a boundary, between fragments, inside a frame."""
        for sent, where in (
            (answered(), Boundary.MESSAGE),
            (answered(first=0), Boundary.FRAGMENT),
            (answered(b"x" * 50)[:20], Boundary.FRAME),
        ):
            self.couple()
            self.service.send(sent)
            self.arrives(self.client, sent)
            self.service.vanish()
            self.heard(("lost", SERVICE, where))

    def test_a_peer_that_is_reset(self) -> None:
        """With something unread."""
        self.couple()
        self.assert_lent()
        self.service.reading = False
        self.client.send(asked())
        self.until(lambda: self.relay.counters(CLIENT).frames == 1)
        self.go_on(0.02)
        self.service.vanish()
        self.heard(("lost", SERVICE, Boundary.MESSAGE))

    def test_a_partner_that_does_not_read_hides_no_end(self) -> None:
        """The client is gone while it is not read: it is noticed, once all that it sent was taken."""
        self.couple(Limits(close_timeout=0.5))
        self.service.reading = False
        frames = asked(b"u" * 600_000)
        self.client.send(frames)
        self.go_on(0.1)
        self.service.reading = True
        self.until(lambda: self.client.idle)
        self.client.end()
        self.heard(("lost", CLIENT, Boundary.MESSAGE))
        self.arrives(self.service, frames)

    def test_a_reader_that_takes_nothing_is_stalled(self) -> None:
        """Told once, about when the time is over."""
        self.couple(Limits(async_write_timeout=0.4))
        self.service.reading = False
        self.client.send(asked(b"u" * BULK))
        began = self.loop.seconds()
        self.heard(("stalled", SERVICE))
        self.assertTrue(0.3 < self.loop.seconds() - began < 3)
        self.go_on(0.3)
        self.assertEqual([], self.witness.taken())

    def test_a_reader_that_takes_some_is_only_slow(self) -> None:
        """However little it is."""
        self.couple(Limits(async_write_timeout=0.5))
        self.service.reading = False
        self.client.send(asked(b"u" * 2 * BULK))
        for _ in range(12):
            self.go_on(0.15)
            self.service.take()
        self.assertEqual([], self.witness.taken())
        self.assertFalse(self.client.idle)

    def test_a_session_that_fails_is_ended(self) -> None:
        """And no other."""
        self.couple()
        first = self.client
        self.couple()
        self.witness.fails = True
        first.send(asked(BYE.payload(), Opcode.CLOSE))
        self.until(lambda: first.ended or first.lost)
        self.witness.fails = False
        self.assertTrue(self.flushLoggedErrors(ValueError))
        self.client.send(asked())
        self.arrives(self.service, asked())
        self.witness.taken()


class Moving(SocketsCase):
    """From service to service."""

    limits = Limits(close_timeout=1.0, waiting_limit=65536)

    def test_the_incomplete_message_is_said_again(self) -> None:
        """With what came since; complete ones are not."""
        self.couple()
        whole, part = asked(b"whole"), asked(b"a", first=0)
        rest = asked(b"b" * 100, Opcode.CONTINUATION)
        for passed in (whole, whole + part, whole + part + rest[:20]):
            self.client.send(passed[len(self.service.received) :])
            self.arrives(self.service, passed)
        self.service.vanish()
        self.heard(("lost", SERVICE, Boundary.MESSAGE))
        self.assertTrue(self.relay.movable)
        self.relay.hold()
        self.client.send(rest[20:] + asked(b"!", Opcode.PING))
        self.arrives(self.client, to_client(Opcode.PONG, b"!"))
        self.attach()
        self.arrives(self.service, part + rest)
        self.assert_lent()

    def test_what_comes_behind_the_end_of_a_service_waits(self) -> None:
        """The service was gone before it came: it is for the next one."""
        for _ in range(10):
            self.couple()
            self.assert_lent()
            former = self.service
            former.end()
            self.client.send(asked(b"late"))
            self.heard(("lost", SERVICE, Boundary.MESSAGE))
            self.attach()
            self.arrives(self.service, asked(b"late"))
            self.assertEqual((b"", []), (bytes(former.received), self.witness.taken()))
            self.relay.drop(CLIENT)
            self.relay.drop(SERVICE)
            self.heard(("ended", CLIENT), ("ended", SERVICE))

    def test_too_much_of_a_message_cannot_be_said_again(self) -> None:
        """Beyond the waiting limit."""
        self.couple()
        part = asked(b"b" * 100_000)[:70_000]
        self.client.send(part)
        self.arrives(self.service, part)
        self.assertFalse(self.relay.movable)

    def test_a_long_message_hinders_only_while_it_lasts(self) -> None:
        """What comes after it can be said again."""
        self.couple()
        long, part = asked(b"b" * 100_000), asked(b"a", first=0)
        self.client.send(long[:70_000])
        self.arrives(self.service, long[:70_000])
        self.client.send(long[70_000:] + part)
        self.arrives(self.service, long + part)
        self.assertTrue(self.relay.movable)
        self.attach()
        self.arrives(self.service, part)

    def test_what_the_kernel_took_in_the_end_is_not_said_again(self) -> None:
        """But for the message that is not complete."""
        self.couple()
        self.service.reading = False
        frames, part = asked(b"m" * 30_000) * 40, asked(b"a" * 30_000)[:20_000]
        self.client.send(frames + part)
        self.go_on(0.1)
        self.assertFalse(self.client.idle)
        self.service.reading = True
        self.arrives(self.service, frames + part)
        self.assertTrue(self.relay.movable)
        self.attach()
        self.arrives(self.service, part)

    def test_what_the_kernel_did_not_take_is_said_again(self) -> None:
        """Every message is complete at one of the two services, and at one only."""
        self.couple()
        first = self.service
        first.reading = False
        messages = [asked(bytes((65 + i,)) * 30_000) for i in range(40)]
        self.client.send(b"".join(messages))
        self.go_on(0.1)
        self.assertFalse(self.client.idle)
        self.relay.hold()
        self.relay.drop(SERVICE)
        first.reading = True
        self.until(lambda: first.ended or first.lost)
        self.heard(("ended", SERVICE))
        self.assertTrue(self.relay.movable)
        got = len(first.received) // len(messages[0])
        self.attach()
        self.until(lambda: self.service.received.endswith(messages[-1]))
        self.assertEqual(b"".join(messages[got:]), bytes(self.service.received))

    def test_a_service_that_is_replaced_alive(self) -> None:
        """The former one gets nothing more."""
        self.couple()
        former = self.service
        self.client.send(asked(b"1"))
        self.arrives(former, asked(b"1"))
        self.relay.retire(Close(1001, "Session moved"))
        self.until(lambda: self.witness.heard)
        self.assertEqual([("retired", True)], self.witness.taken())
        self.client.send(asked(b"2"))
        former.send(answered(b"late") + answered(BYE.payload(), Opcode.CLOSE))
        self.heard(("close", SERVICE, BYE))
        self.arrives(self.client, answered(b"late"))
        self.attach()
        self.arrives(self.service, asked(b"2"))
        self.assert_lent()
        closed = frame(Opcode.CLOSE, Close(1001, "Session moved").payload(), b"\xaa\xbb\xcc\xdd")
        self.arrives(former, asked(b"1") + closed)
