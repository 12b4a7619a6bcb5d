"""Services that record what became of them, and a reactor in memory that starts them."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock

from apiml_ws.discovery.registration import Registration


class MemoryReactor(MemoryReactorClock):
    """A reactor without sockets, whose dispositions of signals and clock are nobody's."""

    running = True

    def callWhenRunning(self, callable: object, *args: object, **kw: object) -> None:  # noqa: A002 - the base's name
        """Runs never."""

    def stop(self) -> None:
        """Nothing runs."""


class Lease(Service):
    """Keeps nothing; ``ended`` is what its stop waits for, and ``log`` gets what happens to it."""

    def __init__(self, said: Registration, log: list[str]) -> None:
        self.said = said
        self.log = log
        self.ended: Deferred[None] = Deferred()

    def startService(self) -> None:
        """Begin."""
        super().startService()
        self.log.append(f"registered {self.said.key}")

    def stopService(self) -> Deferred[None]:
        """Fires when the test says so."""
        super().stopService()
        self.log.append(f"cancelling {self.said.key}")
        return self.ended
