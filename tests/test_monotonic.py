"""The reactor's clock."""

from __future__ import annotations

import time
from unittest.mock import patch

from twisted.internet.selectreactor import SelectReactor
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.monotonic import use_monotonic_clock


class MonotonicTests(SynchronousTestCase):
    """Over a reactor that never runs."""

    def test_a_jump_of_the_wall_clock_fires_no_timer(self) -> None:
        """A timer of an hour is not due because somebody set the clock forward by a day."""
        reactor = SelectReactor()
        self.addCleanup(reactor.disconnectAll)
        use_monotonic_clock(reactor)
        fired: list[bool] = []
        reactor.callLater(3600, fired.append, True)
        now = time.time()
        with patch("time.time", return_value=now + 86400):
            reactor.runUntilCurrent()
        self.assertEqual(fired, [])

    def test_timers_still_fire(self) -> None:
        """A timer that is due fires."""
        reactor = SelectReactor()
        self.addCleanup(reactor.disconnectAll)
        use_monotonic_clock(reactor)
        fired: list[bool] = []
        reactor.callLater(0, fired.append, True)
        reactor.runUntilCurrent()
        self.assertEqual(fired, [True])
