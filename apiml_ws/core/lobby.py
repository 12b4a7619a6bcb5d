"""Where connections wait that are not sessions: not yet, or never, as those of operators.

There is a limited number of seats.  When none is free, one more is let in when somebody has waited for a while, who then has
to go: those who mean to come in are through in a moment, and those who only hold on to a connection wait.  To let in nobody
would let a few that hold on shut everybody out; to turn out those who have just come, when all clients come at once, would
have them come again and again.  But such a rush is over soon: when it goes on it is none, and the while becomes shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice, takewhile
from typing import Final, Protocol

from twisted.logger import Logger

#: Seconds in which nobody is turned out who came; and when there was no room for so long.
GRACE: Final = 3.0
PRESSED: Final = 1.0
RUSH: Final = 15.0
#: More are never asked for at once.
_AT_ONCE: Final = 32


class Guest(Protocol):
    """A connection that waits."""

    def turn_out(self) -> None:
        """End it at once."""


class Lobby:
    """``seats`` for guests of ``what`` (for the log).

    A guest waits, or is served: whoever is served goes only when nobody waits.
    """

    _log = Logger()

    def __init__(self, seats: int, what: str, seconds: Callable[[], float]) -> None:
        self._seats = seats
        self._what = what
        self._seconds = seconds
        #: Since when, the longest first.
        self._waiting: dict[Guest, float] = {}
        self._served: dict[Guest, float] = {}
        self._crowded = False
        self._full_since: float | None = None

    def __len__(self) -> int:
        """How many guests there are."""
        return len(self._waiting) + len(self._served)

    def room(self) -> int:
        """How many may come in now, in place of others perhaps; 0 when it has to be asked again a little later."""
        return max(self._seats - len(self), 0) or self._overdue((self._waiting or self._served).values())

    def _overdue(self, since: Iterable[float]) -> int:
        now = self._seconds()
        if self._full_since is None:
            self._full_since = now
        due = now - (GRACE if now - self._full_since < RUSH else PRESSED)
        return sum(1 for _ in islice(takewhile(lambda came: came <= due, since), _AT_ONCE))

    def wait(self, guest: Guest) -> None:
        """``guest`` came, or waits again, the last of all."""
        self._remove(guest)
        self._waiting[guest] = self._seconds()
        if len(self) > self._seats:
            self._turn_one_out()

    def serve(self, guest: Guest) -> None:
        """``guest``, which waited, waits for us now."""
        if self._waiting.pop(guest, None) is not None:
            self._served[guest] = self._seconds()

    def leave(self, guest: Guest) -> None:
        """``guest`` is gone, or a session now; nothing, if it was turned out."""
        self._remove(guest)
        if len(self) <= self._seats // 2:
            self._relax()

    def _relax(self) -> None:
        self._full_since = None
        if self._crowded:
            self._crowded = False
            self._log.info(
                "{what}: there are enough seats for connections that are not sessions again", what=self._what
            )

    def _remove(self, guest: Guest) -> None:
        self._waiting.pop(guest, None)
        self._served.pop(guest, None)

    def _turn_one_out(self) -> None:
        """The newcomer is the last of those that wait, and stays if anybody else is there."""
        oldest = next(iter(self._waiting if len(self._waiting) > 1 else self._served or self._waiting))
        self._remove(oldest)
        if not self._crowded:
            self._crowded = True
            self._log.warn(
                "{what}: more than {seats} connections are not sessions; those that wait longest are dropped",
                what=self._what,
                seats=self._seats,
            )
        oldest.turn_out()
