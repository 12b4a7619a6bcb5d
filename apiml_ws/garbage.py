"""How often Python looks for garbage that refers to itself, as what is left of every session does.

To look through everything takes about 50 us for each open session, in which the interpreter does nothing else; by default
it happens after each 500 sessions or so that began.  Objects that are there from the start are not looked at again.  What
is left of a session is found among the young objects, if it was a short one.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Final, Protocol

#: Objects made, and not unmade, until the young are looked through; how often that is until the middle-aged are; and all.
_THRESHOLDS: Final = (10_000, 5, 10)


class Reactor(Protocol):
    """What is needed of the reactor."""

    def callWhenRunning(self, callable: Callable[[], object]) -> object:  # noqa: A002 - the name is the caller's
        """Call when it runs, or at once if it does."""


def look_seldom(reactor: Reactor) -> None:
    """Do so from when ``reactor`` runs, and everything is there that stays."""
    reactor.callWhenRunning(_settle)


def _settle() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
