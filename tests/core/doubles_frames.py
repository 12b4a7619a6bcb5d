"""Streams of frames, and what a reader makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import strategies as st

from apiml_ws.core.frames import FIN, HELD_LIMIT, FrameReader, Opcode, frame
from apiml_ws.core.interfaces import Violation


@dataclass
class Read:
    """What came of a stream."""

    passed: bytes = b""
    taken: list[tuple[int, bytes]] = field(default_factory=list)
    violation: Violation | None = None


def read(reader: FrameReader, chunks: Iterator[bytes] | list[bytes]) -> Read:
    """Feed ``chunks`` as a relay does: what was held back goes in front of the next; a close or violation is the end."""
    result = Read()
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        while True:
            count = reader.feed(data)
            result.passed += data[:count]
            found = reader.finding
            if isinstance(found, Violation):
                result.violation = found
                return result
            if found is None:
                break
            result.taken.append((found.opcode, found.payload))
            if found.opcode == Opcode.CLOSE:
                return result
            data = data[found.end :]
        rest = data[count:]
        assert len(rest) <= HELD_LIMIT
    return result


def bytewise(data: bytes) -> list[bytes]:
    """One chunk a byte."""
    return [data[i : i + 1] for i in range(len(data))]


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Frames of legal messages of a client, with control frames between, close excepted."""
    frames = []
    for _ in range(draw(st.integers(0, 6))):
        parts = draw(st.lists(st.binary(max_size=300), min_size=1, max_size=3))
        for i, part in enumerate(parts):
            opcode = draw(st.sampled_from((Opcode.TEXT, Opcode.BINARY))) if i == 0 else Opcode.CONTINUATION
            key = draw(st.binary(min_size=4, max_size=4))
            frames.append(frame(opcode, part, key, first=FIN if i == len(parts) - 1 else 0))
            if draw(st.booleans()):
                control = draw(st.sampled_from((Opcode.PING, Opcode.PONG)))
                frames.append(frame(control, draw(st.binary(max_size=125)), key))
    return frames


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """``data`` in chunks of these sizes, over and over."""
    chunks, position, turn = [], 0, 0
    while position < len(data):
        size = sizes[turn % len(sizes)]
        chunks.append(data[position : position + size])
        position, turn = position + size, turn + 1
    return chunks
