"""Instances that could not be dialled, and for how long they are passed over.

The first time it is two seconds at most, then twice as long each time, up to half a minute: who is away for longer is taken
off by its registry.  Each length is cut by up to a half at random, so that gateways do not all come back at once.

When it is over, one dial is let through, and the instance is passed over as long again or until that dial comes to
something: of an instance that answers nothing, few clients wait for the whole ``connectTimeout``.  A failure lengthens
nothing while the instance is passed over because of an earlier one, since dials that began together fail together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from apiml_ws.core.registry import Instance, Snapshot

#: Seconds, before chance cuts them.
FIRST: Final = 2.0
#: Seconds that no instance is passed over for longer than.
LONGEST: Final = 30.0
_GROWTH: Final = 2.0
#: The share of a length that chance may take.
_JITTER: Final = 0.5

#: An instance at an address: one that moved to another host may be reached there.
_Place = tuple[str, str, str]


@dataclass(slots=True)
class _Pass:
    """``end`` in seconds of the clock.  ``on_trial``: a dial was let through, and its failure counts."""

    length: float
    end: float
    on_trial: bool


class PassingOver:
    """Who is passed over.  ``seconds`` tells the time, ``random`` gives numbers from 0 up to 1."""

    def __init__(self, seconds: Callable[[], float], random: Callable[[], float]) -> None:
        self._seconds = seconds
        self._random = random
        self._passes: dict[_Place, _Pass] = {}

    def spared(self, candidates: Sequence[Instance]) -> Sequence[Instance]:
        """Those of ``candidates`` that are not passed over; if all are, the one for which that ends first."""
        if not self._passes:
            return candidates
        now = self._seconds()
        spared = [each for each in candidates if self._end(each) <= now]
        return spared or sorted(candidates, key=self._end)[:1]

    def dialled(self, instance: Instance) -> None:
        """A dial begins."""
        known = self._passes.get(_place(instance))
        if known is not None and known.end <= self._seconds():
            self._passes[_place(instance)] = self._pass(known.length, on_trial=True)

    def failed(self, instance: Instance) -> None:
        """A dial came to nothing."""
        known = self._passes.get(_place(instance))
        if known is None:
            self._passes[_place(instance)] = self._pass(FIRST)
        elif known.on_trial or known.end <= self._seconds():
            self._passes[_place(instance)] = self._pass(min(known.length * _GROWTH, LONGEST))

    def reached(self, instance: Instance) -> bool:
        """A dial came to an answer: forget what was; whether there was anything."""
        return self._passes.pop(_place(instance), None) is not None

    def retain(self, snapshot: Snapshot) -> None:
        """Forget those that are not UP in ``snapshot``."""
        up = {_place(each) for service in snapshot.services.values() for each in service.up}
        self._passes = {place: known for place, known in self._passes.items() if place in up}

    def __len__(self) -> int:
        """How many are or were passed over, and were not reached since."""
        return len(self._passes)

    def _end(self, instance: Instance) -> float:
        known = self._passes.get(_place(instance))
        return -inf if known is None else known.end

    def _pass(self, length: float, *, on_trial: bool = False) -> _Pass:
        return _Pass(length, self._seconds() + length * (1 - _JITTER * self._random()), on_trial)


def _place(instance: Instance) -> _Place:
    return (instance.service_id, instance.instance_id, instance.address)
