"""How long to wait after failures: longer each time, and never as long as others do who failed at the same moment."""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """Pauses in seconds, ``first``, twice that, and so on up to ``most``, each shortened at random by up to half.

    ``random`` gives numbers from 0 up to 1.
    """

    def __init__(self, random: Callable[[], float], first: float, most: float) -> None:
        self._random = random
        self._first = min(first, most)
        self._most = most
        self._next = self._first

    def failed(self) -> float:
        """The pause after one more failure."""
        length = self._next
        self._next = min(self._most, 2 * length)
        return length * (1 - self._random() / 2)

    def succeeded(self) -> None:
        """Begin anew with the next failure."""
        self._next = self._first
