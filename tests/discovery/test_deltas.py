"""Deltas applied to listings."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.registry import Status
from apiml_ws.discovery.deltas import NOBODY, Listing, applied, ended, hash_of, listing
from apiml_ws.discovery.leases import Leases
from apiml_ws.discovery.registration import Action, Registration
from tests.discovery.doubles_registrations import registration

ONE = registration("one", action=Action.ADDED)
TWO = registration("two", action=Action.ADDED)


def told(action: Action | None, instance_id: str = "one", **members: Any) -> Registration:
    """An instance as a delta tells it."""
    return registration(instance_id, action=action, **members)


class DeltaTests(SynchronousTestCase):
    """One delta."""

    def test_each_action(self) -> None:
        """Added and modified instances are what the delta says, deleted ones are gone, others stay."""
        known = listing([ONE, TWO])
        delta = [told(Action.MODIFIED, status=Status.DOWN), told(Action.DELETED, "two"), told(Action.ADDED, "three")]
        after = applied(known, delta)
        self.assertEqual({key[1]: each.status for key, each in after.items()}, {"one": Status.DOWN, "three": Status.UP})

    def test_whatever_the_action_says(self) -> None:
        """Of an instance that was known, ADDED is a change; of an unknown one, MODIFIED and none are an addition."""
        self.assertEqual(
            applied(listing([ONE]), [told(Action.ADDED, status=Status.DOWN)])["SVC", "one"].status, Status.DOWN
        )
        for action in (Action.MODIFIED, None):
            self.assertEqual(len(applied(NOBODY, [told(action)])), 1)

    def test_once_is_enough(self) -> None:
        """A delta that is applied again changes nothing, and gives the very same listing."""
        delta = [told(Action.DELETED, "two"), told(Action.ADDED, "three"), told(Action.DELETED, "nobody")]
        once = applied(listing([ONE, TWO]), delta)
        self.assertIs(applied(once, delta), once)
        self.assertIs(applied(once, []), once)

    def test_applications_are_apart(self) -> None:
        """The same id in two applications is two instances, and the case of an application's name is nothing."""
        known = listing([ONE, registration("one", "OTHER")])
        self.assertEqual(list(applied(known, [registration("one", "svc", action=Action.DELETED)])), [("OTHER", "one")])

    def test_last_word_counts(self) -> None:
        """Of an instance that a delta tells twice, the later news hold."""
        self.assertEqual(len(applied(NOBODY, [told(Action.DELETED), told(Action.ADDED)])), 1)
        self.assertEqual(len(applied(NOBODY, [told(Action.ADDED), told(Action.DELETED)])), 0)
        self.assertEqual(
            ended([told(Action.DELETED), told(Action.ADDED), told(Action.DELETED, "two")]), {("SVC", "two")}
        )

    def test_hash(self) -> None:
        """It is over all statuses."""
        known = listing([ONE, TWO, told(Action.ADDED, "three", status=Status.STARTING)])
        self.assertEqual(hash_of(known), "STARTING_1_UP_2_")
        self.assertEqual(hash_of(NOBODY), "")


def shown(known: Listing) -> dict[object, object]:
    """What of a listing matters; times of renewals are not told."""
    return {key: (each.status, each.overridden_status, each.metadata) for key, each in known.items()}


class RandomLifeTests(SynchronousTestCase):
    """A registry in which anything happens, and one who reads its deltas."""

    def test_follows_the_registry(self) -> None:
        """Whatever happens, and however often a change is repeated, the listing is the registry's, and so is its hash."""
        random = Random(4)
        now = 0.0
        leases = Leases(lambda: now, lambda: int(now * 1000))
        known = NOBODY
        for _ in range(2000):
            now += random.choice((0, 1, 20))
            self._happens(leases, random)
            leases.expire()
            if random.random() < 0.5:
                known = applied(known, leases.delta())
                self.assertEqual(hash_of(known), leases.hashcode)
                self.assertEqual(shown(known), shown(listing(leases)))

    def _happens(self, leases: Leases, random: Random) -> None:
        name = str(random.randrange(6))
        match random.randrange(6):
            case 0 | 1:
                leases.register(registration(name, status=random.choice(list(Status)), last_dirty=0))
            case 2:
                leases.cancel("SVC", name)
            case 3:
                leases.override("SVC", name, random.choice(list(Status)))
            case 4:
                leases.amend("SVC", name, {"x": str(random.random())})
            case _:
                leases.clear_override("SVC", name)
