"""Streams taken apart."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.frames import FIN, FrameReader, Opcode, frame
from apiml_ws.core.pieces import Walker, spans
from tests.core.doubles_frames import cut, streams

KEY = b"\x09\x08\x07\x06"


class Spans(SynchronousTestCase):
    """Frames found in bytes."""

    def test_every_frame_is_found(self) -> None:
        """With what its header says, in all forms of the length, masked or not."""
        frames = [
            frame(Opcode.TEXT, b"ab", KEY, first=0),
            frame(Opcode.PING, b""),
            frame(Opcode.CONTINUATION, bytes(126)),
            frame(Opcode.BINARY, bytes(65536), KEY),
        ]
        stream = b"".join(frames)
        found = list(spans(stream))
        self.assertEqual(frames, [stream[span.start : span.end] for span in found])
        self.assertEqual([False, True, True, True], [span.final for span in found])
        self.assertEqual([False, True, False, False], [span.control for span in found])

    def test_the_last_frame_may_be_cut(self) -> None:
        """Its end is beyond the bytes."""
        (span,) = spans(frame(Opcode.TEXT, b"abcd")[:4])
        self.assertEqual(6, span.end)


class Walking(SynchronousTestCase):
    """Payloads of a stream."""

    def walked(self, chunks: list[bytes]) -> list[tuple[int, bytes]]:
        """First byte and payload of each frame, put together from its pieces as a reader lets them pass."""
        reader, walker = FrameReader(True), Walker()
        found: list[tuple[int, bytes]] = []
        rest = b""
        for chunk in chunks:
            data = rest + chunk
            count = reader.feed(data)
            rest = data[count:]
            for piece in walker.walk(data[:count]):
                if piece.begins:
                    found.append((piece.first, b""))
                found[-1] = (piece.first, found[-1][1] + piece.payload)
        return found

    @settings(max_examples=100, deadline=None)
    @given(streams(), st.lists(st.integers(1, 200), min_size=1))
    def test_pieces_make_up_the_payloads(self, frames: list[bytes], sizes: list[int]) -> None:
        """Unmasked, however the stream was cut."""
        stream = b"".join(frames)
        whole = [(one[0], one) for one in frames]
        walked = self.walked(cut(stream, sizes))
        self.assertEqual([first for first, _ in whole], [first for first, _ in walked])
        self.assertEqual(walked, self.walked([stream]))

    def test_the_ends_of_frames_are_told(self) -> None:
        """Of a frame in two chunks, of an empty one, and of one without a mask."""
        walker = Walker()
        stream = frame(Opcode.TEXT, b"abcd", KEY)
        pieces = [*walker.walk(stream[:6]), *walker.walk(stream[6:8]), *walker.walk(stream[8:] + frame(Opcode.PING))]
        self.assertEqual(
            [
                (b"", True, False),
                (b"ab", False, False),
                (b"cd", False, True),
                (b"", True, True),
            ],
            [(piece.payload, piece.begins, piece.ends) for piece in pieces],
        )
        (plain,) = walker.walk(frame(Opcode.BINARY, b"xyz"))
        self.assertEqual((FIN | Opcode.BINARY, b"xyz"), (plain.first, plain.payload))
