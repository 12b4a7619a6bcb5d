"""The instances of one service in the order in which one search tries them."""

from __future__ import annotations

from collections.abc import Collection

from apiml_ws.core.balance import Balancer
from apiml_ws.core.callers import Caller
from apiml_ws.core.directory import Directory
from apiml_ws.core.registry import Instance


class Candidates:
    """Looks the service up afresh for every choice.

    ``avoid`` is chosen only if there is no other, and with ``elsewhere`` not even then.
    """

    def __init__(
        self,
        service_id: str,
        caller: Caller,
        directory: Directory,
        balancer: Balancer,
        *,
        avoid: Instance | None,
        elsewhere: bool,
    ) -> None:
        self._service_id = service_id
        self._caller = caller
        self._directory = directory
        self._balancer = balancer
        self._tried: frozenset[str] = frozenset() if avoid is None else frozenset((avoid.instance_id,))
        self._last = self._tried
        self._never: frozenset[str] = self._tried if elsewhere else frozenset()

    def untried(self) -> Instance | None:
        """One that was not tried yet."""
        return self._taken(self._choose(self._tried))

    def any(self) -> Instance | None:
        """One that was not tried yet, else any but the last one, else that one."""
        return self.untried() or self._taken(self._choose(self._last | self._never) or self._choose(self._never))

    def _choose(self, exclude: Collection[str]) -> Instance | None:
        service = self._directory.snapshot.services.get(self._service_id)
        return None if service is None else self._balancer.choose(service, self._caller, exclude)

    def _taken(self, instance: Instance | None) -> Instance | None:
        if instance is not None:
            self._last = frozenset((instance.instance_id,))
            self._tried |= self._last
        return instance
