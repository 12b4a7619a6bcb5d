"""Timers that a jump of the wall clock does not touch.

Twisted's reactor reads the wall clock: set forward, every idle deadline passes at once; set back, polling stands still.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Reactor(Protocol):
    """A reactor whose clock can be replaced."""

    seconds: Callable[[], float]


def use_monotonic_clock(reactor: Reactor) -> None:
    """Let ``reactor`` count by :func:`time.monotonic`; to be called before it has any delayed call."""
    reactor.seconds = time.monotonic
