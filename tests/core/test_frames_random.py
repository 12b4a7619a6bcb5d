"""The frame reader on streams that nobody thought of."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.frames import RSV1, FrameReader, Opcode, frame
from tests.core.doubles_frames import Read, bytewise, cut, read, streams

KEY = b"\x01\x02\x03\x04"


class Random(SynchronousTestCase):
    """Streams that nobody thought of."""

    @settings(max_examples=150, deadline=None)
    @given(streams(), st.lists(st.integers(1, 400), min_size=1), st.booleans())
    def test_valid_streams_pass_however_they_are_cut(self, frames: list[bytes], sizes: list[int], closed: bool) -> None:
        """Everything passes, up to a close."""
        stream = b"".join(frames)
        close = frame(Opcode.CLOSE, b"\x03\xe8", KEY) if closed else b""
        fragmented = FrameReader(True)
        result = read(fragmented, cut(stream + close, sizes))
        self.assertEqual(Read(stream, [(Opcode.CLOSE, b"\x03\xe8")] if closed else []), result)
        self.assertEqual(len(frames) + closed, fragmented.frames)

    @settings(max_examples=300, deadline=None)
    @given(streams(), st.binary(max_size=40), st.integers(0, 3000), st.lists(st.integers(1, 50), min_size=1))
    def test_broken_streams_end_alike_however_they_are_cut(
        self, frames: list[bytes], noise: bytes, where: int, sizes: list[int]
    ) -> None:
        """Whole, cut or byte by byte, the same passes and the same is found, and never anything after it."""
        stream = b"".join(frames)
        broken = stream[:where] + noise + stream[where:]
        results = [
            read(FrameReader(True, RSV1, 500, 250), chunks)
            for chunks in ([broken], bytewise(broken), cut(broken, sizes))
        ]
        self.assertEqual(results[0], results[1])
        self.assertEqual(results[0], results[2])
        self.assertTrue(broken.startswith(results[0].passed))
