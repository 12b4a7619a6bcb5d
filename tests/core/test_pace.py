"""Calls at a rate."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.pace import Pace


class PaceTests(SynchronousTestCase):
    """One after another."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.called: list[tuple[float, int]] = []

    def pace(self, rate: float) -> Pace[int]:
        return Pace(self.clock, rate, lambda item: self.called.append((round(self.clock.seconds(), 6), item)))

    def run_out(self) -> None:
        """Let time pass until nothing is to come."""
        while calls := self.clock.getDelayedCalls():
            self.clock.advance(calls[0].getTime() - self.clock.seconds())

    def test_slow(self) -> None:
        """The first at once, then as many a second as asked for."""
        self.pace(2).extend(range(4))
        self.run_out()
        self.assertEqual(self.called, [(0, 0), (0.5, 1), (1, 2), (1.5, 3)])

    def test_fast(self) -> None:
        """High rates come in rounds, and no faster than asked for."""
        self.pace(200).extend(range(401))
        self.run_out()
        self.assertEqual([item for _, item in self.called], list(range(401)))
        self.assertEqual(self.called[-1][0], 2.0)
        self.assertTrue(all(item <= at * 200 + 0.01 for at, item in self.called))

    def test_a_second_burst_waits(self) -> None:
        """What comes right after the last one does not come at once, but what comes later does."""
        pace = self.pace(2)
        pace.extend([1])
        self.clock.advance(0.25)
        pace.extend([2])
        self.run_out()
        self.assertEqual(self.called, [(0, 1), (0.5, 2)])
        self.clock.advance(5)
        pace.extend([3])
        self.assertEqual(self.called[-1], (6.0, 3))
        self.run_out()

    def test_queued_once(self) -> None:
        """What is queued is not queued again; nothing at all starts nothing."""
        pace = self.pace(1)
        pace.extend([])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        pace.extend([1, 2])
        pace.extend([2, 3])
        self.run_out()
        self.assertEqual([item for _, item in self.called], [1, 2, 3])

    def test_cancel(self) -> None:
        """Nothing comes after it."""
        pace = self.pace(1)
        pace.cancel()
        pace.extend([1, 2])
        pace.cancel()
        self.assertEqual((self.called, self.clock.getDelayedCalls()), ([(0, 1)], []))

    def test_cancel_from_within_a_call(self) -> None:
        """Nothing comes after it then either."""

        def call(item: int) -> None:
            self.called.append((0, item))
            pace.cancel()

        pace = Pace(self.clock, 1000, call)
        pace.extend(range(5))
        self.assertEqual((self.called, self.clock.getDelayedCalls()), ([(0, 0)], []))
