"""Who goes first where the relay's threads and the interpreter want the same core.

A message takes the relay some microseconds, twice on its way; what the interpreter does for a session that opens takes it
hundreds in one go.  A thread that just ran waits for one that did not, and so the second way of a message would wait for
openings.  With steps of nice between the two, and short turns (``turns.h`` of the pump), it does not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import get_native_id
from typing import Final

from twisted.logger import Logger

_HIGHEST: Final = -20
_LOWEST: Final = 19


@dataclass(frozen=True, slots=True)
class Priorities:
    """What the system says and does about a thread's nice value, setpriority(2); 0 is the thread that asks.

    ``set`` raises OSError where that is not allowed.
    """

    get: Callable[[int], int]
    set: Callable[[int, int], None]


def _set(thread: int, nice: int) -> None:
    os.setpriority(os.PRIO_PROCESS, thread, nice)


SYSTEM: Final = Priorities(lambda thread: os.getpriority(os.PRIO_PROCESS, thread), _set)


class Precedence:
    """Puts the relay's threads ``steps`` of nice before the thread that calls, 0 to 19; 0 leaves all as it is.

    They are raised where the system allows that (RLIMIT_NICE, CAP_SYS_NICE); else the caller steps back, which needs no right.
    """

    _log = Logger()

    def __init__(self, steps: int, priorities: Priorities = SYSTEM) -> None:
        self._steps = steps
        self._priorities = priorities

    def give(self, threads: Iterable[int]) -> None:
        """Put ``threads``, by the system's ids, before the caller's."""
        if not self._steps:
            return
        own = self._priorities.get(0)
        try:
            for thread in threads:
                self._priorities.set(thread, max(own - self._steps, _HIGHEST))
        except OSError as error:
            self._step_back(own, error)
        else:
            self._log.info("Relay threads were raised by {steps} steps of nice", steps=self._steps)

    def _step_back(self, own: int, refused: OSError) -> None:
        try:
            self._priorities.set(get_native_id(), min(own + self._steps, _LOWEST))
        except OSError as error:
            self._log.warn(
                "Relay threads have to wait for the interpreter where both want a core: {error}", error=error
            )
        else:
            self._log.info(
                "The interpreter was lowered by {steps} steps of nice, as its relay threads may not be raised: {refused}",
                steps=self._steps,
                refused=refused,
            )
