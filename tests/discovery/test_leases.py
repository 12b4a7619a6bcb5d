"""The lease store; what clients see of it is in registry_behaviour.py."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.registry import Status
from apiml_ws.discovery.leases import DELTA_RETENTION, Leases, Renewal
from apiml_ws.discovery.registration import Action, LeaseInfo
from tests.discovery.doubles_registrations import registration

ID = "localhost:svc:9101"


class LeasesTests(SynchronousTestCase):
    """A store whose clock stands; the time of day is 1,000,000 ms and the clock's."""

    def setUp(self) -> None:
        """An empty store."""
        self.clock = Clock()
        self.changes = 0
        self.leases = Leases(self.clock.seconds, lambda: 1_000_000 + int(self.clock.seconds() * 1000), self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def told(self) -> list[tuple[str, Action | None]]:
        """The delta."""
        return [(each.key, each.action) for each in self.leases.delta()]

    def test_times(self) -> None:
        """The registry writes down when it heard of an instance first and last."""
        self.leases.register(registration())
        self.clock.advance(5)
        self.leases.renew("SVC", ID)
        (known,) = self.leases
        self.assertEqual((known.lease.registered_at, known.lease.last_renewal_at), (1_000_000, 1_005_000))
        self.assertEqual((known.lease.service_up_at, known.last_updated), (1_000_000, 1_000_000))

    def test_time_of_being_up(self) -> None:
        """The time since which a service is up is kept over registrations, and begins with UP."""
        self.leases.register(registration(status=Status.STARTING))
        self.assertEqual(next(iter(self.leases)).lease.service_up_at, 0)
        self.clock.advance(1)
        self.leases.register(registration())
        self.clock.advance(1)
        self.leases.register(registration())
        self.assertEqual(next(iter(self.leases)).lease.service_up_at, 1_001_000)

    def test_without_a_timestamp(self) -> None:
        """A registration that says no time is as new as now."""
        self.leases.register(registration(last_dirty=0))
        self.assertEqual(next(iter(self.leases)).last_dirty, 1_000_000)

    def test_lease_ends_one_duration_after_its_renewal(self) -> None:
        """It ends at that second, not before, whether it was renewed or not."""
        self.leases.register(registration("short", lease=LeaseInfo(duration=3)))
        self.leases.register(registration("long", lease=LeaseInfo(duration=4)))
        self.clock.advance(2)
        self.leases.renew("SVC", "short")
        self.clock.advance(1.9)
        self.assertEqual(self.leases.expire(), ())
        self.clock.advance(0.1)
        self.assertEqual([each.key for each in self.leases.expire()], ["long"])
        self.clock.advance(1)
        self.assertEqual([each.key for each in self.leases.expire()], ["short"])
        self.assertEqual(self.told(), [("long", Action.DELETED), ("short", Action.DELETED)])

    def test_older_registration_renews(self) -> None:
        """A registration that is too old to count is a sign of life nevertheless, and no change."""
        self.leases.register(registration(lease=LeaseInfo(duration=3)))
        self.clock.advance(2)
        self.leases.register(registration(last_dirty=999))
        self.assertEqual(self.changes, 1)
        self.clock.advance(2)
        self.assertEqual(self.leases.expire(), ())

    def test_renewals(self) -> None:
        """What a renewal says of its time decides how it went."""
        self.assertIs(self.leases.renew("SVC", ID), Renewal.REGISTER_AGAIN)
        self.leases.register(registration())
        self.assertIs(self.leases.renew("svc", ID), Renewal.DONE)
        self.assertIs(self.leases.renew("SVC", ID, 1000), Renewal.DONE)
        self.assertIs(self.leases.renew("SVC", ID, 999), Renewal.OUTDATED)
        self.assertIs(self.leases.renew("SVC", ID, 1001), Renewal.REGISTER_AGAIN)
        self.assertEqual(self.changes, 1)

    def test_override_and_what_the_instance_says(self) -> None:
        """An override stands over UP and OUT_OF_SERVICE; an instance that says DOWN or STARTING knows better."""
        self.leases.register(registration())
        self.leases.override("SVC", ID, Status.OUT_OF_SERVICE, 2000)
        self.leases.register(registration(status=Status.DOWN, last_dirty=3000))
        self.assertIs(next(iter(self.leases)).status, Status.DOWN)
        self.leases.register(registration(status=Status.UP, last_dirty=4000))
        self.assertIs(next(iter(self.leases)).status, Status.OUT_OF_SERVICE)

    def test_override_that_came_first_counts(self) -> None:
        """An override that a registration brings along does not replace one that is there."""
        self.leases.register(registration())
        self.leases.override("SVC", ID, Status.OUT_OF_SERVICE)
        self.leases.register(registration(overridden_status=Status.DOWN))
        self.assertIs(next(iter(self.leases)).overridden_status, Status.OUT_OF_SERVICE)

    def test_override_may_raise_the_timestamp(self) -> None:
        """A client that changes its own status tells its new timestamp with it; a lower one changes nothing."""
        self.leases.register(registration())
        self.leases.override("SVC", ID, Status.OUT_OF_SERVICE, 2000)
        self.assertIs(self.leases.renew("SVC", ID, 2000), Renewal.DONE)
        self.leases.override("SVC", ID, Status.UP, 1)
        self.assertEqual(next(iter(self.leases)).last_dirty, 2000)

    def test_no_override_to_take_away(self) -> None:
        """Without an override nothing is taken away, so that an UP instance does not become UNKNOWN."""
        self.leases.register(registration())
        self.assertTrue(self.leases.clear_override("SVC", ID))
        self.assertIs(next(iter(self.leases)).status, Status.UP)
        self.assertFalse(self.leases.clear_override("SVC", "other"))

    def test_cancel_forgets_the_override(self) -> None:
        """An instance that left and comes again is what it says."""
        self.leases.register(registration())
        self.leases.override("SVC", ID, Status.OUT_OF_SERVICE)
        self.leases.cancel("SVC", ID)
        self.leases.register(registration())
        self.assertIs(next(iter(self.leases)).status, Status.UP)

    def test_delta_is_forgotten(self) -> None:
        """A change is told for three minutes, each instance once and the latest change last."""
        for name in ("a", "b"):
            self.leases.register(registration(name, lease=LeaseInfo(duration=1000)))
        self.clock.advance(1)
        self.leases.amend("SVC", "a", {"x": "1"})
        self.assertEqual(self.told(), [("b", Action.ADDED), ("a", Action.MODIFIED)])
        self.clock.advance(DELTA_RETENTION - 1)
        self.assertEqual(self.told(), [("a", Action.MODIFIED)])
        self.clock.advance(1)
        self.leases.expire()
        self.assertEqual(self.told(), [])

    def test_version_and_changes(self) -> None:
        """Each change that others can see raises the version and is announced."""
        self.leases.register(registration())
        self.leases.override("SVC", ID, Status.DOWN)
        self.leases.clear_override("SVC", ID, Status.UP)
        self.leases.amend("SVC", ID, {"a": "1"})
        self.leases.renew("SVC", ID)
        self.leases.cancel("SVC", ID)
        self.assertEqual((self.changes, self.leases.version), (5, 6))

    def test_addresses(self) -> None:
        """A virtual address may be one of several, and its case counts."""
        self.leases.register(registration(texts={"vipAddress": "one,two"}))
        self.assertEqual(len(self.leases.by_address("vipAddress", "two")), 1)
        self.assertEqual(self.leases.by_address("vipAddress", "TWO"), ())
        self.assertEqual(self.leases.by_address("secureVipAddress", "two"), ())

    def test_same_id_in_two_applications(self) -> None:
        """Instances are told apart by application and id."""
        self.leases.register(registration(app="ONE"))
        self.leases.register(registration(app="TWO"))
        self.leases.cancel("one", ID)
        self.assertEqual([each.app for each in self.leases], ["TWO"])
        self.assertEqual(self.leases.hashcode, "UP_1_")
