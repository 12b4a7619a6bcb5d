"""The end of all sessions."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.draining import Draining


class Going:
    """A session that ends when the test says so, or when it must."""

    def __init__(self, tests: DrainingTests) -> None:
        self.tests = tests
        self.stopped: float | None = None
        self.aborted = False

    def stop(self) -> None:
        self.stopped = self.tests.clock.seconds()
        if self.tests.obedient:
            self.end()

    def abort(self) -> None:
        self.aborted = True
        self.end()

    def end(self) -> None:
        self.tests.live.remove(self)
        if self.tests.draining is not None:
            self.tests.draining.check()


class DrainingTests(SynchronousTestCase):
    """Closed at a rate, waited for, dropped."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.live: list[Going] = []
        self.draining: Draining | None = None
        self.obedient = False
        self.done: list[float] = []
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def drain(self, count: int, rate: float = 200, timeout: float = 30) -> list[Going]:
        sessions = [Going(self) for _ in range(count)]
        self.live.extend(sessions)
        self.draining = Draining(
            lambda: self.live, self.clock, rate, timeout, lambda: self.done.append(self.clock.seconds())
        )
        return sessions

    def test_nothing_to_do(self) -> None:
        """Without sessions it is done at once."""
        self.drain(0)
        self.assertEqual(self.done, [0])

    def test_all_end_at_once(self) -> None:
        """It is done, once, when sessions end from within being stopped."""
        self.obedient = True
        self.drain(1)
        self.assertEqual(self.done, [0])

    def test_rate(self) -> None:
        """Sessions are closed at the rate, and it is done when the last one has ended."""
        sessions = self.drain(5, rate=2)
        self.clock.pump([0.5] * 10)
        self.assertEqual([session.stopped for session in sessions], [0, 0.5, 1, 1.5, 2])
        for session in sessions:
            self.assertEqual(self.done, [])
            session.end()
        self.assertEqual(self.done, [5])

    def test_never_spread_over_more_than_half(self) -> None:
        """Many sessions are closed faster than the rate."""
        sessions = self.drain(100, rate=1, timeout=10)
        self.clock.pump([0.01] * 501)
        self.assertTrue(all(session.stopped is not None for session in sessions))
        self.assertTrue(max(session.stopped or 0 for session in sessions) > 4.5)
        self.clock.advance(5)

    def test_out_of_time(self) -> None:
        """What is left after the timeout is dropped, and it is done."""
        first, second = self.drain(2, timeout=10)
        self.clock.advance(1)
        first.end()
        self.clock.advance(8.9)
        self.assertEqual((self.done, second.aborted), ([], False))
        self.clock.advance(0.1)
        self.assertEqual((self.done, first.aborted, second.aborted), ([10], False, True))
