"""How any relay carries messages between legs that agreed on different extensions."""

from __future__ import annotations

import zlib

from apiml_ws.core.frames import FIN, RSV1, FrameReader, Opcode, frame
from apiml_ws.core.interfaces import Boundary, Limits
from apiml_ws.core.pieces import Walker
from tests.proxy.relay_case import BYE, CLIENT, KEY, OURS, SERVICE, RelayCase, answered, asked, to_client, to_service

DEFLATE = "permessage-deflate"
FRESH = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
TAIL = b"\x00\x00\xff\xff"


class Codec:
    """One end that speaks permessage-deflate with context takeover, or without."""

    def __init__(self, fresh: bool = False) -> None:
        self._fresh = fresh
        self._renew()

    def _renew(self) -> None:
        self._deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        self._inflate = zlib.decompressobj(-15)

    def deflated(self, message: bytes) -> bytes:
        """The payload of a compressed message."""
        data = self._deflate.compress(message) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        if self._fresh:
            self._renew()
        return data.removesuffix(TAIL)

    def inflated(self, payload: bytes) -> bytes:
        """The message."""
        message = self._inflate.decompress(payload + TAIL)
        if self._fresh:
            self._renew()
        return message


def frames_of(stream: bytes, masked: bool, reserved: int = 0) -> list[tuple[int, bytes]]:
    """First byte and payload of each frame of a legal ``stream``."""
    reader = FrameReader(masked, reserved)
    assert reader.feed(stream) == len(stream), reader.finding
    frames: list[tuple[int, bytes]] = []
    for piece in Walker().walk(stream):
        if piece.begins:
            frames.append((piece.first, b""))
        frames[-1] = (piece.first, frames[-1][1] + piece.payload)
    return frames


class Bridging(RelayCase):
    """Compression on one leg alone."""

    def bridge(self, client: str = DEFLATE, service: str = "", limits: Limits | None = None) -> None:
        """A session whose legs differ."""
        self.open(limits, client)
        self.attach(service)
        self.codec = Codec()

    def deflated(self, message: bytes, opcode: int = Opcode.TEXT) -> bytes:
        """A compressed message of the client."""
        return frame(opcode, self.codec.deflated(message), KEY, first=FIN | RSV1)

    def test_a_compressed_message_reaches_a_service_plain(self) -> None:
        """Masked afresh, its kind kept; with the context of earlier ones."""
        self.bridge()
        self.client.peer_sends(self.deflated(b"hello hello hello") + self.deflated(b"hello hello", Opcode.BINARY))
        self.settle()
        first, second = frame(Opcode.TEXT, b"hello hello hello", OURS), frame(Opcode.BINARY, b"hello hello", OURS)
        self.assertEqual(first + second, self.service.received)

    def test_a_plain_message_reaches_a_client_compressed(self) -> None:
        """With a context that goes on."""
        self.bridge()
        message = bytes(range(200))
        self.service.peer_sends(answered(message, Opcode.BINARY) + answered(message) + answered(b"") + answered(b""))
        self.settle()
        frames = frames_of(bytes(self.client.received), False, RSV1)
        self.assertEqual([0xC2, 0xC1, 0xC1, 0xC1], [first for first, _ in frames])
        self.assertEqual([message, message, b"", b""], [self.codec.inflated(payload) for _, payload in frames])
        self.assertLess(len(frames[1][1]), 50)

    def test_messages_that_are_not_compressed_pass(self) -> None:
        """On a leg where compression was agreed."""
        self.bridge()
        self.client.peer_sends(asked())
        self.settle()
        self.assertEqual(frame(Opcode.TEXT, b"hello", OURS), self.service.received)

    def test_compression_towards_the_service(self) -> None:
        """The other way round, without context takeover."""
        self.bridge("", FRESH)
        codec = Codec(fresh=True)
        self.client.peer_sends(asked(b"a" * 100) + asked(b"a" * 100))
        self.service.peer_sends(frame(Opcode.TEXT, codec.deflated(b"b" * 100), first=FIN | RSV1) * 2)
        self.settle()
        up = frames_of(bytes(self.service.received), True, RSV1)
        self.assertEqual([(0xC1, b"a" * 100)] * 2, [(first, codec.inflated(payload)) for first, payload in up])
        self.assertEqual(answered(b"b" * 100) * 2, self.client.received)

    def test_control_frames_pass_between(self) -> None:
        """Pings and pongs inside a fragmented message, cut in half too; and closes are reported."""
        self.bridge()
        payload = self.codec.deflated(b"message")
        ping = asked(b"ping", Opcode.PING)
        self.client.peer_sends(frame(Opcode.TEXT, payload[:3], KEY, first=RSV1) + ping[:8])
        self.settle()
        self.assertEqual(b"", self.service.received)
        self.client.peer_sends(ping[8:] + frame(Opcode.CONTINUATION, payload[3:], KEY))
        self.client.peer_sends(asked(BYE.payload(), Opcode.CLOSE))
        self.heard(("close", CLIENT, BYE))
        self.assertEqual(to_service(Opcode.PING, b"ping") + frame(Opcode.TEXT, b"message", OURS), self.service.received)
        self.relay.control(CLIENT, Opcode.PING, b"x")
        self.assertEqual(to_client(Opcode.PING, b"x"), self.client.received)

    def test_a_long_message_leaves_in_fragments(self) -> None:
        """None of them long, whatever the message; and the next message begins anew."""
        self.bridge()
        message = bytes(range(256)) * 4000
        self.client.chunk = 5000
        self.client.peer_sends(self.deflated(message) + self.deflated(b"next"))
        self.settle()
        frames = frames_of(bytes(self.service.received), True)
        self.assertEqual(message + b"next", b"".join(payload for _, payload in frames))
        self.assertEqual([0x01, 0x00], [first for first, _ in frames[:2]])
        self.assertEqual([0x80, 0x81], [first for first, _ in frames[-2:]])
        self.assertLessEqual(max(len(payload) for _, payload in frames), 131072)

    def test_a_slow_reader_bounds_what_is_inflated(self) -> None:
        """A megabyte in a kilobyte is inflated as it is taken."""
        self.bridge()
        self.service.takes = 0
        message = bytes(1 << 22)
        self.client.peer_sends(self.deflated(message) + asked(b"next"))
        self.settle()
        self.assertLessEqual(self.service.pending, 1 << 18)
        self.service.takes = None
        self.settle()
        frames = frames_of(bytes(self.service.received), True)
        self.assertEqual(message + b"next", b"".join(payload for _, payload in frames))

    def test_a_bomb_does_not_take_a_turn_for_itself(self) -> None:
        """Bounded work: the rest in later turns."""
        self.bridge()
        self.client.peer_sends(self.deflated(bytes(1 << 24)))
        self.client.peer_sends(asked(b"next"))
        self.poller.turn()
        self.assertLess(len(self.service.received), 1 << 20)
        self.settle()
        frames = frames_of(bytes(self.service.received), True)
        self.assertEqual((1 << 24) + 4, sum(len(payload) for _, payload in frames))

    def test_what_a_former_service_left_to_do(self) -> None:
        """Is done bit by bit as the client takes it, before what another service says, in either way of that one."""
        message = bytes(1 << 22)
        for extensions, codec in (("", None), (FRESH, Codec(fresh=True))):
            self.bridge("", FRESH)
            self.client.takes = 0
            self.service.peer_sends(frame(Opcode.TEXT, Codec(fresh=True).deflated(message), first=FIN | RSV1))
            self.settle()
            self.relay.hold()
            self.attach(extensions, early=b"" if codec else answered(b"early"))
            self.settle()
            self.assertLessEqual(self.client.pending, 1 << 18)
            says = frame(Opcode.TEXT, codec.deflated(b"other"), first=FIN | RSV1) if codec else answered(b"other")
            self.service.peer_sends(says)
            self.settle()
            self.client.takes = None
            self.settle()
            frames = frames_of(bytes(self.client.received), False)
            expected = message + (b"" if codec else b"early") + b"other"
            self.assertEqual(expected, b"".join(payload for _, payload in frames))

    def test_what_a_former_service_left_that_is_nonsense(self) -> None:
        """Nobody is blamed for it any more."""
        self.bridge("", FRESH)
        self.client.takes = 0
        good = frame(Opcode.TEXT, Codec(fresh=True).deflated(bytes(1 << 20)), first=FIN | RSV1)
        self.service.peer_sends(good + frame(Opcode.TEXT, b"\xff\xff\xff\xff", first=FIN | RSV1))
        self.settle()
        self.relay.hold()
        self.attach("")
        self.service.peer_sends(answered(b"other"))
        self.client.takes = None
        self.heard()
        frames = frames_of(bytes(self.client.received), False)
        self.assertEqual(bytes(1 << 20) + b"other", b"".join(payload for _, payload in frames))

    def test_a_bomb_is_stopped_at_the_limit(self) -> None:
        """The limit holds for the inflated message: 1009, and what was read behind it is not looked at."""
        self.bridge(limits=Limits(max_message_size=100000))
        self.client.peer_sends(self.deflated(bytes(100000)))
        self.heard()
        self.client.peer_sends(self.deflated(bytes(1 << 24)) + asked(BYE.payload(), Opcode.CLOSE))
        self.heard(("broken", CLIENT, 1009))
        self.assertLess(len(self.service.received), 300000)

    def test_one_byte_over_the_limit(self) -> None:
        """However few bytes it was on the wire, and in whichever fragment it comes."""
        self.bridge(limits=Limits(max_message_size=100000))
        self.client.peer_sends(asked(bytes(60000), first=0), asked(bytes(40000), Opcode.CONTINUATION))
        self.heard()
        self.client.peer_sends(self.deflated(bytes(100001)))
        self.heard(("broken", CLIENT, 1009))

    def test_what_is_not_deflated_is_refused(self) -> None:
        """1007, and nothing of it passes."""
        self.bridge()
        self.client.peer_sends(frame(Opcode.TEXT, b"\xff\xff\xff\xff", KEY, first=FIN | RSV1))
        self.heard(("broken", CLIENT, 1007))
        self.assertEqual(b"", self.service.received)

    def test_bad_data_before_a_close(self) -> None:
        """What is found first counts."""
        bad = frame(Opcode.TEXT, b"\xff\xff\xff\xff", KEY, first=FIN | RSV1)
        bye = asked(BYE.payload(), Opcode.CLOSE)
        self.bridge()
        self.client.peer_sends(bad + bye)
        self.heard(("broken", CLIENT, 1007))
        self.bridge()
        self.service.takes = 0
        self.client.peer_sends(asked(b"x" * 70000) + bad + bye)
        self.heard(("close", CLIENT, BYE))
        self.relay.close(SERVICE, BYE)
        self.service.takes = None
        self.heard()
        self.assertTrue(self.service.received.endswith(to_service(Opcode.CLOSE, BYE.payload())))

    def test_a_close_waits_for_what_was_read_before(self) -> None:
        """However long it takes to inflate and send it."""
        self.bridge()
        self.service.takes = 0
        message = bytes(1 << 20)
        self.client.peer_sends(self.deflated(message) + asked(BYE.payload(), Opcode.CLOSE))
        self.heard(("close", CLIENT, BYE))
        self.relay.close(SERVICE, BYE)
        self.service.takes = None
        self.settle()
        self.assertTrue(self.service.received.endswith(to_service(Opcode.CLOSE, BYE.payload())))
        frames = frames_of(bytes(self.service.received[:-11]), True)
        self.assertEqual(message, b"".join(payload for _, payload in frames))

    def test_a_close_does_not_wait_for_the_end_of_a_frame(self) -> None:
        """The other leg is never inside one."""
        self.bridge()
        self.client.peer_sends(self.deflated(b"hello")[:9])
        self.settle()
        self.relay.close(SERVICE, BYE)
        self.assertEqual(to_service(Opcode.CLOSE, BYE.payload()), self.service.received)

    def test_where_the_partner_was_left(self) -> None:
        """A sender lost inside a frame leaves the other between messages, or between fragments if some went out."""
        self.bridge("", DEFLATE)
        self.service.peer_sends(frame(Opcode.TEXT, bytes(10))[:8])
        self.service.peer_ends()
        self.heard(("lost", SERVICE, Boundary.MESSAGE))
        self.bridge("", DEFLATE)
        self.service.peer_sends(frame(Opcode.TEXT, bytes(200000))[:150000])
        self.service.peer_ends()
        self.heard(("lost", SERVICE, Boundary.FRAGMENT))

    def test_what_waits_is_bridged_too(self) -> None:
        """It waits as it came."""
        self.open(extensions=DEFLATE)
        self.codec = Codec()
        self.client.peer_sends(self.deflated(b"hello"))
        self.settle()
        self.attach("")
        self.assertEqual(frame(Opcode.TEXT, b"hello", OURS), self.service.received)

    def test_a_bridged_session_moves_between_messages(self) -> None:
        """The client's contexts go on; inside a message it cannot move."""
        self.bridge()
        self.client.peer_sends(self.deflated(b"hello"))
        self.settle()
        self.assertTrue(self.relay.movable)
        self.service.peer_breaks()
        self.heard(("lost", SERVICE, Boundary.MESSAGE))
        self.assertTrue(self.relay.movable)
        self.attach("")
        rest = self.deflated(b"hello")
        self.client.peer_sends(rest[:-1])
        self.settle()
        self.assertFalse(self.relay.movable)
        self.client.peer_sends(rest[-1:])
        self.settle()
        self.assertEqual(frame(Opcode.TEXT, b"hello", OURS), self.service.received)
        self.service.takes = 0
        self.client.peer_sends(asked())
        self.settle()
        self.service.peer_breaks()
        self.settle()
        self.assertFalse(self.relay.movable)
        self.attach("")
        self.assertTrue(self.relay.movable)

    def test_the_same_in_other_words_needs_no_bridge(self) -> None:
        """A window that the other end keeps anyway."""
        self.open(extensions=DEFLATE)
        self.attach("permessage-deflate; server_max_window_bits=10")
        frames = frame(Opcode.TEXT, b"whatever", KEY, first=FIN | RSV1)
        self.client.peer_sends(frames)
        self.settle()
        self.assertEqual(frames, self.service.received)

    def test_a_window_that_zlib_cannot_make(self) -> None:
        """Messages go as they are, which is always allowed."""
        self.bridge("", "permessage-deflate; client_max_window_bits=8")
        self.client.peer_sends(asked())
        self.settle()
        self.assertEqual(frame(Opcode.TEXT, b"hello", OURS), self.service.received)

    def test_a_stream_that_ends_with_each_message(self) -> None:
        """RFC 7692 section 7.2.3.5."""
        self.bridge()
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        payload = deflate.compress(b"final") + deflate.flush() + b"\x00"
        self.client.peer_sends(frame(Opcode.TEXT, payload, KEY, first=FIN | RSV1) * 2)
        self.settle()
        self.assertEqual(frame(Opcode.TEXT, b"final", OURS) * 2, self.service.received)
