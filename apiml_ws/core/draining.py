"""The end of all sessions: closed at a rate, waited for, dropped when the time is over."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, Protocol

from apiml_ws.core.interfaces import Clock
from apiml_ws.core.pace import Pace

#: Closing is never spread over more than this share of the time, so that closing handshakes have the rest.
_SPREAD: Final = 0.5


class Ending(Protocol):
    """A session that is to end."""

    def stop(self) -> None:
        """Begin to: close both legs."""

    def abort(self) -> None:
        """Be ended when this returns."""


class Draining:
    """Ends all that ``live`` gives, within ``timeout`` seconds, ``rate`` a second or faster, and calls ``done`` once."""

    def __init__(
        self,
        live: Callable[[], Collection[Ending]],
        clock: Clock,
        rate: float,
        timeout: float,
        done: Callable[[], object],
    ) -> None:
        self._live = live
        self._done = done
        sessions = live()
        self._pace: Pace[Ending] = Pace(clock, max(rate, len(sessions) / (timeout * _SPREAD)), _stop)
        self._deadline = clock.callLater(timeout, self._drop)
        self._pace.extend(sessions)
        self.check()

    def check(self) -> None:
        """Some session ended: is it the last one?"""
        if self._deadline.active() and not self._live():
            self._deadline.cancel()
            self._finish()

    def _drop(self) -> None:
        for session in tuple(self._live()):
            session.abort()
        self._finish()

    def _finish(self) -> None:
        self._pace.cancel()
        self._done()


def _stop(session: Ending) -> None:
    session.stop()
