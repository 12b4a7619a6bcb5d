"""Instances that the registry takes off while they run."""

from __future__ import annotations

from apiml_ws.core.closing import Cause, Close
from apiml_ws.core.config import Drain
from apiml_ws.core.interfaces import Side
from apiml_ws.core.registry import EMPTY
from apiml_ws.core.settings import SessionSettings
from tests.core.doubles_session import SOURCE, MemoryLeg, MemoryRelay, answered, instance_named
from tests.core.doubles_sessions_case import SessionsTestCase

CLOSING = SessionSettings(drain=Drain.CLOSE)
MOVING = SessionSettings(drain=Drain.MOVE)


class CloseTests(SessionsTestCase):
    """Their sessions are closed."""

    def closed(self, *relays: MemoryRelay) -> list[bool]:
        """Which of them were closed as taken off, since the last look."""
        off = ("close", Side.CLIENT, Close(1012, "Instance was taken off"))
        return [off in relay.taken() for relay in relays]

    def test_keep(self) -> None:
        """By default sessions stay where they are."""
        relay = self.start(1)
        self.world.register("b")
        self.assertEqual((relay.taken(), self.world.dialer.attempts), ([], []))

    def test_close(self) -> None:
        """Sessions of an instance that is gone or not UP are closed, one after another; those of others stay."""
        for down in ([], ["a"]):
            first, second, other = (self.start(number, name, CLOSING) for number, name in enumerate("aab"))
            self.world.register("b", down=down)
            self.assertEqual(self.closed(first, second, other), [True, False, False])
            self.world.clock.advance(1)
            self.assertEqual(self.closed(first, second, other), [False, True, False])
            self.world.clock.advance(1)
            self.world.register("a", "b")

    def test_service_gone(self) -> None:
        """A service that the registry does not know any more has no instance that is UP."""
        relay = self.start(1, settings=CLOSING)
        self.world.directory.update(SOURCE, EMPTY)
        self.assertEqual(self.closed(relay), [True])
        self.world.clock.advance(1)

    def test_back_in_time(self) -> None:
        """A session whose turn comes after its instance came back stays."""
        first, second = (self.start(number, settings=CLOSING) for number in range(2))
        self.world.register("b")
        self.world.register("a", "b")
        self.world.clock.advance(1)
        self.assertEqual(self.closed(first, second), [True, False])
        self.world.clock.advance(1)

    def test_session_without_a_service(self) -> None:
        """A session that is not open yet has no instance that could be taken off."""
        self.sessions.start(self.world.opening(CLOSING), MemoryLeg())
        self.world.register("b")
        self.assertEqual(self.closed(self.world.relays.made[-1]), [False])

    def test_taken_off_while_it_was_dialled(self) -> None:
        """The session is closed as soon as it has its service, without another word of the registry."""
        self.sessions.start(self.world.opening(CLOSING), MemoryLeg())
        relay = self.world.relays.made[-1]
        self.world.register("b")
        self.world.dialer.attempts[0].open()
        self.assertEqual(self.closed(relay), [False])
        self.world.clock.advance(0)
        self.assertEqual(self.closed(relay), [True])
        self.world.clock.advance(1)

    def test_taken_off_before_the_client_was_answered(self) -> None:
        """The same where the service was dialled first."""
        opening = self.world.opening(CLOSING)
        self.world.register("b")
        self.sessions.start(opening, MemoryLeg(), (MemoryLeg(), instance_named("a")))
        self.world.clock.advance(0)
        self.assertEqual(self.closed(self.world.relays.made[-1]), [True])
        self.world.clock.advance(1)

    def test_stopped_before_it_was_noticed(self) -> None:
        """The stop goes before."""
        opening = self.world.opening(CLOSING)
        self.world.register("b")
        self.sessions.start(opening, MemoryLeg(), (MemoryLeg(), instance_named("a")))
        self.stop()
        self.world.clock.advance(0)
        relay = self.world.relays.made[-1]
        self.assertEqual(self.closed(relay), [False])
        self.end(relay)

    def test_stopping(self) -> None:
        """When the gateway stops, the stop closes them all."""
        relays = [self.start(number, settings=CLOSING) for number in range(3)]
        self.world.register("b")
        self.stop()
        self.world.register("b", down=["a"])
        self.world.clock.pump([0.5] * 6)
        self.assertEqual(self.closed(*relays), [True, False, False])
        for relay in relays:
            self.end(relay)
        self.assertEqual(self.causes, [Cause.TAKEN_OFF, Cause.STOPPING, Cause.STOPPING])


class MoveTests(SessionsTestCase):
    """Their sessions go on elsewhere."""

    def off(self, count: int = 1) -> list[MemoryRelay]:
        """Sessions at an instance that is taken off."""
        relays = [self.start(number, settings=MOVING) for number in range(count)]
        self.world.register("b", down=["a"])
        return relays

    def move(self, relay: MemoryRelay) -> None:
        """The latest dial succeeds, and the instance that is left says goodbye."""
        leg = self.world.dialer.attempts[-1].open()
        relay.events.retired(True)
        relay.events.close_received(Side.SERVICE, Close(1001))
        self.assertEqual(relay.taken()[-1], ("attach", leg))

    def test_move(self) -> None:
        """They are moved one after another, and counted."""
        first, second = self.off(2)
        self.assertEqual(self.world.dialer.dialled, ["b"])
        self.assertEqual(self.sessions.moving, 1)
        self.move(first)
        self.assertEqual((self.sessions.moving, self.sessions.moves), (0, 1))
        self.world.clock.advance(1)
        self.move(second)
        self.world.clock.advance(1)
        self.assertEqual((self.sessions.moves, self.sessions.failed_moves), (2, 0))
        self.assertEqual(len(list(self.sessions.open_sessions())), 2)

    def test_nobody_else_for_now(self) -> None:
        """They stay, and are tried again some time later."""
        [relay] = self.off()
        for _ in range(2):
            self.world.dialer.attempts[-1].fail()
            self.world.clock.advance(1)
        self.world.dialer.attempts[-1].fail()
        self.assertEqual((self.sessions.moving, self.sessions.failed_moves), (0, 1))
        self.world.clock.advance(9.9)
        self.assertEqual(len(self.world.dialer.attempts), 3)
        self.world.clock.advance(0.1)
        self.move(relay)
        self.assertEqual(self.sessions.moves, 1)
        self.world.clock.advance(1)

    def test_many_that_stay(self) -> None:
        """Are tried again together, at the same pace, and as soon as the registry says something new."""
        self.world.register("a")
        for number in range(2):
            self.start(number, settings=MOVING)
        self.world.register()
        self.world.clock.pump([0, 1, 0, 1])
        self.assertEqual(self.sessions.failed_moves, 2)
        self.world.register("b")
        self.world.clock.advance(1)
        self.assertEqual(self.world.dialer.dialled, ["b", "b"])
        self.world.clock.pump([1] * 10)
        self.stop()
        self.world.clock.pump([1] * 10)

    def test_tried_again_once(self) -> None:
        """However many found no other instance."""
        self.world.register("a")
        for number in range(3):
            self.start(number, settings=MOVING)
        self.world.register()
        self.world.clock.pump([0, 1, 0, 1, 0, 1])
        self.assertEqual(self.sessions.failed_moves, 3)
        self.assertEqual(len(self.world.clock.getDelayedCalls()), 1)
        self.world.register("a")
        self.world.clock.advance(10)

    def test_nobody_else_while_it_stops(self) -> None:
        """Nothing is tried again."""
        relays = self.off(2)
        self.world.clock.advance(1)
        self.stop()
        self.world.dialer.attempts[-1].fail(answered(503))
        self.assertEqual(self.sessions.failed_moves, 1)
        self.world.clock.advance(1)
        for relay in relays:
            self.end(relay)
        self.assertEqual(self.gone, [2])

    def test_back_in_time(self) -> None:
        """An instance that is UP again keeps its sessions."""
        self.world.register("a")
        self.start(1, settings=MOVING)
        self.world.register()
        self.world.clock.advance(0)
        self.world.register("a")
        self.world.clock.advance(10)
        self.assertEqual(self.world.dialer.dialled, [])

    def test_stop(self) -> None:
        """Nobody is moved by a gateway that stops."""
        self.world.register("a")
        relay = self.start(1, settings=MOVING)
        self.world.register()
        self.world.clock.pump([0, 1])
        self.stop()
        self.world.register("b")
        self.world.clock.advance(1)
        self.end(relay)
        self.assertEqual((self.gone, self.world.dialer.dialled), ([2], []))
