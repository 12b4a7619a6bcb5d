"""A stream of frames that a :class:`~apiml_ws.core.frames.FrameReader` let pass, cut into its frames.

Nothing is checked again here.  :func:`spans` finds the frames in bytes that are kept, :class:`Walker` gives the payloads of
a stream, chunk by chunk, to whoever has to look at them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from apiml_ws.core.frames import FIN, MASKED, Opcode, masked

_LENGTH_BYTES = {126: 2, 127: 8}


@dataclass(frozen=True, slots=True)
class Span:
    """A frame in bytes: its first byte, where it begins, where its payload does, and where it ends, be it beyond them."""

    first: int
    start: int
    payload: int
    end: int

    @property
    def opcode(self) -> int:
        """See :class:`~apiml_ws.core.frames.Opcode`."""
        return self.first & 0xF

    @property
    def control(self) -> bool:
        """Whether it is a close, ping or pong."""
        return self.opcode >= Opcode.CLOSE

    @property
    def final(self) -> bool:
        """Whether it ends its message; always true of a control frame."""
        return bool(self.first & FIN)


def span_at(data: bytes | memoryview, start: int) -> Span:
    """The frame whose complete header begins at ``start``."""
    second = data[start + 1]
    length = second & 0x7F
    payload = start + 2
    extended = _LENGTH_BYTES.get(length, 0)
    if extended:
        length = int.from_bytes(data[payload : payload + extended], "big")
        payload += extended
    if second & MASKED:
        payload += 4
    return Span(data[start], start, payload, payload + length)


def spans(data: bytes | memoryview, start: int = 0) -> Iterator[Span]:
    """The frames of ``data`` from ``start`` on; the last one may lack the end of its payload."""
    while start < len(data):
        span = span_at(data, start)
        yield span
        start = span.end


@dataclass(frozen=True, slots=True)
class Piece:
    """Payload as it arrived, unmasked: of the frame with this first byte, ``ends`` if it has the last of it."""

    first: int
    payload: bytes
    begins: bool
    ends: bool


class Walker:
    """Takes a stream apart; each chunk must end on the edge of a frame or inside a payload."""

    __slots__ = ("_first", "_key", "_left", "_offset")

    def __init__(self) -> None:
        self._first = 0
        self._key = b""
        self._left = 0
        self._offset = 0

    def walk(self, data: bytes | memoryview) -> Iterator[Piece]:
        """What is in ``data``, in order; an empty frame is an empty piece."""
        position = 0
        begins = False
        while self._left or position < len(data):
            if not self._left:
                span = span_at(data, position)
                self._begin(span, data)
                position, begins = span.payload, True
            size = min(self._left, len(data) - position)
            self._left -= size
            yield Piece(self._first, self._payload(data[position : position + size]), begins, not self._left)
            position += size
            begins = False
            if self._left:
                return

    def _begin(self, span: Span, data: bytes | memoryview) -> None:
        self._first = span.first
        self._key = bytes(data[span.payload - 4 : span.payload]) if data[span.start + 1] & MASKED else b""
        self._left = span.end - span.payload
        self._offset = 0

    def _payload(self, part: bytes | memoryview) -> bytes:
        offset = self._offset
        self._offset += len(part)
        return masked(part, self._key, offset) if self._key else bytes(part)
