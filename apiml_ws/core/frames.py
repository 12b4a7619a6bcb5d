"""WebSocket frames (RFC 6455 section 5) as a gateway sees them: headers read, payloads left alone.

:class:`FrameReader` follows one direction of a connection.  It is given what arrived and says how much of it may be passed
on as it is.  It owns no bytes: what it does not let pass yet, a header that is not complete, is given to it again in front
of what arrives next.  So whatever passes ends on the edge of a frame or inside a payload, never inside a header, and no
byte of an illegal frame passes.  Close frames never pass: they are taken out whole, since the session decides on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Final

from apiml_ws.core.interfaces import Boundary, Violation


class Opcode(IntEnum):
    """RFC 6455 section 11.8."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


FIN: Final = 0x80
#: Reserved bits in the first byte; RSV1 marks a compressed message (RFC 7692 section 6).
RSV: Final = 0x70
RSV1: Final = 0x40
MASKED: Final = 0x80
_SIXTEEN_BITS: Final = 126
_SIXTY_FOUR_BITS: Final = 127
#: Payload bytes of a control frame (RFC 6455 section 5.5).
CONTROL_LIMIT: Final = 125
#: The longest header: two bytes, eight of length, four of mask.
HEADER_LIMIT: Final = 14
#: The most that a reader ever holds back: a close frame that lacks its last byte.
HELD_LIMIT: Final = 2 + 4 + CONTROL_LIMIT - 1

_PROTOCOL_ERROR: Final = 1002
_TOO_BIG: Final = 1009

# What a first byte means where it stands: a frame after which the message is complete, or goes on; or a refusal's index.
_LAST, _MORE, _CONTROL, _CLOSE, _REFUSED = range(5)
_REFUSALS: Final = (
    "reserved bits are set",
    "reserved opcode",
    "fragmented control frame",
    "continuation without a message to continue",
    "new message inside a fragmented one",
)
_RESERVED_BITS, _RESERVED_OPCODE, _FRAGMENTED_CONTROL, _NO_START, _NO_END = range(_REFUSED, _REFUSED + len(_REFUSALS))


@dataclass(frozen=True, slots=True)
class Taken:
    """A control frame that a reader took out of the stream: payload unmasked, ``end`` its end in the chunk."""

    opcode: int
    payload: bytes
    end: int


class FrameReader:
    """Reads the headers of one direction.

    ``masked``: whether frames have to be masked, as a client's (RFC 6455 section 5.1).  ``reserved``: the reserved bits that
    the first frame of a message may have.  ``max_message`` and ``max_frame`` limit payload bytes on the wire of data
    frames, 0 for no limit; a message is counted over its fragments.

    To be read after each :meth:`feed`:

    - ``finding``: None; or what the reader stopped at, at the offset that :meth:`feed` returned: a control frame that it
      took, or what is not allowed.  After a close frame or a violation it must not be fed again.
    - ``message_end``: the last offset in the chunk where everything before belongs to complete messages, -1 if there is none.
    - ``left``: payload bytes that the frame under way still lacks.
    - ``message``: payload bytes of the message under way, without those of its last frame.
    - ``fragmented``: whether the message goes on after the frame under way, or after the last one.
    - ``frames``, ``messages``: how many began so far (a message counts by its last frame).

    ``take_pings``: pings are taken out as close frames are.
    """

    __slots__ = (
        "_after",
        "_key",
        "_limited",
        "_mask",
        "_max_frame",
        "_max_message",
        "_start",
        "finding",
        "fragmented",
        "frames",
        "left",
        "message",
        "message_end",
        "messages",
        "reserved",
        "take_pings",
    )

    def __init__(self, masked: bool, reserved: int = 0, max_message: int = 0, max_frame: int = 0) -> None:
        self._mask, self._key = (MASKED, 4) if masked else (0, 0)
        self.reserved = reserved
        self._start, self._after = _meanings(reserved)
        self._limited = bool(max_frame or max_message)
        self._max_frame = max_frame
        self._max_message = max_message
        self.message = 0
        self.finding: Taken | Violation | None = None
        self.fragmented = False
        self.frames = 0
        self.left = 0
        self.message_end = -1
        self.messages = 0
        self.take_pings = False

    @property
    def masked(self) -> bool:
        """Whether frames have to be masked."""
        return bool(self._mask)

    @property
    def boundary(self) -> Boundary:
        """Where the stream stands after what was let pass."""
        if self.left:
            return Boundary.FRAME
        return Boundary.FRAGMENT if self.fragmented else Boundary.MESSAGE

    def feed(self, data: bytes | memoryview) -> int:
        """How many bytes of ``data`` may pass; what remains without a finding belongs in front of the next ``data``."""
        self.finding = None
        self.message_end = -1
        size = len(data)
        position = self.left
        if position > size:
            self.left = position - size
            return size
        self.left = 0
        mask, key = self._mask, self._key
        fragmented = self.fragmented
        while True:
            # The edge of a frame.
            if not fragmented:
                self.message_end = position
            start = position + 2
            if start > size:
                return position
            meaning = (self._after if fragmented else self._start)[data[position]]
            length = data[position + 1] ^ mask
            if length == _SIXTEEN_BITS and meaning <= _MORE and not self._limited and start + 2 <= size:
                # What most frames are that are not small; see _long for what is asked of a length.
                length = data[start] << 8 | data[start + 1]
                start += 2
                if length <= CONTROL_LIMIT:
                    start, length = self._considered(data, position, meaning, _SIXTEEN_BITS)
            elif meaning > _MORE or length > CONTROL_LIMIT or self._limited:
                start, length = self._considered(data, position, meaning, length)
            start += key
            if start > size:
                return position
            self.frames += 1
            if meaning == _LAST:
                self.messages += 1
                if fragmented:
                    fragmented = self.fragmented = False
                    self.message = 0
            elif meaning == _MORE:
                fragmented = self.fragmented = True
                self.message += length
            position = start + length
            if position > size:
                self.left = position - size
                return size

    def _considered(self, data: bytes | memoryview, position: int, meaning: int, length: int) -> tuple[int, int]:
        """Where the mask's key begins, and the length; a place beyond ``data`` for a frame that does not pass, or not yet."""
        beyond = len(data) + 1, 0
        start = position + 2
        if meaning >= _REFUSED or length > _SIXTY_FOUR_BITS:
            self._refuse(meaning)
            return beyond
        if length > CONTROL_LIMIT:
            if meaning >= _CONTROL:
                self._break(_PROTOCOL_ERROR, f"control frame longer than {CONTROL_LIMIT} bytes")
                return beyond
            start += 2 if length == _SIXTEEN_BITS else 8
            length = self._long(data[position + 2 : start]) if start <= len(data) else -1
            if length < 0:
                return beyond
        if meaning >= _CONTROL:
            if meaning == _CLOSE or (self.take_pings and data[position] & 0xF == Opcode.PING):
                self._take(data, position, length)
                return beyond
        elif not self._within_limits(length):
            return beyond
        return start, length

    def _long(self, digits: bytes | memoryview) -> int:
        """A length of 16 or 64 bits, -1 after one that is refused."""
        length = int.from_bytes(digits, "big")
        if len(digits) == 2:
            if length > CONTROL_LIMIT:
                return length
        elif length >> 63:
            self._break(_PROTOCOL_ERROR, "length with its highest bit set")
            return -1
        elif length > 0xFFFF:
            return length
        self._break(_PROTOCOL_ERROR, "length not in its shortest form")
        return -1

    def _within_limits(self, length: int) -> bool:
        if self._max_frame and length > self._max_frame:
            self._break(_TOO_BIG, f"frame longer than {self._max_frame} bytes")
        elif self._max_message and self.message + length > self._max_message:
            self._break(_TOO_BIG, f"message longer than {self._max_message} bytes")
        else:
            return True
        return False

    def _take(self, data: bytes | memoryview, position: int, length: int) -> None:
        """Take a control frame out, if it is complete."""
        opcode = data[position] & 0xF
        if opcode == Opcode.CLOSE and length == 1:
            self._break(_PROTOCOL_ERROR, "close frame with one byte")
            return
        start = position + (6 if self._mask else 2)
        if start + length <= len(data):
            payload = bytes(data[start : start + length])
            if self._mask:
                payload = masked(payload, bytes(data[start - 4 : start]))
            self.frames += 1
            self.finding = Taken(opcode, payload, start + length)

    def _refuse(self, meaning: int) -> None:
        if meaning >= _REFUSED:
            self._break(_PROTOCOL_ERROR, _REFUSALS[meaning - _REFUSED])
        else:
            self._break(_PROTOCOL_ERROR, "frame is not masked" if self._mask else "frame is masked")

    def _break(self, code: int, text: str) -> None:
        self.finding = Violation(code, text)


@cache
def _meanings(reserved: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """For each first byte its meaning, at the start of a message and inside a fragmented one."""
    return (
        tuple(_meaning(first, reserved, False) for first in range(256)),
        tuple(_meaning(first, reserved, True) for first in range(256)),
    )


def _meaning(first: int, reserved: int, inside: bool) -> int:
    opcode, final = first & 0xF, first & FIN
    starts = opcode in (Opcode.TEXT, Opcode.BINARY)
    if first & RSV & ~(reserved if starts else 0):
        return _RESERVED_BITS
    if opcode in (Opcode.CLOSE, Opcode.PING, Opcode.PONG):
        return _FRAGMENTED_CONTROL if not final else _CLOSE if opcode == Opcode.CLOSE else _CONTROL
    if not starts and opcode != Opcode.CONTINUATION:
        return _RESERVED_OPCODE
    if starts is inside:
        return _NO_END if starts else _NO_START
    return _LAST if final else _MORE


def masked(payload: bytes | memoryview, key: bytes, offset: int = 0) -> bytes:
    """``payload`` with ``key`` (4 bytes) put on or taken off (RFC 6455 section 5.3), from ``offset`` on in its frame."""
    size = len(payload)
    turned = key[offset & 3 :] + key[: offset & 3]
    pad = (turned * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(pad, "little")).to_bytes(size, "little")


def header(first: int, length: int, mask: bytes | None) -> bytes:
    """The header of a frame: its ``first`` byte as it is, the length in its shortest form, the mask's key if any."""
    bit = MASKED if mask else 0
    if length <= CONTROL_LIMIT:
        sized = bytes((first, bit | length))
    elif length <= 0xFFFF:
        sized = bytes((first, bit | _SIXTEEN_BITS)) + length.to_bytes(2, "big")
    else:
        sized = bytes((first, bit | _SIXTY_FOUR_BITS)) + length.to_bytes(8, "big")
    return sized + mask if mask else sized


def frame(opcode: int, payload: bytes = b"", mask: bytes | None = None, *, first: int = FIN) -> bytes:
    """A frame; complete in itself unless ``first``, the upper half of its first byte, says otherwise."""
    return header(first | opcode, len(payload), mask) + (masked(payload, mask) if mask else payload)
