"""Users come back to where they were."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.registry import NO_METADATA
from apiml_ws.core.stickiness import Stickiness, lifetime
from tests.core.doubles_session import instance_named

A, B = instance_named("a"), instance_named("b")
KEY = "apiml.lb.cacheRecordExpirationTimeInHours"


class LifetimeTests(SynchronousTestCase):
    """How long a record holds."""

    def test_hours(self) -> None:
        """Whole hours of metadata, as seconds; eight if there are none or they make no sense."""
        for text, hours in (
            ("1", 1), ("24", 24), (" 2 ", 2), ("0", 0), ("999999", 999999), ("", 8), ("-1", 8), ("1.5", 8), ("8h", 8),
            ("1000000", 8), ("\u0663", 8),
        ):  # fmt: skip
            self.assertEqual(lifetime({KEY: text}), hours * 3600, text)
        self.assertEqual(lifetime(NO_METADATA), 8 * 3600)


class StickinessTests(SynchronousTestCase):
    """Records and users under way."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.stickiness = Stickiness(self.clock.seconds, size=3)

    def known(self, user: str = "u", service_id: str = "sample") -> str:
        found = self.stickiness.among((A, B), service_id, user)
        return "" if found is None else found.instance_id

    def test_unknown(self) -> None:
        """Nobody was anywhere."""
        self.assertEqual((self.known(), len(self.stickiness)), ("", 0))

    def test_kept(self) -> None:
        """Who got there is known there, at that service and under that name alone."""
        self.stickiness.pin(A, "u", 10).keep()
        self.assertEqual((self.known(), self.known("v"), self.known("u", "other")), ("a", "", ""))

    def test_dropped(self) -> None:
        """Who did not get there is not remembered, and what was before stays."""
        self.stickiness.pin(A, "u", 10).drop()
        self.assertEqual((self.known(), len(self.stickiness)), ("", 0))
        self.stickiness.pin(A, "u", 10).keep()
        self.stickiness.pin(B, "u", 10).drop()
        self.assertEqual(self.known(), "a")

    def test_no_candidate(self) -> None:
        """An instance that is no candidate is not chosen; it is not forgotten either."""
        self.stickiness.pin(A, "u", 10).keep()
        self.assertIsNone(self.stickiness.among((B,), "sample", "u"))
        self.assertEqual(self.known(), "a")

    def test_chosen_anew(self) -> None:
        """The place that a user got to last is the one that counts."""
        self.stickiness.pin(A, "u", 10).keep()
        self.stickiness.pin(B, "u", 10).keep()
        self.assertEqual((self.known(), len(self.stickiness)), ("b", 1))

    def test_under_way(self) -> None:
        """While a user is on the way, others of the same name go there too, wherever they were; the newest way counts."""
        self.stickiness.pin(A, "u", 10).keep()
        one, two = self.stickiness.pin(A, "u", 10), self.stickiness.pin(B, "u", 10)
        self.assertEqual((self.known(), len(self.stickiness)), ("b", 2))
        self.assertEqual(self.stickiness.among((A,), "sample", "u"), A)
        two.drop()
        self.assertEqual(self.known(), "a")
        one.drop()
        self.assertEqual(len(self.stickiness), 1)

    def test_two_ways_to_one_place(self) -> None:
        """Each ends by itself."""
        one, two = self.stickiness.pin(A, "u", 10), self.stickiness.pin(A, "u", 10)
        one.drop()
        self.assertEqual(self.known(), "a")
        two.drop()
        self.assertEqual(self.known(), "")

    def test_expires(self) -> None:
        """A record holds from when it was made, however often it is asked for and confirmed; then it is made anew."""
        self.stickiness.pin(A, "u", 10).keep()
        self.clock.advance(9)
        self.assertEqual(self.known(), "a")
        self.stickiness.pin(A, "u", 10).keep()
        self.clock.advance(0.999)
        self.assertEqual(self.known(), "a")
        self.clock.advance(0.001)
        self.assertEqual(self.known(), "")
        self.stickiness.pin(A, "u", 10).keep()
        self.clock.advance(9)
        self.assertEqual(self.known(), "a")

    def test_bounded(self) -> None:
        """Beyond the size, the record that was neither asked for nor made for longest is forgotten."""
        for user in "uvw":
            self.stickiness.pin(A, user, 10).keep()
        self.known("u")
        self.stickiness.pin(A, "v", 10).keep()
        self.stickiness.pin(B, "x", 10).keep()
        self.assertEqual([self.known(user) for user in "uvwx"], ["a", "a", "", "b"])
        self.assertEqual(len(self.stickiness), 3)
