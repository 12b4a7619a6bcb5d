"""How many sessions there may be, and what is said when there are so many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

#: A shortage is over when this share of the places was free for once: not whenever one session ends and another begins.
_RELIEF: Final = 0.05


class Places:
    """``count`` places, ``taken()`` of which have a session.

    Between the decision to let a client in and its session other clients come, so that the place is kept from then on.
    """

    _log = Logger()

    def __init__(self, count: int, taken: Callable[[], int]) -> None:
        self._count = count
        self._taken = taken
        self._kept = 0
        self._short = False

    def keep(self) -> Place | None:
        """A place for somebody who comes in; None if there is none."""
        if self._used < self._count:
            self._kept += 1
            return Place(self)
        if not self._short:
            self._short = True
            self._log.warn(
                "No room for more than {count} sessions: new ones are refused. The limit of open files allows no more.",
                count=self._count,
            )
        return None

    def returned(self) -> None:
        """See :meth:`Place.let_go`."""
        self._kept -= 1

    def look(self) -> None:
        """See whether a shortage is over; to be called from time to time."""
        if self._short and self._used <= self._count * (1 - _RELIEF) and self._used < self._count:
            self._short = False
            self._log.info("There is room for new sessions again")

    @property
    def _used(self) -> int:
        return self._taken() + self._kept


class Place:
    """A place that is kept for somebody."""

    __slots__ = ("_places",)

    def __init__(self, places: Places) -> None:
        self._places: Places | None = places

    def let_go(self) -> None:
        """Whoever it was kept for has a session now, or will not have one; nothing if that was known before."""
        places, self._places = self._places, None
        if places is not None:
            places.returned()
