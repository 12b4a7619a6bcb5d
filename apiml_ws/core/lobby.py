"""Where connections wait that are not sessions: not yet, or never, as those of operators.

There is a limited number of seats.  When a connection comes and none is free, the one that has waited longest has to go,
whoever it is: those who mean to come in are through in a moment, and those who only hold on to a connection wait.  To refuse
whoever comes last instead would let a few that hold on shut everybody out.
"""

from __future__ import annotations

from typing import Protocol

from twisted.logger import Logger


class Guest(Protocol):
    """A connection that waits."""

    def turn_out(self) -> None:
        """End it at once."""


class Lobby:
    """``seats`` for guests of ``what`` (for the log).  A guest waits, or is served, which nobody interrupts for another.

    When all others are served, it is the one that comes that has to go.
    """

    _log = Logger()

    def __init__(self, seats: int, what: str) -> None:
        self._seats = seats
        self._what = what
        self._waiting: dict[Guest, None] = {}
        self._served: set[Guest] = set()
        self._crowded = False

    def __len__(self) -> int:
        """How many guests there are."""
        return len(self._waiting) + len(self._served)

    def wait(self, guest: Guest) -> None:
        """``guest`` came, or waits again, the last of all."""
        self._remove(guest)
        self._waiting[guest] = None
        if len(self) > self._seats:
            self._turn_one_out()

    def serve(self, guest: Guest) -> None:
        """``guest``, which waited, waits for us now."""
        if guest in self._waiting:
            del self._waiting[guest]
            self._served.add(guest)

    def leave(self, guest: Guest) -> None:
        """``guest`` is gone, or a session now; nothing, if it was turned out."""
        self._remove(guest)
        if self._crowded and len(self) <= self._seats // 2:
            self._crowded = False
            self._log.info(
                "{what}: there are enough seats for connections that are not sessions again", what=self._what
            )

    def _remove(self, guest: Guest) -> None:
        self._waiting.pop(guest, None)
        self._served.discard(guest)

    def _turn_one_out(self) -> None:
        oldest = next(iter(self._waiting))
        del self._waiting[oldest]
        if not self._crowded:
            self._crowded = True
            self._log.warn(
                "{what}: more than {seats} connections are not sessions; those that wait longest are dropped",
                what=self._what,
                seats=self._seats,
            )
        oldest.turn_out()
