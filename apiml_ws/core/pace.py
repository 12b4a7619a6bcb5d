"""Sessions closed one after another, so that their clients do not come back all at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

from apiml_ws.core.interfaces import Clock, Timer

Item = TypeVar("Item")

#: Seconds between two rounds at least; at higher rates a round has several.
_ROUND: Final = 0.05
#: What sums of such times may be short of.
_ROUNDING: Final = 1e-6


class Pace(Generic[Item]):
    """Calls ``each`` with what was queued, ``rate`` of them a second, the first at once."""

    def __init__(self, clock: Clock, rate: float, each: Callable[[Item], object]) -> None:
        self._clock = clock
        self._rate = rate
        self._each = each
        self._queue: deque[Item] = deque()
        self._timer: Timer | None = None
        self._started = 0.0
        self._done = 0

    def extend(self, items: Iterable[Item]) -> None:
        """Queue ``items``, but for those that are queued already."""
        queued = set(self._queue)
        self._queue.extend(item for item in items if item not in queued)
        if self._timer is None and self._queue:
            self._started, self._done = self._clock.seconds(), 0
            self._round()

    def cancel(self) -> None:
        """Forget what is queued."""
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _round(self) -> None:
        """The next one is set before anything is called, and comes after the last item too: a new burst has to wait for it."""
        self._timer = self._clock.callLater(max(1 / self._rate, _ROUND), self._round) if self._queue else None
        due = 1 + int((self._clock.seconds() - self._started) * self._rate + _ROUNDING)
        while self._queue and self._done < due:
            self._done += 1
            self._each(self._queue.popleft())
