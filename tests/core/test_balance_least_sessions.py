"""The instance with the fewest sessions, which does not mean all for the one that is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from apiml_ws.core.callers import NOBODY
from apiml_ws.core.registry import snapshot
from tests.core.doubles_balance import BalancerTestCase
from tests.core.doubles_session import answered, instance_named


class LeastSessionsTests(BalancerTestCase):
    """``leastSessions``."""

    metadata: Mapping[str, str] = {"apiml.lb.type": "leastSessions"}

    def test_the_emptiest(self) -> None:
        """The one with the fewest sessions gets the next, those with equally many take turns."""
        sample = self.sample("abc")
        self.assertEqual("".join(self.open(sample) for _ in range(3)), "abc")
        self.have(a=3, b=1)
        self.assertEqual("".join(self.open(sample) for _ in range(5)), "cbcbc")

    def test_ended(self) -> None:
        """Sessions that ended count no more."""
        sample = self.sample("ab")
        self.choose(sample)
        stay = self.balancer.occupancy.stay()
        stay.enter(instance_named("b"))
        self.have(a=1, b=1)
        self.assertEqual(self.choose(sample), "a")
        stay.leave()
        self.have(a=1)
        self.assertEqual(self.choose(sample), "b")

    def test_those_being_dialled_count(self) -> None:
        """A burst of dials none of which was answered yet is shared."""
        sample = self.sample("abc")
        dials = [self.dial(sample) for _ in range(300)]
        counts = Counter(chosen.instance_id for chosen, _ in dials)
        self.assertEqual(counts, {"a": 100, "b": 100, "c": 100})
        for _, visit in dials[:100]:
            visit.opened()
        for _, visit in dials[100:200]:
            visit.failed(answered(500))
        for _, visit in dials[200:]:
            visit.cancelled()
        self.assertEqual(len(self.balancer.occupancy), 0)

    def test_excluded(self) -> None:
        """Among those that are left, the emptiest; nobody if nobody is."""
        sample = self.sample("abc")
        self.choose(sample)
        self.have(b=5, c=3)
        self.assertEqual([self.choose(sample, exclude=each) for each in ("a", "ac", "abc")], ["c", "b", ""])

    def newcomer(self, others: str, openings: int = 1000) -> str:
        """Where ``openings`` sessions go after ``n`` joined ``others``, which have 1,000 each."""
        self.choose(self.sample(others))
        self.have(**dict.fromkeys(others, 1000))
        return "".join(self.open(self.sample(others + "n")) for _ in range(openings))

    def test_newcomer_is_not_flooded(self) -> None:
        """Of the 1,000 sessions after it joined, a newcomer gets half as much again as its share, in any 50 of them too."""
        for others, share in (("a", 5 / 8), ("ab", 4 / 9), ("abc", 11 / 32), ("abcdefghi", 0.145)):
            self.setUp()
            went = self.newcomer(others)
            self.assertLess(abs(went.count("n") - 1000 * share), 2)
            runs = [went[at : at + 50].count("n") for at in range(len(went) - 50)]
            self.assertLessEqual(max(runs), 50 * share + 1)

    def test_newcomer_catches_up(self) -> None:
        """In the end all have the same."""
        self.newcomer("ab", 6000)
        counts = [self.balancer.occupancy[instance_named(each)] for each in "abn"]
        self.assertLessEqual(max(counts) - min(counts), 1)

    def test_newcomer_after_a_pause(self) -> None:
        """However long nothing is opened after it joined, what is opened then does not flood it."""
        self.newcomer("abc", 1)
        self.clock.advance(86400)
        self.assertLess(sum(self.open(self.sample("abcn")) == "n" for _ in range(1000)), 360)

    def test_started_again(self) -> None:
        """An instance that lost its sessions is not flooded when it is back, if the registry did not notice either."""
        sample = self.sample("ab")
        self.choose(sample)
        self.have(a=1000)
        stays = [self.balancer.occupancy.stay() for _ in range(1000)]
        for stay in stays:
            stay.enter(instance_named("b"))
        for stay in stays:
            stay.leave(lost=True)
        self.assertLess(sum(self.open(sample) == "b" for _ in range(1000)), 640)

    def test_reached_again(self) -> None:
        """One that could not be dialled for long is not flooded when it can be."""
        sample = self.sample("ab")
        self.choose(sample)
        self.fail_to_dial(sample, "a")
        self.have(b=1000)
        self.clock.advance(2)
        self.balancer.dialled(sample, instance_named("a"), NOBODY).opened()
        self.assertLess(sum(self.open(sample) == "a" for _ in range(1000)), 640)

    def test_back_in_the_registry(self) -> None:
        """One that was taken off is new when it comes back."""
        self.choose(self.sample("ab"))
        self.balancer.retain(snapshot(self.sample("a", "b").instances))
        self.have(a=1000)
        self.assertLess(sum(self.open(self.sample("ab")) == "b" for _ in range(1000)), 640)
