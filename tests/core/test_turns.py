"""Round robin."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.registry import EMPTY, Service, service, snapshot
from apiml_ws.core.turns import Turns
from tests.core.doubles_registry import an_instance
from tests.core.doubles_session import instance_named


def sample(*names: str) -> Service:
    """The service with instances of these names."""
    return service("sample", [instance_named(name) for name in names])


class TurnsTests(SynchronousTestCase):
    """One turn for each service."""

    def next(self, turns: Turns, from_: Service, *without: str) -> str | None:
        instance = turns.next(from_, [each for each in from_.up if each.instance_id not in without])
        return None if instance is None else instance.instance_id

    def test_in_turn(self) -> None:
        """Each instance gets a session before one gets a second."""
        turns, service_ = Turns(), sample("a", "b", "c")
        self.assertEqual([self.next(turns, service_) for _ in range(5)], ["a", "b", "c", "a", "b"])

    def test_services_do_not_take_turns_with_each_other(self) -> None:
        """The turn of one service is not moved by another's."""
        turns = Turns()
        other = service("other", [an_instance("other", "x"), an_instance("other", "y")])
        self.assertEqual(
            [self.next(turns, each) for each in (sample("a", "b"), other, sample("a", "b"), other)],
            ["a", "x", "b", "y"],
        )

    def test_excluded(self) -> None:
        """Who is no candidate is passed over, and keeps no place in the turn."""
        turns, service_ = Turns(), sample("a", "b", "c")
        self.assertEqual(self.next(turns, service_, "a"), "b")
        self.assertEqual(self.next(turns, service_, "c"), "a")

    def test_nobody(self) -> None:
        """Nobody is chosen from nobody, nor when there is no candidate."""
        self.assertIsNone(self.next(Turns(), sample()))
        self.assertIsNone(self.next(Turns(), sample("a"), "a"))

    def test_fewer_than_before(self) -> None:
        """A turn beyond the end of a list that became shorter begins anew."""
        turns = Turns()
        for _ in range(3):
            self.next(turns, sample("a", "b", "c"))
        self.assertEqual(self.next(turns, sample("a")), "a")

    def test_vanished_services_are_forgotten(self) -> None:
        """Nothing is kept for a service that the registry does not know any more."""
        turns, service_ = Turns(), sample("a", "b")
        self.next(turns, service_)
        turns.retain(snapshot(service_.instances))
        self.assertEqual((len(turns), self.next(turns, service_)), (1, "b"))
        turns.retain(EMPTY)
        self.assertEqual(len(turns), 0)
