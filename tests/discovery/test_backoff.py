"""Pauses after failures."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.discovery.backoff import Backoff


class BackoffTests(SynchronousTestCase):
    """From 1 s to 30 s."""

    def test_longer_each_time(self) -> None:
        """Pauses double up to the longest, and begin anew after a success."""
        backoff = Backoff(lambda: 0.0, 1, 30)
        self.assertEqual([backoff.failed() for _ in range(7)], [1, 2, 4, 8, 16, 30, 30])
        backoff.succeeded()
        self.assertEqual(backoff.failed(), 1)

    def test_shortened_at_random(self) -> None:
        """A pause may be half as long, never less."""
        numbers = iter([0.0, 0.5, 1.0])
        backoff = Backoff(lambda: next(numbers), 4, 4)
        self.assertEqual([backoff.failed() for _ in range(3)], [4, 3, 2])

    def test_longest_is_shorter_than_the_first(self) -> None:
        """The longest counts."""
        self.assertEqual(Backoff(lambda: 0.0, 10, 3).failed(), 3)
