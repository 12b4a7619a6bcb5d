"""Who goes first where relay threads and the interpreter want the same core."""

from __future__ import annotations

import os
from threading import Thread, get_native_id

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.precedence import SYSTEM, Precedence, Priorities

THREADS = [101, 102]


class System:
    """A system where a thread's nice value may be no less than ``least``."""

    def __init__(self, own: int, least: int) -> None:
        self.nice = {0: own}
        self.least = least
        self.priorities = Priorities(self.nice.__getitem__, self.set)

    def set(self, thread: int, nice: int) -> None:
        """setpriority(2)."""
        if nice < self.least:
            raise PermissionError(13, "Permission denied")
        self.nice[thread] = nice


class PrecedenceTests(SynchronousTestCase):
    """What becomes of the nice values."""

    def given(self, steps: int, own: int = 0, least: int = -20) -> tuple[dict[int, int], list[str]]:
        """The nice values that were set, and what was logged."""
        system = System(own, least)
        with capturedLogs() as events:
            Precedence(steps, system.priorities).give(THREADS)
        del system.nice[0]
        return system.nice, [event["log_level"].name for event in events]

    def test_threads_are_raised(self) -> None:
        """Where that is allowed; from where the process is."""
        self.assertEqual(({101: -5, 102: -5}, ["info"]), self.given(5))
        self.assertEqual(({101: 3, 102: 3}, ["info"]), self.given(7, own=10, least=0))

    def test_caller_steps_back(self) -> None:
        """Where they may not be raised."""
        self.assertEqual(({get_native_id(): 5}, ["info"]), self.given(5, least=0))

    def test_ends_of_the_scale(self) -> None:
        """Nobody is set beyond them."""
        self.assertEqual(({101: -20, 102: -20}, ["info"]), self.given(5, own=-18))
        self.assertEqual(({get_native_id(): 19}, ["info"]), self.given(19, own=8, least=8))

    def test_nothing_is_allowed(self) -> None:
        """All stays, with a warning."""
        self.assertEqual(({}, ["warn"]), self.given(5, least=20))

    def test_no_steps(self) -> None:
        """All stays, as it was asked for."""
        self.assertEqual(({}, []), self.given(0))

    def test_system(self) -> None:
        """It speaks of threads, not of whole processes."""
        seen: list[int] = []

        def lowered() -> None:
            """In a thread that nobody needs afterwards."""
            SYSTEM.set(get_native_id(), SYSTEM.get(0) + 1)
            seen.append(SYSTEM.get(0))

        before = os.getpriority(os.PRIO_PROCESS, 0)
        thread = Thread(target=lowered)
        thread.start()
        thread.join()
        self.assertEqual([before + 1], seen)
        self.assertEqual(before, SYSTEM.get(0))
