"""The walker lets pass what the portable reader does, and stops where that finds something."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.frames import FIN, RSV1, FrameReader, Opcode, frame
from apiml_ws.proxy.pump.library import load
from tests.core.doubles_frames import cut, streams
from tests.proxy.pump.sockets_case import NO_PUMP
from tests.proxy.relay_case import KEY


class Walking(SynchronousTestCase):
    """The same bytes through both."""

    skip = NO_PUMP

    def setUp(self) -> None:
        self.lib, self.ffi = load()

    def walkers(self, masked: bool, reserved: int, max_message: int, max_frame: int) -> tuple[Any, FrameReader]:
        """One of each kind."""
        walker = self.ffi.new("struct walker *")
        walker.masked, walker.reserved = masked << 7, reserved
        walker.max_message, walker.max_frame = max_message, max_frame
        return walker, FrameReader(masked, reserved, max_message, max_frame)

    def compare(self, walker: Any, reader: FrameReader, chunks: list[bytes]) -> None:
        """Feed both until either finds something."""
        rest = b""
        for chunk in chunks:
            data = rest + chunk
            walked = self.lib.walk(walker, data, len(data))
            count = reader.feed(data)
            end = -1 if walked.message_end == self.lib.NOWHERE else walked.message_end
            self.assertEqual((count, reader.message_end), (walked.passed, end))
            ours = (walker.left, walker.message, walker.frames, walker.messages, bool(walker.fragmented))
            taken = reader.finding is not None and hasattr(reader.finding, "payload")
            theirs = (reader.left, reader.message, reader.frames - taken, reader.messages, reader.fragmented)
            self.assertEqual(theirs, ours)
            rest = data[count:]
            if walked.stopped or reader.finding:
                self.assertTrue(walked.stopped)
                self.assertTrue(reader.finding or rest[0] & 0xF == Opcode.CLOSE)
                return

    @settings(max_examples=300, deadline=None)
    @given(
        streams(),
        st.binary(max_size=6),
        st.integers(0, 3000),
        st.lists(st.integers(1, 400), min_size=1, max_size=8),
        st.booleans(),
        st.sampled_from((0, RSV1)),
        st.sampled_from((0, 250)),
    )
    def test_any_stream(
        self, frames: list[bytes], noise: bytes, where: int, sizes: list[int], masked: bool, reserved: int, limit: int
    ) -> None:
        """Legal or not, cut anyhow."""
        stream = b"".join(frames)
        stream = stream[:where] + noise + stream[where:]
        self.compare(*self.walkers(masked, reserved, 2 * limit, limit), cut(stream, sizes))

    @settings(max_examples=300, deadline=None)
    @given(st.integers(0, 255), st.integers(0, 255), st.binary(min_size=12, max_size=12), st.booleans(), st.booleans())
    @example(0x82, 127, b"\x80" + b"\0" * 11, False, False)
    @example(0x82, 127, b"\0\0\0\0\0\0\xff\xff" + b"\0" * 4, False, False)
    @example(0x82, 127, b"\0\0\0\0\0\1\0\0" + b"\0" * 4, False, False)
    @example(0x82, 126, b"\0\x7d" + b"\0" * 10, False, False)
    @example(0x89, 126, b"\0\x7e" + b"\0" * 10, False, False)
    def test_any_header(self, first: int, second: int, rest: bytes, masked: bool, inside: bool) -> None:
        """All first and second bytes, and all forms of a length, in a fragmented message or outside."""
        start = frame(Opcode.TEXT, b"", KEY if masked else None, first=0) if inside else b""
        self.compare(*self.walkers(masked, RSV1, 0, 0), [start + bytes((first, second)) + rest])

    def test_every_header(self) -> None:
        """Of two bytes, all of them."""
        for first in range(256):
            for second in (0, 1, 125, 126, 127, 128, 253, 254, 255):
                for inside in (b"", frame(Opcode.TEXT, b"", first=0)):
                    data = inside + bytes((first, second)) + b"\0" * 20
                    self.compare(*self.walkers(False, 0, 0, 0), [data])

    def test_a_message_beyond_what_a_limit_counts(self) -> None:
        """Over its fragments, to the byte."""
        parts = [frame(Opcode.TEXT, b"x" * 10, first=0), frame(Opcode.CONTINUATION, b"x" * 10, first=FIN)]
        for limit, stops in ((20, False), (19, True)):
            walker, reader = self.walkers(False, 0, limit, 0)
            self.compare(walker, reader, parts)
            self.assertEqual(stops, reader.finding is not None)
