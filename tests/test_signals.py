"""The dispositions of signals."""

from __future__ import annotations

import signal
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.signals import HARMLESS, STOPPING, Disposition, Signals


class MemoryReactor:
    """Runs what it is given when told to."""

    def __init__(self) -> None:
        self.running = False
        self.stopped = 0
        self.turn: list[Callable[[], object]] = []
        self.start: list[Callable[[], object]] = []

    def stop(self) -> None:
        """Count."""
        self.stopped += 1

    def callWhenRunning(self, callable: Callable[..., object], *args: object) -> None:  # noqa: A002
        """Now, or with :meth:`run`."""
        if self.running:
            callable(*args)
        else:
            self.start.append(lambda: callable(*args))

    def callFromThread(self, callable: Callable[..., object], *args: object) -> None:  # noqa: A002
        """With the next :meth:`spin`."""
        self.turn.append(lambda: callable(*args))

    def run(self) -> None:
        """Begin to run, as reactor.run does."""
        self.running = True
        for call in self.start:
            call()
        self.spin()

    def spin(self) -> None:
        """One turn."""
        turn, self.turn = self.turn, []
        for call in turn:
            call()


class SignalsTests(SynchronousTestCase):
    """Over a dictionary in place of the process's table."""

    def setUp(self) -> None:
        self.reactor = MemoryReactor()
        self.table: dict[int, Disposition] = {}
        self.signals = Signals(self.reactor, self.table.__setitem__)
        self.signals.install()

    def test_each_stopping_signal_stops_the_reactor_once(self) -> None:
        """SIGTERM and SIGINT both stop, and a second one changes nothing."""
        self.assertEqual(set(STOPPING), {signal.SIGTERM, signal.SIGINT})
        self.reactor.run()
        for number in STOPPING:
            self.table[number](number, None)
            self.reactor.spin()
        self.assertEqual(self.reactor.stopped, 1)

    def test_a_signal_before_the_reactor_runs_stops_it_when_it_runs(self) -> None:
        """Ports are open before the reactor runs: a signal in between is not lost and kills nothing."""
        self.table[signal.SIGTERM](signal.SIGTERM, None)
        self.reactor.spin()
        self.assertEqual(self.reactor.stopped, 0)
        self.reactor.run()
        self.assertEqual(self.reactor.stopped, 1)

    def test_they_are_put_in_place_again_when_the_reactor_runs(self) -> None:
        """The reactor's own dispositions, which come late, do not stay."""
        self.table.clear()
        self.reactor.run()
        self.assertEqual(set(self.table), {*STOPPING, *HARMLESS})

    def test_other_signals_do_nothing(self) -> None:
        """SIGHUP, SIGUSR1, SIGUSR2 and SIGPIPE end nothing."""
        self.assertEqual(set(HARMLESS), {signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE})
        self.reactor.run()
        for number in HARMLESS:
            self.table[number](number, None)
        self.reactor.spin()
        self.assertEqual(self.reactor.stopped, 0)
