"""How many sessions each instance has, those that are being dialled included.

A session whose client is answered last counts nowhere between the service's answer and its own beginning, a turn of the
reactor or two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from apiml_ws.core.registry import Instance


class Occupancy:
    """The counts, moved by :class:`Stay`.  ``lost`` hears of each instance that lost a session through its own doing."""

    def __init__(self, lost: Callable[[Instance], object]) -> None:
        self._lost = lost
        self._counts: Counter[tuple[str, str]] = Counter()

    def __getitem__(self, instance: Instance) -> int:
        """The sessions of ``instance``."""
        return self._counts[_key(instance)]

    def __len__(self) -> int:
        """How many instances have any."""
        return len(self._counts)

    def stay(self) -> Stay:
        """For something that counts: nowhere yet."""
        return Stay(self)

    def entered(self, instance: Instance) -> None:
        """One more."""
        self._counts[_key(instance)] += 1

    def left(self, instance: Instance, *, lost: bool) -> None:
        """One less; nothing is kept for an instance that has none."""
        key = _key(instance)
        self._counts[key] -= 1
        if not self._counts[key]:
            del self._counts[key]
        if lost:
            self._lost(instance)


class Stay:
    """Where one session, or one dial, counts: at one instance at most."""

    __slots__ = ("_instance", "_occupancy")

    def __init__(self, occupancy: Occupancy) -> None:
        self._occupancy = occupancy
        self._instance: Instance | None = None

    def enter(self, instance: Instance) -> None:
        """Count there, and no longer where it did."""
        self.leave()
        self._instance = instance
        self._occupancy.entered(instance)

    def leave(self, *, lost: bool = False) -> None:
        """Count nowhere; ``lost`` when it is the instance that went away.  Nothing happens when it counts nowhere."""
        instance, self._instance = self._instance, None
        if instance is not None:
            self._occupancy.left(instance, lost=lost)


def _key(instance: Instance) -> tuple[str, str]:
    return (instance.service_id, instance.instance_id)
