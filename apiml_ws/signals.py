"""What the process does on a signal: SIGTERM and SIGINT stop it with exit status 0, nothing else ends it.

twistd itself raises SIGTERM again after a clean stop, so that the exit status is -15; and the reactor installs its
own dispositions only when it runs, after ports were opened.  Hence ours stand before anything listens, and are put in
place once more when the reactor runs.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Final, Protocol

from twisted.logger import Logger

#: Signals that stop the process in good order.
STOPPING: Final = (signal.SIGTERM, signal.SIGINT)

#: Signals whose default would end the process, though nobody who sends them means that.
HARMLESS: Final = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE)

Disposition = Callable[[int, FrameType | None], object]


class Reactor(Protocol):
    """What is needed of the reactor."""

    running: bool

    def stop(self) -> object:
        """Stop it."""

    def callWhenRunning(self, callable: Callable[..., object], *args: object) -> object:  # noqa: A002 - the name is the caller's
        """Call when it runs, or at once if it does."""

    def callFromThread(self, callable: Callable[..., object], *args: object) -> object:  # noqa: A002 - the name is the caller's
        """Call in its next turn, and wake it up."""


class Signals:
    """The dispositions of one process; ``install`` is :func:`signal.signal` but in tests."""

    _log = Logger()

    def __init__(self, reactor: Reactor, install: Callable[[int, Disposition], object] = signal.signal) -> None:
        self._reactor = reactor
        self._install = install
        self._stopping = False

    def install(self) -> None:
        """Put the dispositions in place, now and again when the reactor has put its own there."""
        self._put()
        self._reactor.callWhenRunning(self._put)

    def _put(self) -> None:
        for number in STOPPING:
            self._install(number, self._stop)
        for number in HARMLESS:
            self._install(number, self._nothing)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if not self._stopping:
            self._stopping = True
            self._reactor.callFromThread(self._reactor.callWhenRunning, self._finish, signal.Signals(number).name)

    def _finish(self, name: str) -> None:
        self._log.info("{signal}: stopping", signal=name)
        self._reactor.stop()

    def _nothing(self, number: int, frame: FrameType | None) -> None:
        pass
