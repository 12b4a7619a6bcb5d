"""Round robin: each instance in its turn, each service with a turn of its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from apiml_ws.core.registry import Instance, Service, Snapshot


class Turns:
    """Whose turn it is, by service."""

    def __init__(self) -> None:
        self._turns: dict[str, int] = {}

    def next(self, service: Service, candidates: Sequence[Instance]) -> Instance | None:
        """The one of ``candidates`` whose turn comes first; the others keep no place in it."""
        up = service.up
        turn = self._turns.get(service.service_id, 0) % max(len(up), 1)
        for position in chain(range(turn, len(up)), range(turn)):
            if up[position] in candidates:
                self._turns[service.service_id] = position + 1
                return up[position]
        return None

    def retain(self, snapshot: Snapshot) -> None:
        """Forget the turns of services that ``snapshot`` does not know."""
        self._turns = {service_id: turn for service_id, turn in self._turns.items() if service_id in snapshot.services}

    def __len__(self) -> int:
        """How many services have a turn."""
        return len(self._turns)
