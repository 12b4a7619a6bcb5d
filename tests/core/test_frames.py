"""The frame reader: every rule of RFC 6455 section 5 on header evidence, however the bytes arrive."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.frames import (
    FIN,
    HELD_LIMIT,
    RSV1,
    FrameReader,
    Opcode,
    Taken,
    frame,
    header,
    masked,
)
from apiml_ws.core.interfaces import Boundary, Violation
from tests.core.doubles_frames import Read, bytewise, read

KEY = b"\x01\x02\x03\x04"


class ReaderCase(SynchronousTestCase):
    """Feeds a stream whole, byte by byte and with a tail."""

    def passes(self, stream: bytes, **how: int) -> FrameReader:
        """All of ``stream`` passes; the reader that was fed it whole."""
        tail = frame(Opcode.TEXT, b"tail", KEY)[:1]
        for chunks in (bytewise(stream), [stream + tail], [stream]):
            reader = FrameReader(True, **how)
            self.assertEqual(Read(stream), read(reader, chunks))
        return reader

    def breaks(self, stream: bytes, code: int, text: str, *, client: bool = True, **how: int) -> None:
        """The last frame of ``stream`` is refused; what goes before passes; ``text`` is in the message."""
        before = frame(Opcode.BINARY, b"before", KEY if client else None)
        for chunks in (bytewise(before + stream), [before + stream + b"tail"], [before + stream]):
            result = read(FrameReader(client, **how), chunks)
            if result.violation is None:
                self.fail(f"passed: {stream!r}")
            self.assertEqual(before, result.passed[: len(before)])
            self.assertNotIn(stream[-2:], result.passed[len(before) :])
            self.assertEqual(code, result.violation.code)
            self.assertIn(text, result.violation.text)


class Passing(ReaderCase):
    """What is legal."""

    def test_small_frames_pass(self) -> None:
        """Text, binary, ping, pong and empty frames pass, all in one chunk or not, and are counted."""
        reader = self.passes(
            frame(Opcode.TEXT, b"hello", KEY)
            + frame(Opcode.BINARY, b"", KEY)
            + frame(Opcode.PING, b"p" * 125, KEY)
            + frame(Opcode.PONG, b"", KEY)
        )
        self.assertEqual((4, 2), (reader.frames, reader.messages))

    def test_all_lengths_pass(self) -> None:
        """Payloads around the edges of the three forms of the length pass."""
        for length in (0, 1, 125, 126, 127, 65535, 65536, 65537):
            reader = FrameReader(True)
            stream = frame(Opcode.BINARY, bytes(length), KEY)
            self.assertEqual(Read(stream), read(reader, [stream]), length)
            self.assertIs(Boundary.MESSAGE, reader.boundary)

    def test_fragments_pass_with_control_frames_between(self) -> None:
        """A fragmented message with a ping inside is one message."""
        reader = self.passes(
            frame(Opcode.TEXT, b"one", KEY, first=0)
            + frame(Opcode.PING, b"", KEY)
            + frame(Opcode.CONTINUATION, b"two", KEY, first=0)
            + frame(Opcode.CONTINUATION, b"three", KEY)
            + frame(Opcode.TEXT, b"next", KEY)
        )
        self.assertEqual((5, 2), (reader.frames, reader.messages))

    def test_one_huge_frame_over_many_chunks(self) -> None:
        """A frame passes as it comes, and the reader knows how much is left."""
        reader = FrameReader(False)
        start = header(FIN | Opcode.BINARY, 1 << 40, None)
        self.assertEqual(len(start) + 1000, reader.feed(start + bytes(1000)))
        self.assertEqual((1 << 40) - 1000, reader.left)
        self.assertEqual(5000, reader.feed(bytes(5000)))
        self.assertIs(Boundary.FRAME, reader.boundary)
        self.assertEqual(-1, reader.message_end)

    def test_boundaries(self) -> None:
        """Between messages, between fragments, inside a frame."""
        reader = FrameReader(False)
        stream = frame(Opcode.TEXT, b"ab", first=0)
        for position, boundary in ((1, Boundary.MESSAGE), (3, Boundary.FRAME), (4, Boundary.FRAGMENT)):
            reader = FrameReader(False)
            reader.feed(stream[:position])
            self.assertIs(boundary, reader.boundary)

    def test_a_header_alone_is_inside_its_frame(self) -> None:
        """A complete header passes without payload."""
        reader = FrameReader(True)
        self.assertEqual(6, reader.feed(frame(Opcode.TEXT, b"a", KEY)[:6]))
        self.assertIs(Boundary.FRAME, reader.boundary)

    def test_compressed_messages_pass_where_agreed(self) -> None:
        """RSV1 on the first frame of a message passes when it is among the reserved bits."""
        self.passes(
            frame(Opcode.TEXT, b"x", KEY, first=RSV1)
            + frame(Opcode.CONTINUATION, b"y", KEY)
            + frame(Opcode.BINARY, b"z", KEY, first=FIN | RSV1),
            reserved=RSV1,
        )

    def test_the_end_of_the_last_message_is_told(self) -> None:
        """``message_end`` is where in the chunk everything before belongs to complete messages."""
        whole, part = frame(Opcode.TEXT, b"ab"), frame(Opcode.TEXT, b"cd", first=0)
        ping = frame(Opcode.PING, b"")
        for stream, end in (
            (b"", 0),
            (whole, 4),
            (whole + whole, 8),
            (whole + part, 4),
            (whole + ping, 6),
            (whole + part + ping, 4),
            (whole + whole[:3], 4),
            (whole + whole[:1], 4),
        ):
            reader = FrameReader(False)
            reader.feed(stream)
            self.assertEqual(end, reader.message_end, stream)
        reader.feed(part)
        self.assertEqual(0, reader.message_end)
        reader.feed(frame(Opcode.CONTINUATION, b"ef", first=0))
        self.assertEqual(-1, reader.message_end)

    def test_server_frames_are_not_masked(self) -> None:
        """A reader for a service's frames takes them unmasked."""
        stream = frame(Opcode.TEXT, b"hello")
        self.assertEqual(Read(stream), read(FrameReader(False), bytewise(stream)))
        self.assertFalse(FrameReader(False).masked)
        self.assertTrue(FrameReader(True).masked)


class Taking(ReaderCase):
    """Frames that are taken out."""

    def test_a_close_is_taken_whole(self) -> None:
        """The payload of a close frame comes unmasked, nothing of it passes, and what follows is not looked at."""
        for payload in (b"", b"\x03\xe8", b"\x03\xe8" + b"r" * 123):
            stream = frame(Opcode.TEXT, b"x", KEY) + frame(Opcode.CLOSE, payload, KEY)
            for chunks in (bytewise(stream), [stream + b"\xff\xff"], [stream]):
                result = read(FrameReader(True), chunks)
                self.assertEqual(Read(frame(Opcode.TEXT, b"x", KEY), [(Opcode.CLOSE, payload)]), result)

    def test_an_unmasked_close_is_taken(self) -> None:
        """So is a service's."""
        reader = FrameReader(False)
        self.assertEqual(0, reader.feed(frame(Opcode.CLOSE, b"\x03\xe8bye") + b"tail"))
        self.assertEqual(Taken(Opcode.CLOSE, b"\x03\xe8bye", 7), reader.finding)

    def test_pings_are_taken_on_demand(self) -> None:
        """With ``take_pings`` pings are taken, pongs and data pass."""
        pong, text = frame(Opcode.PONG, b"q", KEY), frame(Opcode.TEXT, b"t", KEY)
        stream = pong + frame(Opcode.PING, b"p1", KEY) + text + frame(Opcode.PING, b"", KEY)
        for chunks in (bytewise(stream), [stream]):
            reader = FrameReader(True)
            reader.take_pings = True
            self.assertEqual(Read(pong + text, [(Opcode.PING, b"p1"), (Opcode.PING, b"")]), read(reader, chunks))

    def test_what_is_held_back_is_bounded(self) -> None:
        """The longest thing held back is a close frame that lacks a byte."""
        reader = FrameReader(True)
        stream = frame(Opcode.CLOSE, b"\x03\xe8" + b"r" * 123, KEY)[:-1]
        self.assertEqual(0, reader.feed(stream))
        self.assertEqual(HELD_LIMIT, len(stream))


class Breaking(ReaderCase):
    """What is illegal, each rule."""

    def test_masking(self) -> None:
        """A client's frame without a mask, and a service's with one."""
        self.breaks(frame(Opcode.TEXT, b"hello"), 1002, "frame is not masked")
        self.breaks(frame(Opcode.CLOSE, b""), 1002, "frame is not masked")
        self.breaks(frame(Opcode.TEXT, b"hello", KEY), 1002, "frame is masked", client=False)

    def test_reserved_bits(self) -> None:
        """Each one alone, where nothing was agreed."""
        for bit in (0x40, 0x20, 0x10):
            self.breaks(frame(Opcode.TEXT, b"hi", KEY, first=FIN | bit), 1002, "reserved bits")

    def test_compression_bit_elsewhere(self) -> None:
        """RSV1 on a continuation or a control frame, though agreed (RFC 7692 section 6.1); other bits too."""
        start = frame(Opcode.TEXT, b"x", KEY, first=RSV1)
        self.breaks(
            start + frame(Opcode.CONTINUATION, b"yz", KEY, first=FIN | RSV1), 1002, "reserved bits", reserved=RSV1
        )
        self.breaks(frame(Opcode.PING, b"yz", KEY, first=FIN | RSV1), 1002, "reserved bits", reserved=RSV1)
        self.breaks(frame(Opcode.TEXT, b"yz", KEY, first=FIN | RSV1 | 0x20), 1002, "reserved bits", reserved=RSV1)

    def test_reserved_opcodes(self) -> None:
        """Of data and control frames."""
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
            self.breaks(frame(opcode, b"hi", KEY), 1002, "reserved opcode")

    def test_fragmented_control_frames(self) -> None:
        """Without FIN."""
        for opcode in (Opcode.CLOSE, Opcode.PING, Opcode.PONG):
            self.breaks(frame(opcode, b"\x03\xe8", KEY, first=0), 1002, "fragmented control frame")

    def test_long_control_frames(self) -> None:
        """Beyond 125 bytes, in either form of the length."""
        for opcode in (Opcode.CLOSE, Opcode.PING, Opcode.PONG):
            self.breaks(frame(opcode, b"c" * 126, KEY), 1002, "longer than 125")
            self.breaks(frame(opcode, b"c" * 65536, KEY), 1002, "longer than 125")

    def test_continuations(self) -> None:
        """One that continues nothing, and a message inside a message."""
        self.breaks(frame(Opcode.CONTINUATION, b"hi", KEY), 1002, "continuation without")
        start = frame(Opcode.TEXT, b"ab", KEY, first=0)
        self.breaks(start + frame(Opcode.BINARY, b"yz", KEY), 1002, "inside a fragmented one")

    def test_lengths(self) -> None:
        """Longer forms than needed, and the highest bit."""
        for form, length in ((126, 0), (126, 125), (127, 0), (127, 65535)):
            digits = length.to_bytes(2 if form == 126 else 8, "big")
            self.breaks(bytes((0x82, 0x80 | form)) + digits + KEY, 1002, "shortest form")
        self.breaks(b"\x82\xff" + (1 << 63).to_bytes(8, "big") + KEY, 1002, "highest bit")

    def test_a_close_with_one_byte(self) -> None:
        """It has no room for a code; found before the byte came."""
        self.breaks(frame(Opcode.CLOSE, b"x", KEY), 1002, "one byte")
        reader = FrameReader(True)
        reader.feed(frame(Opcode.CLOSE, b"x", KEY)[:2])
        self.assertIsInstance(reader.finding, Violation)

    def test_frame_limit(self) -> None:
        """A frame at the limit passes, one byte more does not; control frames are not measured."""
        self.passes(frame(Opcode.BINARY, bytes(10), KEY) + frame(Opcode.PING, bytes(11), KEY), max_frame=10)
        self.breaks(frame(Opcode.BINARY, bytes(11), KEY), 1009, "frame longer than 10 bytes", max_frame=10)

    def test_message_limit(self) -> None:
        """Fragments are counted together, the next message from zero."""
        start = frame(Opcode.TEXT, bytes(6), KEY, first=0)
        ping = frame(Opcode.PING, bytes(9), KEY)
        whole = start + ping + frame(Opcode.CONTINUATION, bytes(4), KEY)
        self.passes(whole + whole, max_message=10)
        self.breaks(start + frame(Opcode.CONTINUATION, b"56789", KEY), 1009, "message longer than 10", max_message=10)
        self.breaks(frame(Opcode.TEXT, b"0123456789a", KEY), 1009, "message longer than 10 bytes", max_message=10)

    def test_a_limit_is_known_before_the_mask(self) -> None:
        """The length is evidence enough."""
        reader = FrameReader(True, max_message=10)
        reader.feed(header(FIN | Opcode.TEXT, 1 << 20, None)[:1] + b"\xff" + (1 << 20).to_bytes(8, "big"))
        self.assertIsInstance(reader.finding, Violation)


class Making(SynchronousTestCase):
    """Frames of our own."""

    def test_masking_twice_gives_the_payload(self) -> None:
        """At any offset of the frame."""
        payload = bytes(range(256))
        for offset in range(5):
            once = masked(payload, KEY, offset)
            self.assertEqual(bytes(b ^ KEY[(i + offset) % 4] for i, b in enumerate(payload)), once)
            self.assertEqual(payload, masked(once, KEY, offset))

    def test_the_frame_of_the_rfc(self) -> None:
        """RFC 6455 section 5.7 has them."""
        self.assertEqual(bytes.fromhex("810548656c6c6f"), frame(Opcode.TEXT, b"Hello"))
        self.assertEqual(
            bytes.fromhex("818537fa213d7f9f4d5158"), frame(Opcode.TEXT, b"Hello", bytes.fromhex("37fa213d"))
        )
