"""Which instance of a service gets the next session."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain

from apiml_ws.core.registry import Instance, Service, Snapshot


class Balancer:
    """Round robin over the instances of a service that are UP, each service with a turn of its own."""

    def __init__(self) -> None:
        self._turns: dict[str, int] = {}

    def choose(self, service: Service, exclude: Collection[str] = ()) -> Instance | None:
        """The instance whose turn it is, passing over those whose ids are in ``exclude``; None if no other is UP."""
        up = service.up
        turn = self._turns.get(service.service_id, 0) % max(len(up), 1)
        for position in chain(range(turn, len(up)), range(turn)):
            if up[position].instance_id not in exclude:
                self._turns[service.service_id] = position + 1
                return up[position]
        return None

    def retain(self, snapshot: Snapshot) -> None:
        """Forget the turns of services that ``snapshot`` does not know, so that they do not pile up."""
        self._turns = {service_id: turn for service_id, turn in self._turns.items() if service_id in snapshot.services}

    def __len__(self) -> int:
        """How many services have a turn."""
        return len(self._turns)
