"""What happened to the legs of a session, told in order and in a later turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.logger import Logger

from apiml_ws.core.interfaces import Clock, Side

_Report = tuple[Side, Callable[..., None], tuple[object, ...]]


class ReportsOwner(Protocol):
    """Whoever has something to report."""

    def crashed(self) -> None:
        """Something raised that should not."""


class Reports:
    """Events on their way to a session: never from within a command, and never two at a time.

    ``owner`` hears when telling one of them raised, after that was logged.
    """

    _log = Logger()

    __slots__ = ("_clock", "_owner", "_telling", "_untold")

    def __init__(self, clock: Clock, owner: ReportsOwner) -> None:
        self._clock = clock
        self._owner: ReportsOwner | None = owner
        self._untold: tuple[_Report, ...] = ()
        self._telling = False

    def add(self, side: Side, event: Callable[..., None], *details: object) -> None:
        """Tell ``event`` with ``side`` and ``details`` later."""
        self._untold += ((side, event, details),)
        if not self._telling:
            self._telling = True
            self._clock.callLater(0, self._tell)

    def end(self) -> None:
        """There is nobody left who could have failed."""
        self._owner = None

    def forget(self, side: Side) -> None:
        """Tell nothing of what happened to ``side`` up to now."""
        self._untold = tuple(report for report in self._untold if report[0] is not side)

    def _tell(self) -> None:
        try:
            while self._untold:
                first, self._untold = self._untold[0], self._untold[1:]
                self._tell_one(*first)
        finally:
            self._telling = False

    def _tell_one(self, side: Side, event: Callable[..., None], details: tuple[object, ...]) -> None:
        try:
            event(side, *details)
        except Exception:
            self._log.failure("A session failed at an event of its relay")
            if self._owner is not None:
                self._owner.crashed()
