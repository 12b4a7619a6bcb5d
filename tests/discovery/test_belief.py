"""Who is believed to run."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.discovery.belief import LONGEST, Belief
from apiml_ws.discovery.deltas import listing
from apiml_ws.discovery.reading import Read
from apiml_ws.discovery.registration import LeaseInfo
from tests.discovery.doubles_registrations import registration


def read(*ids: str, steady: bool = False, ended: str = "") -> Read:
    """What a registry lists, with leases of 90 s."""
    return Read(listing(map(registration, ids)), ended=frozenset(("SVC", each) for each in ended), steady=steady)


class BeliefTests(SynchronousTestCase):
    """A belief in instances a and b."""

    def setUp(self) -> None:
        """Believe."""
        self.clock = Clock()
        self.belief = Belief(self.clock.seconds)
        self.belief.take(read("a", "b"))

    def ids(self) -> str:
        """In whom is believed."""
        return "".join(sorted(each.key for each in self.belief.registrations))

    def test_steady(self) -> None:
        """Who is missing in an answer that goes on from the former one is gone."""
        self.assertTrue(self.belief.take(read("a", steady=True)))
        self.assertEqual(self.ids(), "a")

    def test_forgotten(self) -> None:
        """Who is missing in an answer that does not is believed in until the own lease would have ended."""
        self.belief.take(read("c"))
        self.assertEqual(self.ids(), "abc")
        self.clock.advance(89)
        self.assertFalse(self.belief.take(read("c", steady=True)))
        self.assertEqual(self.ids(), "abc")
        self.clock.advance(1)
        self.assertTrue(self.belief.take(read("c", steady=True)))
        self.assertEqual(self.ids(), "c")

    def test_back_again(self) -> None:
        """Who registers again is as it says, and may be gone from then on as anybody else."""
        self.belief.take(read("c"))
        self.belief.take(read("a", "c", steady=True))
        self.assertEqual(len(self.belief.registrations), 3)
        self.belief.take(read("c", steady=True))
        self.assertEqual(self.ids(), "bc")

    def test_told_to_have_ended(self) -> None:
        """Who is said to have ended is gone, forgotten or not."""
        self.belief.take(read("c"))
        self.belief.take(read("c", steady=True, ended="a"))
        self.assertEqual(self.ids(), "bc")
        self.belief.take(read("b", ended="c"))
        self.assertEqual(self.ids(), "b")

    def test_forgotten_again_and_again(self) -> None:
        """The time counts from the first answer that lacks an instance, however many servers forgot it."""
        self.belief.take(read("c"))
        self.clock.advance(60)
        self.belief.take(read("c"))
        self.clock.advance(30)
        self.belief.take(read("c"))
        self.assertEqual(self.ids(), "c")

    def test_lease_without_end(self) -> None:
        """A lease of days is not believed in for longer than five minutes."""
        endless = registration("z", lease=LeaseInfo(duration=1_000_000))
        self.belief.take(Read(listing([endless])))
        self.belief.take(read("c"))
        self.clock.advance(LONGEST)
        self.belief.take(read("c", steady=True))
        self.assertEqual(self.ids(), "c")

    def test_nothing_new(self) -> None:
        """The same again is no change, and leaves the very same registrations."""
        before = self.belief.registrations
        self.assertFalse(self.belief.take(read("a", "b", steady=True)))
        self.assertIs(self.belief.registrations, before)

    def test_from_before_the_start(self) -> None:
        """What was kept on disk is what the first answer is compared with."""
        belief = self.belief = Belief(self.clock.seconds)
        belief.begin_with(map(registration, "ab"))
        self.assertEqual(self.ids(), "ab")
        belief.take(read("b", "c"))
        self.assertEqual(self.ids(), "abc")
        self.clock.advance(90)
        belief.take(read("b", "c", steady=True))
        self.assertEqual(self.ids(), "bc")
