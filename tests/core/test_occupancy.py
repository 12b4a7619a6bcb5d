"""How many sessions instances have."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.occupancy import Occupancy
from apiml_ws.core.registry import Instance, Status
from tests.core.doubles_session import instance_named

A, B = instance_named("a"), instance_named("b")


class OccupancyTests(SynchronousTestCase):
    """Stays, counted."""

    def setUp(self) -> None:
        self.lost: list[Instance] = []
        self.occupancy = Occupancy(self.lost.append)

    def counts(self) -> tuple[int, int, int]:
        return self.occupancy[A], self.occupancy[B], len(self.occupancy)

    def test_nowhere(self) -> None:
        """A stay counts nowhere at first, and leaving nowhere is nothing."""
        self.occupancy.stay().leave(lost=True)
        self.assertEqual((self.counts(), self.lost), ((0, 0, 0), []))

    def test_in_and_out(self) -> None:
        """Each stay counts once where it is; nothing is kept of an instance that has none."""
        one, other = self.occupancy.stay(), self.occupancy.stay()
        one.enter(A)
        other.enter(A)
        self.assertEqual(self.counts(), (2, 0, 1))
        one.leave()
        one.leave()
        self.assertEqual(self.counts(), (1, 0, 1))
        other.leave()
        self.assertEqual((self.counts(), self.lost), ((0, 0, 0), []))

    def test_move(self) -> None:
        """Entering another instance is leaving the former, and no loss of it."""
        stay = self.occupancy.stay()
        stay.enter(A)
        stay.enter(B)
        self.assertEqual((self.counts(), self.lost), ((0, 1, 1), []))

    def test_loss(self) -> None:
        """A loss is told, after it was counted."""
        stay = self.occupancy.stay()
        stay.enter(A)
        stay.leave(lost=True)
        self.assertEqual((self.counts(), self.lost), ((0, 0, 0), [A]))

    def test_instances_are_known_by_their_ids(self) -> None:
        """An instance that the registry describes anew is the same; one of another service is not."""
        self.occupancy.stay().enter(A)
        self.assertEqual(self.occupancy[replace(A, status=Status.DOWN, port=1)], 1)
        self.assertEqual(self.occupancy[replace(A, service_id="other")], 0)
