"""Instances that could not be dialled."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.passing_over import FIRST, LONGEST, PassingOver
from apiml_ws.core.registry import EMPTY, Status, snapshot
from tests.core.doubles_session import instance_named

A, B, C = (instance_named(name) for name in "abc")


class PassingOverTests(SynchronousTestCase):
    """Who is passed over, and for how long."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.chance = 0.0
        self.passing_over = PassingOver(self.clock.seconds, lambda: self.chance)

    def spared(self) -> str:
        return "".join(each.instance_id for each in self.passing_over.spared((A, B, C)))

    def lasts(self) -> float:
        """For how long A is passed over from now, to half a second."""
        began = self.clock.seconds()
        while "a" not in self.spared():
            self.clock.advance(0.5)
        return self.clock.seconds() - began

    def fail_to_dial(self) -> None:
        self.passing_over.dialled(A)
        self.passing_over.failed(A)

    def test_nobody(self) -> None:
        """Without a failure all are spared, in their order; of nobody nobody is."""
        self.passing_over.dialled(A)
        self.assertEqual((self.spared(), len(self.passing_over)), ("abc", 0))
        self.assertEqual(list(self.passing_over.spared(())), [])

    def test_failed(self) -> None:
        """Who could not be dialled is passed over for two seconds, and then not."""
        self.fail_to_dial()
        self.assertEqual(self.spared(), "bc")
        self.clock.advance(FIRST - 0.001)
        self.assertEqual(self.spared(), "bc")
        self.clock.advance(0.001)
        self.assertEqual(self.spared(), "abc")

    def test_time_goes_on(self) -> None:
        """Nobody is passed over because the clock moved between two looks at it."""
        moments = iter(range(1000))
        self.assertEqual(len(PassingOver(lambda: next(moments), lambda: 0.0).spared((A, B))), 2)

    def test_growing(self) -> None:
        """Each failure in a row lasts twice as long as the last one, half a minute at most."""
        lengths = []
        for _ in range(7):
            self.fail_to_dial()
            lengths.append(self.lasts())
        self.assertEqual(lengths, [2, 4, 8, 16, 30, 30, 30])

    def test_jitter(self) -> None:
        """Chance takes up to a half of it, and has no part in how it grows."""
        lengths = []
        for self.chance in (1.0, 0.5, 0.0):
            self.fail_to_dial()
            lengths.append(self.lasts())
        self.assertEqual(lengths, [1, 3, 8])

    def test_failures_together(self) -> None:
        """Dials that fail while the instance is passed over already lengthen nothing."""
        for _ in range(100):
            self.passing_over.dialled(A)
        for _ in range(100):
            self.passing_over.failed(A)
        self.assertEqual(self.lasts(), 2)

    def test_dialled_all_the_same(self) -> None:
        """Dials of the only one left while it is passed over put nothing off."""
        self.fail_to_dial()
        self.clock.advance(1.5)
        self.passing_over.dialled(A)
        self.passing_over.failed(A)
        self.assertEqual(self.lasts(), 0.5)

    def test_dial_that_failed_late(self) -> None:
        """A dial that began before and fails when that is over is a failure of its own."""
        self.fail_to_dial()
        self.passing_over.dialled(A)
        self.clock.advance(2)
        self.passing_over.failed(A)
        self.assertEqual(self.lasts(), 4)

    def test_one_dial_is_let_through(self) -> None:
        """When it is over, the first dial makes it as long again for the others, whatever becomes of that dial."""
        self.fail_to_dial()
        self.clock.advance(2)
        self.passing_over.dialled(A)
        self.assertEqual(self.spared(), "bc")
        self.assertEqual(self.lasts(), 2)

    def test_failure_of_the_dial_let_through(self) -> None:
        """It counts although the instance is passed over while it lasts."""
        self.fail_to_dial()
        self.clock.advance(2)
        self.passing_over.dialled(A)
        self.clock.advance(1)
        self.passing_over.failed(A)
        self.passing_over.failed(A)
        self.assertEqual(self.lasts(), 4)

    def test_reached(self) -> None:
        """An answer makes all forgotten, and says whether there was anything."""
        self.assertFalse(self.passing_over.reached(A))
        self.fail_to_dial()
        self.lasts()
        self.fail_to_dial()
        self.assertTrue(self.passing_over.reached(A))
        self.assertEqual(self.spared(), "abc")
        self.fail_to_dial()
        self.assertEqual(self.lasts(), 2)

    def test_never_all(self) -> None:
        """When all are passed over, the one for which that ends first is spared."""
        for each in (B, A, C):
            self.passing_over.failed(each)
            self.clock.advance(0.1)
        self.assertEqual(self.spared(), "b")
        self.assertEqual(list(self.passing_over.spared((A,))), [A])

    def test_left_the_registry(self) -> None:
        """Who is not UP any more is forgotten; the others are not."""
        for each in (A, B, C):
            self.passing_over.failed(each)
        self.passing_over.retain(snapshot([A, replace(B, status=Status.DOWN)]))
        self.assertEqual((self.spared(), len(self.passing_over)), ("bc", 1))
        self.passing_over.retain(EMPTY)
        self.assertEqual(len(self.passing_over), 0)

    def test_another_address(self) -> None:
        """Who comes back with its id at another host or port is not the one that could not be dialled."""
        self.passing_over.failed(A)
        moved = replace(A, port=A.port + 1)
        self.assertEqual(list(self.passing_over.spared((moved,))), [moved])
        self.assertEqual(list(self.passing_over.spared((moved, A))), [moved])

    def test_bounds(self) -> None:
        """However often it fails, it is dialled within half a minute."""
        for _ in range(2000):
            self.fail_to_dial()
            self.assertLessEqual(self.lasts(), LONGEST)
