"""Which instance gets the next session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from twisted.logger import capturedLogs

from apiml_ws.core.callers import Caller
from apiml_ws.core.interfaces import DialFailure, DialFault
from apiml_ws.core.registry import EMPTY, NO_METADATA, Service, Status, service, snapshot
from tests.core.doubles_balance import BalancerTestCase
from tests.core.doubles_session import answered, instance_named

USER = Caller(user="u")


class RoundRobinTests(BalancerTestCase):
    """What holds if a service says nothing."""

    def test_in_turn(self) -> None:
        """Each instance in its turn, whoever asks, but for those that are excluded."""
        sample = self.sample("abc")
        wish = Caller("u", "c")
        self.assertEqual("".join(self.choose(sample, wish) for _ in range(4)), "abca")
        self.assertEqual(self.choose(sample, wish, "bc"), "a")

    def test_only_those_that_are_up(self) -> None:
        """An instance that is not UP gets nothing, whatever else it is."""
        for status in set(Status) - {Status.UP}:
            both = service("sample", [instance_named("a", status), instance_named("b")])
            self.assertEqual([self.choose(both) for _ in range(2)], ["b", "b"])

    def test_nobody(self) -> None:
        """Nobody is chosen from nobody, nor when all are excluded."""
        self.assertEqual((self.choose(self.sample("")), self.choose(self.sample("a"), exclude="a")), ("", ""))

    def test_newcomer(self) -> None:
        """Of 1,000 sessions after it joined three others, a newcomer gets its fair share."""
        for _ in range(3000):
            self.open(self.sample("abc"))
        after = Counter(self.open(self.sample("abcd")) for _ in range(1000))
        self.assertEqual(after["d"], 250)

    def test_vanished_services_are_forgotten(self) -> None:
        """A service that the registry does not know any more begins anew."""
        sample = self.sample("ab")
        self.choose(sample)
        self.balancer.retain(snapshot(sample.instances))
        self.assertEqual([self.choose(sample) for _ in range(2)], ["b", "a"])
        self.balancer.retain(EMPTY)
        self.assertEqual(self.choose(sample), "a")


class UnknownTypeTests(BalancerTestCase):
    """A word that nobody knows."""

    def asking(self, word: str) -> Service:
        self.metadata = {"apiml.lb.type": word}
        return self.sample("ab")

    def logged(self, word: str) -> list[str]:
        """The words that are named in the log when a service asks for ``word`` twice."""
        with capturedLogs() as events:
            self.assertEqual({self.choose(self.asking(word)) for _ in range(2)}, {"a", "b"})
        self.assertEqual([event["service"] for event in events], ["sample"] * len(events))
        return [event["word"] for event in events]

    def test_named_once(self) -> None:
        """It is round robin, and named in the log once; another one is named again."""
        self.assertEqual(self.logged("wheel"), ["wheel"])
        self.balancer.retain(snapshot(self.asking("wheel").instances))
        self.assertEqual(self.logged("wheel"), [])
        self.assertEqual(self.logged("fortune"), ["fortune"])
        self.assertEqual(self.logged("roundRobin"), [])

    def test_length(self) -> None:
        """No more than 40 characters of it are shown."""
        self.assertEqual(self.logged("x" * 1000), ["x" * 40])

    def test_forgotten(self) -> None:
        """It is not kept for services that are gone."""
        self.logged("wheel")
        self.balancer.retain(EMPTY)
        self.assertEqual(self.logged("wheel"), ["wheel"])


class PassingOverTests(BalancerTestCase):
    """Instances that could not be dialled."""

    def test_passed_over(self) -> None:
        """It gets nothing for a while, and then its turn again, once until it answers."""
        sample = self.sample("ab")
        self.fail_to_dial(sample, "a")
        self.assertEqual([self.open(sample) for _ in range(3)], ["b"] * 3)
        self.clock.advance(2)
        chosen, visit = self.dial(sample)
        self.assertEqual((chosen.instance_id, [self.open(sample) for _ in range(3)]), ("a", ["b"] * 3))
        visit.opened()
        self.assertEqual([self.open(sample) for _ in range(4)], ["a", "b", "a", "b"])

    def test_never_the_only_one(self) -> None:
        """The only instance that may be chosen is, and of several that fail the one that failed first."""
        sample = self.sample("ab")
        self.fail_to_dial(sample, "b")
        self.assertEqual(self.choose(sample, exclude="a"), "b")
        self.clock.advance(1)
        self.fail_to_dial(sample, "a")
        self.assertEqual([self.choose(sample) for _ in range(2)], ["b", "b"])

    def test_which_failures(self) -> None:
        """Those before an answer in HTTP, and no others."""
        sample = self.sample("ab")
        for fault in DialFault:
            for final in (False, True):
                self.balancer.retain(EMPTY)
                self.fail_to_dial(sample, "a", DialFailure(fault, final=final))
                self.assertEqual({self.choose(sample) for _ in range(2)}, {"b"} if not final else {"a", "b"}, fault)

    def test_any_answer_ends_it(self) -> None:
        """Who says 503 can be dialled."""
        sample = self.sample("ab")
        self.fail_to_dial(sample, "a")
        self.fail_to_dial(sample, "a", answered(503))
        self.assertEqual({self.choose(sample) for _ in range(2)}, {"a", "b"})

    def test_cancelled(self) -> None:
        """A dial that nobody wants any more says nothing of its instance."""
        sample = self.sample("ab")
        self.dial(sample)[1].cancelled()
        self.assertEqual({self.choose(sample) for _ in range(2)}, {"a", "b"})

    def test_back_in_the_registry(self) -> None:
        """An instance that was taken off and came back is dialled."""
        sample = self.sample("ab")
        self.fail_to_dial(sample, "a")
        self.balancer.retain(snapshot(self.sample("b", "a").instances))
        self.assertEqual({self.choose(sample) for _ in range(2)}, {"a", "b"})


class HeaderRequestTests(BalancerTestCase):
    """``headerRequest``."""

    metadata: Mapping[str, str] = {"apiml.lb.type": "headerRequest"}

    def test_named(self) -> None:
        """The named one, for as long as it is UP, and no other, not even when it cannot be dialled."""
        sample = self.sample("abc")
        wish = Caller(instance_id="b")
        self.fail_to_dial(sample, "b")
        self.assertEqual([self.choose(sample, wish) for _ in range(3)], ["b"] * 3)
        self.assertEqual((self.choose(sample, wish, "b"), self.choose(self.sample("ac", "b"), wish)), ("", ""))
        self.assertEqual(self.choose(sample, Caller(instance_id="x")), "")

    def test_none_named(self) -> None:
        """Who names none takes turns, which those do not move who name one."""
        sample = self.sample("abc")
        chosen = [(self.choose(sample), self.choose(sample, Caller(instance_id="c")))[0] for _ in range(4)]
        self.assertEqual("".join(chosen), "abca")


class AuthenticationTests(BalancerTestCase):
    """``authentication``."""

    metadata: Mapping[str, str] = {"apiml.lb.type": "authentication"}

    def test_sticky(self) -> None:
        """A user comes back to the same instance; others take turns, which users who come back do not move."""
        sample = self.sample("abc")
        self.assertEqual([self.open(sample, USER) for _ in range(3)], ["a"] * 3)
        self.assertEqual([self.open(sample, Caller(each)) for each in ("v", "w", "")], ["b", "c", "a"])
        self.assertEqual([self.open(sample, Caller(each)) for each in "uvw"], ["a", "b", "c"])

    def test_nobody(self) -> None:
        """Without a user it is round robin."""
        self.assertEqual("".join(self.open(self.sample("abc")) for _ in range(4)), "abca")

    def test_only_where_it_is_asked_for(self) -> None:
        """Users of services that do not ask for it are not remembered, not even for when they will."""
        self.metadata = NO_METADATA
        self.assertEqual("".join(self.open(self.sample("abc"), USER) for _ in range(4)), "abca")
        self.metadata = AuthenticationTests.metadata
        self.assertEqual(self.open(self.sample("abc"), USER), "b")

    def test_not_accepted(self) -> None:
        """A name that the service does not accept is not remembered."""
        sample = self.sample("abc")
        self.dial(sample, USER)[1].failed(answered(401))
        self.assertEqual(self.choose(sample, USER), "b")

    def test_several_at_once(self) -> None:
        """Sessions of one user that begin together go to one instance; when that fails, the next ones go elsewhere."""
        sample = self.sample("abc")
        dials = [self.dial(sample, USER) for _ in range(3)]
        self.assertEqual([chosen.instance_id for chosen, _ in dials], ["a"] * 3)
        for _, visit in dials:
            visit.cancelled()
        self.assertEqual(self.open(sample, USER), "b")

    def test_not_up(self) -> None:
        """Who was at an instance that is not UP any more is at another one from now."""
        self.open(self.sample("ab"), USER)
        self.assertEqual(self.open(self.sample("b", "a"), USER), "b")
        self.assertEqual([self.open(self.sample("ab"), USER) for _ in range(2)], ["b"] * 2)

    def test_excluded_or_passed_over(self) -> None:
        """An instance that could not be dialled is not waited for."""
        sample = self.sample("ab")
        self.open(sample, USER)
        self.assertEqual(self.choose(sample, USER, "a"), "b")
        self.fail_to_dial(sample, "a")
        self.assertEqual(self.choose(sample, USER), "b")

    def test_expires(self) -> None:
        """After the hours of the metadata, eight without, the user is nobody."""
        for metadata, hours in (({}, 8), ({"apiml.lb.cacheRecordExpirationTimeInHours": "2"}, 2)):
            self.setUp()
            self.metadata = {**AuthenticationTests.metadata, **metadata}
            sample = self.sample("ab")
            self.open(sample, USER)
            self.clock.advance(hours * 3600 - 1)
            self.assertEqual(self.open(sample, USER), "a")
            self.clock.advance(1)
            self.assertEqual(self.open(sample, USER), "b")
