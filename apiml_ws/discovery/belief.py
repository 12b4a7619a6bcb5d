"""Who is believed to run: those that a registry lists, and for a while those that it forgot.

A registry that was restarted lists only who has come back so far; the others are still there, and will register again
within their own leases.  So an instance that is missing in the first answer of a server, or of another one, is believed
in until its own lease would have ended.  One that is missing later, or that the registry says has ended, is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from apiml_ws.discovery.deltas import NOBODY, Key, Listing, listing
from apiml_ws.discovery.reading import Read
from apiml_ws.discovery.registration import Registration

#: No lease is believed in for more seconds than this.
LONGEST: Final = 300.0


class Belief:
    """``seconds`` is a monotonic clock."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._listed: Listing = NOBODY
        self._forgotten: dict[Key, tuple[Registration, float]] = {}
        self.registrations: tuple[Registration, ...] = ()

    def begin_with(self, registrations: Iterable[Registration]) -> None:
        """What was believed before the start."""
        self._listed = listing(registrations)
        self.registrations = tuple(self._listed.values())

    def take(self, read: Read) -> bool:
        """Believe in ``read``; whether that changes anything."""
        forgotten = self._still_forgotten(read)
        changed = read.listing != self._listed or forgotten.keys() != self._forgotten.keys()
        self._listed, self._forgotten = read.listing, forgotten
        if changed:
            self.registrations = (*read.listing.values(), *(each for each, _ in forgotten.values()))
        return changed

    def _still_forgotten(self, read: Read) -> dict[Key, tuple[Registration, float]]:
        now = self._seconds()
        missing = {} if read.steady else {key: (each, now + _left(each)) for key, each in self._listed.items()}
        missing |= self._forgotten
        known = read.listing.keys() | read.ended
        return {key: (each, until) for key, (each, until) in missing.items() if key not in known and until > now}


def _left(registration: Registration) -> float:
    return min(float(registration.lease.duration), LONGEST)
