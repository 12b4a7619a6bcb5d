"""A pause that can be cut short."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.discovery.pause import Pause


class PauseTests(SynchronousTestCase):
    """A pause of 5 s."""

    def setUp(self) -> None:
        """Nobody waits yet."""
        self.clock = Clock()
        self.pause = Pause(self.clock)

    def tearDown(self) -> None:
        """No timer is left."""
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_passes(self) -> None:
        """It ends after its time."""
        waiting = self.pause.seconds(5)
        self.clock.advance(4.9)
        self.assertNoResult(waiting)
        self.clock.advance(0.1)
        self.successResultOf(waiting)

    def test_cut_short(self) -> None:
        """It ends sooner when it is told to; once, and not before it began."""
        self.pause.end()
        waiting = self.pause.seconds(5)
        self.assertNoResult(waiting)
        self.pause.end()
        self.pause.end()
        self.successResultOf(waiting)

    def test_cancelled(self) -> None:
        """A cancel ends it as such."""
        waiting = self.pause.seconds(5)
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.pause.end()
