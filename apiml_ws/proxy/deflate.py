"""Raw deflate in bounded steps, message by message (RFC 7692 section 7.2)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

#: The most that one step of inflating gives, in bytes.
STEP: Final = 65536
_TAIL: Final = b"\x00\x00\xff\xff"
#: An empty block, for a message of which nothing is left without the tail (RFC 7692 section 7.2.3.6).
_EMPTY: Final = b"\x00"
#: zlib makes no raw streams with a smaller window.
_NARROWEST: Final = 9


class Inflater:
    """What comes from a peer.  ``fresh``: it forgets its context after each message."""

    def __init__(self, window_bits: int, fresh: bool) -> None:
        self._window_bits = window_bits
        self._fresh = fresh
        self._stream = zlib.decompressobj(-window_bits)

    def inflate(self, data: bytes, ends: bool) -> Iterator[bytes]:
        """What ``data`` holds, :data:`STEP` bytes at most at a time; ``ends`` for the last of a message.

        :raises zlib.error: it is not deflated.
        """
        rest = data + _TAIL if ends else data
        while rest:
            # The little output that zlib may hold back, all input taken, comes with the next data, or before the tail.
            yield self._stream.decompress(rest, STEP)
            rest = self._stream.unconsumed_tail
            if self._stream.eof:
                # A sender may end the stream with a message (section 7.2.3.5); what follows is another one.
                rest = self._stream.unused_data
                self._renew()
        if ends and self._fresh:
            self._renew()

    def _renew(self) -> None:
        self._stream = zlib.decompressobj(-self._window_bits)


class Deflater:
    """What goes to a peer.  ``fresh``: it is forgotten after each message."""

    def __init__(self, window_bits: int, fresh: bool) -> None:
        self._window_bits = window_bits
        self._fresh = fresh
        self._renew()

    @staticmethod
    def able(window_bits: int) -> bool:
        """Whether zlib can keep to that window; messages that it cannot deflate may go as they are."""
        return window_bits >= _NARROWEST

    def deflate(self, plain: bytes) -> bytes:
        """What there is to send so far."""
        return self._stream.compress(plain)

    def end(self) -> bytes:
        """The rest of the message."""
        rest = self._stream.flush(zlib.Z_SYNC_FLUSH).removesuffix(_TAIL)
        if self._fresh:
            self._renew()
        return rest or _EMPTY

    def _renew(self) -> None:
        self._stream = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -self._window_bits)
