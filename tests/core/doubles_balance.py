"""A balancer, a service with instances of one letter, and sessions at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.balance import Balancer, Visit
from apiml_ws.core.callers import NOBODY, Caller
from apiml_ws.core.interfaces import DialFailure
from apiml_ws.core.registry import NO_METADATA, Instance, Service, Status, service
from tests.core.doubles_session import REFUSED, instance_named


class BalancerTestCase(SynchronousTestCase):
    """Chooses, dials and opens by names."""

    metadata: Mapping[str, str] = NO_METADATA

    def setUp(self) -> None:
        self.clock = Clock()
        self.balancer = Balancer(self.clock.seconds, lambda: 0.0)

    def sample(self, up: str, down: str = "") -> Service:
        instances = [*map(instance_named, up), *(instance_named(name, Status.DOWN) for name in down)]
        return service("sample", [replace(each, metadata=self.metadata) for each in instances])

    def choose(self, from_: Service, caller: Caller = NOBODY, exclude: str = "") -> str:
        """The name of the chosen one, empty for none."""
        chosen = self.balancer.choose(from_, caller, exclude)
        return "" if chosen is None else chosen.instance_id

    def dial(self, from_: Service, caller: Caller = NOBODY) -> tuple[Instance, Visit]:
        chosen = self.balancer.choose(from_, caller)
        assert chosen is not None
        return chosen, self.balancer.dialled(from_, chosen, caller)

    def open(self, from_: Service, caller: Caller = NOBODY) -> str:
        """Open a session, and say where."""
        chosen, visit = self.dial(from_, caller)
        visit.opened()
        self.balancer.occupancy.stay().enter(chosen)
        return chosen.instance_id

    def have(self, **counts: int) -> None:
        """These instances get so many sessions more, whatever the balancer would say."""
        for name, count in counts.items():
            for _ in range(count):
                self.balancer.occupancy.stay().enter(instance_named(name))

    def fail_to_dial(self, from_: Service, name: str, failure: DialFailure = REFUSED) -> None:
        """An instance cannot be dialled."""
        self.balancer.dialled(from_, instance_named(name), NOBODY).failed(failure)
