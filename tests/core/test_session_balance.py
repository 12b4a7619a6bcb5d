"""Sessions and balancing: who is told of whom, and where sessions count."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.callers import NOBODY, Caller
from apiml_ws.core.closing import Cause, Close
from apiml_ws.core.dialing import DialRefusal, Search, for_opening, search
from apiml_ws.core.interfaces import Boundary, Side
from apiml_ws.core.registry import snapshot
from apiml_ws.core.settings import SessionSettings
from tests.core.doubles_session import SOURCE, MemoryOutcome, World, instance_named
from tests.core.doubles_session_case import ALWAYS, NEVER, RESTART, SessionTestCase


class DialTests(SynchronousTestCase):
    """Searches."""

    def setUp(self) -> None:
        self.world = World()
        self.outcome = MemoryOutcome()

    def share(self, kind: str, *names: str) -> None:
        """From now the registry has ``names``, to be shared like ``kind``."""
        instances = [instance_named(name) for name in names]
        shared = [replace(each, metadata={**each.metadata, "apiml.lb.type": kind}) for each in instances]
        self.world.directory.update(SOURCE, snapshot(shared))

    def search(self, caller: Caller = NOBODY) -> Search:
        opening = replace(self.world.opening(), caller=caller)
        return search(opening, for_opening(opening), self.world.lookout, self.outcome)

    @property
    def dialled(self) -> str:
        return "".join(self.world.dialer.dialled)

    def test_caller_decides(self) -> None:
        """The instance that the client names is dialled, again and again; no other is."""
        self.share("headerRequest", "a", "b", "c")
        self.search(Caller(instance_id="b")).cancel()
        self.search(Caller(instance_id="c"))
        for _ in range(3):
            self.world.dialer.attempts[-1].fail()
            self.world.clock.advance(1)
        self.assertEqual(self.dialled, "bccc")
        self.assertEqual([refusal.cause for refusal in self.outcome.refusals], [Cause.SERVICE_UNREACHABLE])

    def test_no_such_instance(self) -> None:
        """A name that no instance has is the same as no instance."""
        self.share("headerRequest", "a")
        self.search(Caller(instance_id="b"))
        self.world.clock.advance(0)
        self.assertEqual(self.outcome.refusals, [DialRefusal(Cause.NO_INSTANCE, "sample")])

    def test_user_is_remembered_once_it_is_in(self) -> None:
        """Where a session was opened the next one of that user goes; where one was given up, it need not."""
        self.share("authentication", "a", "b")
        self.search(Caller("u")).cancel()
        self.search(Caller("u"))
        self.world.dialer.attempts[-1].open()
        self.search(Caller("u")).cancel()
        self.assertEqual(self.dialled, "abb")

    def test_failures_are_told(self) -> None:
        """An instance that could not be dialled is passed over by the searches that follow."""
        self.world.register("a", "b", "c")
        self.search()
        self.world.dialer.attempts[-1].fail()
        for _ in range(3):
            self.search()
        self.assertEqual(self.dialled, "abcbc")


class CountTests(SessionTestCase):
    """Where a session counts."""

    def assert_counts(self, a: int, b: int = 0) -> None:
        occupancy = self.world.lookout.balancer.occupancy
        self.assertEqual([occupancy[instance_named(name)] for name in "ab"], [a, b])

    def test_dialing(self) -> None:
        """At the instance that is dialled, as long as it is."""
        self.begin("a", "b")
        self.assert_counts(1)
        self.world.dialer.attempts[-1].fail()
        self.assert_counts(0, 1)
        self.session.abort()
        self.assert_counts(0)

    def test_relaying(self) -> None:
        """At its instance, until nothing is left of it."""
        self.relaying()
        self.assert_counts(1)
        self.session.close_received(Side.CLIENT, Close(1000))
        self.assert_counts(1)
        self.session.ended(Side.CLIENT)
        self.session.ended(Side.SERVICE)
        self.assert_counts(0)

    def test_moving(self) -> None:
        """Not at the instance that was lost, but at the one that is dialled, and then there."""
        self.reattaching()
        self.assert_counts(0, 1)
        self.world.dialer.attempts[-1].open()
        self.assert_counts(0, 1)
        self.session.abort()
        self.assert_counts(0)

    def test_leaving(self) -> None:
        """An instance that says that it goes away has none any more."""
        self.relaying("a")
        self.session.close_received(Side.SERVICE, RESTART)
        self.service_gone()
        self.world.dialer.attempts[-1].fail()
        self.assert_counts(0)
        self.session.abort()


class LossTests(SessionTestCase):
    """What makes an instance new, although it was there all the time."""

    def assert_renewed(self, renewed: bool) -> None:
        """Whether A, which has no session, is taken to have as many as B, so that B gets one too."""
        sample = self.world.directory.snapshot.services["sample"]
        shared = replace(sample, metadata={"apiml.lb.type": "leastSessions"})
        balancer = self.world.lookout.balancer
        for _ in range(100):
            balancer.occupancy.stay().enter(instance_named("b"))
        chosen = {each.instance_id for each in (balancer.choose(shared), balancer.choose(shared)) if each is not None}
        self.assertEqual(chosen, {"a", "b"} if renewed else {"a"})

    def known(self, settings: SessionSettings | None = None) -> None:
        """A session is open at A, and neither A nor B is new."""
        self.relaying(settings=settings)
        sample = self.world.directory.snapshot.services["sample"]
        self.world.lookout.balancer.choose(replace(sample, metadata={"apiml.lb.type": "leastSessions"}))

    def test_lost(self) -> None:
        """An instance that was lost, whether its session moves or ends, is new."""
        for settings in (ALWAYS, NEVER):
            self.known(settings)
            self.session.lost(Side.SERVICE, Boundary.MESSAGE)
            self.client_gone()
            self.assert_renewed(True)
            self.session.abort()

    def test_lost_and_not_movable(self) -> None:
        """So is one that was lost with a session that cannot go on."""
        self.known()
        self.relay.movable = False
        self.session.lost(Side.SERVICE, Boundary.FRAGMENT)
        self.client_gone()
        self.assert_ended(Cause.NOT_MOVED)
        self.assert_renewed(True)

    def test_ended(self) -> None:
        """An instance whose session ended is not."""
        self.known()
        self.session.close_received(Side.SERVICE, Close(1000))
        self.client_gone()
        self.service_gone()
        self.assert_renewed(False)
