"""Where what arrives stands while it is looked at."""

from __future__ import annotations

from typing import Final

from apiml_ws.core.frames import HELD_LIMIT

#: The most that is read at once, in bytes: large frames need large reads, and one buffer serves all sessions.
READ_SIZE: Final = 262144
#: A read with more frames than this takes so long that the others notice; the next one is smaller.
MANY_FRAMES: Final = 1024
#: So many bytes are never so many frames.
SOME_FRAMES: Final = 2 * MANY_FRAMES
SMALL_READ: Final = 16384


class Room:
    """One buffer for the reads of all legs, used within one turn; what a reader held back fits in front of ``body``.

    ``small`` is the beginning of ``body``.
    """

    __slots__ = ("_whole", "body", "small")

    def __init__(self, size: int = READ_SIZE) -> None:
        self._whole = memoryview(bytearray(HELD_LIMIT + size))
        self.body = self._whole[HELD_LIMIT:]
        self.small = self.body[:SMALL_READ]

    def holding(self, rest: bytes, count: int) -> memoryview:
        """``rest`` and behind it the first ``count`` bytes of ``body``."""
        start = HELD_LIMIT - len(rest)
        if rest:
            self._whole[start:HELD_LIMIT] = rest
        return self._whole[start : HELD_LIMIT + count]
