"""Slow start."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.newcomers import Newcomers
from apiml_ws.core.registry import EMPTY, Service, Status, service, snapshot
from tests.core.doubles_session import instance_named


def sample(up: str, down: str = "") -> Service:
    """The service with an instance for each letter."""
    off = [instance_named(name, Status.DOWN) for name in down]
    return service("sample", [*(instance_named(name) for name in up), *off])


class NewcomersTests(SynchronousTestCase):
    """What instances are taken to have."""

    def setUp(self) -> None:
        self.newcomers = Newcomers()

    def levels(self, **counts: int) -> dict[str, float]:
        return dict(self.newcomers.levels(sample("".join(counts)), counts))

    def ease(self, times: int) -> None:
        for _ in range(times):
            self.newcomers.ease(sample(""))

    def test_at_the_beginning(self) -> None:
        """Before anything was opened all have what they have; a service without instances has no levels."""
        self.assertEqual(self.levels(), {})
        self.assertEqual(self.levels(a=0, b=0), {"a": 0, "b": 0})

    def test_joined(self) -> None:
        """A newcomer is taken to have as many as the others on average, two at once as well."""
        self.levels(a=0, b=0)
        self.assertEqual(self.levels(a=30, b=10), {"a": 30, "b": 10})
        self.assertEqual(self.levels(a=30, b=10, c=0, d=5), {"a": 30, "b": 10, "c": 20, "d": 20})
        self.assertEqual(self.levels(a=30, b=10, c=1, d=6), {"a": 30, "b": 10, "c": 21, "d": 21})

    def test_joined_after_another(self) -> None:
        """Others that are new count as what they are taken to have."""
        self.levels(a=0)
        self.levels(a=10, b=0)
        self.assertEqual(self.levels(a=10, b=0, c=0), {"a": 10, "b": 10, "c": 10})

    def test_fuller_than_the_others(self) -> None:
        """Who joins with more sessions than the others, such as one that was DOWN, has no advantage of it."""
        self.levels(a=0)
        self.assertEqual(self.levels(a=10, b=50), {"a": 10, "b": 50})

    def test_eased(self) -> None:
        """Each opening takes half of one off, shared by all instances, until nothing is left."""
        self.levels(a=0)
        self.levels(a=10, b=0)
        self.ease(4)
        self.assertEqual(self.levels(a=10, b=0), {"a": 10, "b": 9})
        self.ease(35)
        self.assertEqual(self.levels(a=10, b=0), {"a": 10, "b": 0.25})
        self.ease(2)
        self.assertEqual(self.levels(a=10, b=0), {"a": 10, "b": 0})

    def test_never_more_than_the_fullest(self) -> None:
        """When the sessions of the others end, the newcomer does not wait until they are back."""
        self.levels(a=0)
        self.levels(a=100, b=0)
        self.assertEqual(self.levels(a=7, b=3), {"a": 7, "b": 7})
        self.assertEqual(self.levels(a=0, b=3), {"a": 0, "b": 3})

    def test_all_new(self) -> None:
        """Of instances that are all new the emptier ones are taken to have as many as the fullest."""
        self.assertEqual(self.levels(a=9, b=0), {"a": 9, "b": 9})

    def test_renewed(self) -> None:
        """An instance that lost its sessions is new again; one that nobody knows stays that."""
        self.levels(a=0, b=0)
        for each in "bx":
            self.newcomers.renew(instance_named(each))
        self.assertEqual(self.levels(a=10, b=0), {"a": 10, "b": 10})
        Newcomers().renew(instance_named("a"))

    def test_back(self) -> None:
        """Who was not UP is new when it is back; who stayed, stays."""
        self.levels(a=0, b=0)
        self.newcomers.retain(snapshot(sample("a", down="b").instances))
        self.assertEqual(len(self.newcomers), 1)
        self.assertEqual(self.levels(a=10, b=0), {"a": 10, "b": 10})
        self.newcomers.retain(snapshot(sample("ab").instances))
        self.assertEqual(self.levels(a=10, b=0), {"a": 10, "b": 10})

    def test_vanished_services_are_forgotten(self) -> None:
        """Nothing is kept for a service that the registry does not know any more."""
        self.levels(a=0, b=0)
        self.newcomers.retain(EMPTY)
        self.assertEqual(len(self.newcomers), 0)
