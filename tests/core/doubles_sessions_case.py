"""All sessions in a world of memory."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.closing import Cause
from apiml_ws.core.config import WebSocketConfig
from apiml_ws.core.interfaces import Side
from apiml_ws.core.sessions import Sessions
from apiml_ws.core.settings import SessionSettings
from tests.core.doubles_session import MemoryLeg, MemoryOutcome, MemoryRecorder, MemoryRelay, World, instance_named


class SessionsTestCase(SynchronousTestCase):
    """A world with a door to its sessions."""

    def setUp(self) -> None:
        self.world = World("a", "b")
        self.recorder = MemoryRecorder()
        self.config = WebSocketConfig(close_rate=1, stop_timeout=10)
        self.sessions = Sessions(
            self.config,
            self.world.directory,
            self.world.dialer,
            self.world.relays,
            self.world.clock,
            self.recorder,
            self.world.new_id,
        )
        self.outcome = MemoryOutcome()
        self.gone: list[float] = []
        self.addCleanup(lambda: self.assertEqual(self.world.clock.getDelayedCalls(), []))

    def stop(self) -> None:
        self.sessions.stop(lambda: self.gone.append(self.world.clock.seconds()))

    def start(self, number: int, instance: str = "a", settings: SessionSettings | None = None) -> MemoryRelay:
        """A session that is open on both legs."""
        opening = self.world.opening(settings, session_id=f"session-{number}")
        self.sessions.start(opening, MemoryLeg(), (MemoryLeg(), instance_named(instance)))
        relay = self.world.relays.made[-1]
        relay.taken()
        return relay

    def end(self, relay: MemoryRelay) -> None:
        for side in Side:
            relay.events.ended(side)

    @property
    def causes(self) -> list[Cause]:
        return [record.cause for record in self.recorder.records]
