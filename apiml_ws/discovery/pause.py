"""A pause that can be cut short."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Pause:
    """Lets one coroutine wait: for its time, until :meth:`end`, or until its Deferred is cancelled."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._ending: Deferred[None] | None = None

    def seconds(self, length: float) -> Deferred[None]:
        """Fires after ``length`` seconds, or sooner by :meth:`end`."""
        ending: Deferred[None] = Deferred()
        timer = self._clock.callLater(length, self.end)
        self._ending = ending
        return ending.addBoth(self._over, timer)

    def end(self) -> None:
        """End the pause that is on, if any."""
        if self._ending is not None:
            ending, self._ending = self._ending, None
            ending.callback(None)

    def _over(self, result: None, timer: IDelayedCall) -> None:
        self._ending = None
        if timer.active():
            timer.cancel()
        return result
