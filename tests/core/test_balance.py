"""Which instance gets the next session."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.balance import Balancer
from apiml_ws.core.registry import EMPTY, Service, Status, service, snapshot
from tests.core.doubles_registry import an_instance
from tests.core.doubles_session import instance_named


def sample(*names: str) -> Service:
    """The service with instances of these names."""
    return service("sample", [instance_named(name) for name in names])


class BalancerTests(SynchronousTestCase):
    """Round robin, one turn for each service."""

    def chosen(self, balancer: Balancer, from_: Service, *exclude: str) -> str | None:
        instance = balancer.choose(from_, exclude)
        return None if instance is None else instance.instance_id

    def test_in_turn(self) -> None:
        """Each instance gets a session before one gets a second."""
        balancer, service_ = Balancer(), sample("a", "b", "c")
        self.assertEqual([self.chosen(balancer, service_) for _ in range(5)], ["a", "b", "c", "a", "b"])

    def test_services_do_not_take_turns_with_each_other(self) -> None:
        """The turn of one service is not moved by another's."""
        balancer = Balancer()
        other = service("other", [an_instance("other", "x"), an_instance("other", "y")])
        self.assertEqual(
            [self.chosen(balancer, each) for each in (sample("a", "b"), other, sample("a", "b"), other)],
            ["a", "x", "b", "y"],
        )

    def test_only_those_that_are_up(self) -> None:
        """An instance that is not UP gets nothing, whatever else it is."""
        for status in set(Status) - {Status.UP}:
            both = service("sample", [instance_named("a", status), instance_named("b")])
            self.assertEqual([self.chosen(Balancer(), both) for _ in range(2)], ["b", "b"])

    def test_excluded(self) -> None:
        """An excluded instance is passed over, and keeps no place in the turn."""
        balancer, service_ = Balancer(), sample("a", "b", "c")
        self.assertEqual(self.chosen(balancer, service_, "a"), "b")
        self.assertEqual(self.chosen(balancer, service_, "c"), "a")

    def test_nobody(self) -> None:
        """Nobody is chosen from nobody, nor when all are excluded."""
        self.assertIsNone(self.chosen(Balancer(), sample()))
        self.assertIsNone(self.chosen(Balancer(), sample("a"), "a"))

    def test_fewer_than_before(self) -> None:
        """A turn beyond the end of a list that became shorter begins anew."""
        balancer = Balancer()
        for _ in range(3):
            balancer.choose(sample("a", "b", "c"))
        self.assertEqual(self.chosen(balancer, sample("a")), "a")

    def test_vanished_services_are_forgotten(self) -> None:
        """Nothing is kept for a service that the registry does not know any more."""
        balancer, service_ = Balancer(), sample("a", "b")
        balancer.choose(service_)
        balancer.retain(snapshot(service_.instances))
        self.assertEqual((len(balancer), self.chosen(balancer, service_)), (1, "b"))
        balancer.retain(EMPTY)
        self.assertEqual(len(balancer), 0)
