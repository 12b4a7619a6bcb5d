"""How often Python looks for garbage."""

from __future__ import annotations

import gc
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.garbage import look_seldom


class Reactor:
    """Keeps what is to be called."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []

    def callWhenRunning(self, callable: Callable[[], object]) -> None:  # noqa: A002 - the name is the caller's
        """Keep it."""
        self.calls.append(callable)


class GarbageTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.garbage.look_seldom`."""

    def setUp(self) -> None:
        """Leave this process as it is."""
        self.done: list[object] = []
        self.patch(gc, "collect", lambda: self.done.append("collect"))
        self.patch(gc, "freeze", lambda: self.done.append("freeze"))
        self.patch(gc, "set_threshold", lambda *thresholds: self.done.append(thresholds))

    def test_from_when_the_reactor_runs(self) -> None:
        """Not before: twistd forks, and makes more that stays."""
        reactor = Reactor()
        look_seldom(reactor)
        self.assertEqual([], self.done)
        (settle,) = reactor.calls
        settle()
        self.assertEqual(["collect", "freeze", (10_000, 5, 10)], self.done)
