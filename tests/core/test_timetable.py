"""Calls that are put off, in rows."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.timetable import Timetable


class TimetableTests(SynchronousTestCase):
    """The same as the clock below it says, with fewer calls there."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.table = Timetable(self.clock)
        self.made: list[str] = []

    def put_off(self, delay: float, name: str) -> None:
        self.table.callLater(delay, self.made.append, name)

    def test_time(self) -> None:
        """It is as late as the clock says."""
        self.clock.advance(3.5)
        self.assertEqual(self.table.seconds(), 3.5)

    def test_due(self) -> None:
        """A call is made when its time has come, with its arguments, and not before."""
        self.table.callLater(5, lambda *a, **k: self.made.append(f"{a}{k}"), 1, two=2)
        self.clock.advance(4.9)
        self.assertEqual(self.made, [])
        self.clock.advance(0.1)
        self.assertEqual(self.made, ["(1,){'two': 2}"])

    def test_row(self) -> None:
        """Calls of one delay are made in their order, each at its own time."""
        for name in "abc":
            self.put_off(0.3, name)
            self.clock.advance(0.1)
        self.assertEqual("".join(self.made), "a")
        self.clock.advance(0.1)
        self.assertEqual("".join(self.made), "ab")
        self.clock.advance(0.1)
        self.assertEqual("".join(self.made), "abc")

    def test_several_delays(self) -> None:
        """A shorter delay does not wait for a longer one."""
        self.put_off(10, "late")
        self.put_off(1, "soon")
        self.clock.advance(1)
        self.assertEqual(self.made, ["soon"])
        self.clock.advance(9)
        self.assertEqual(self.made, ["soon", "late"])

    def test_one_call_below(self) -> None:
        """However many calls there are, the clock has one for each delay."""
        for name in "abcdef":
            self.put_off(5, name)
            self.put_off(0, name)
        self.assertEqual(len(self.clock.getDelayedCalls()), 2)

    def test_forgets_delays(self) -> None:
        """A delay that nobody uses any more is forgotten."""
        self.put_off(5, "a")
        self.table.callLater(7, self.made.append, "b").cancel()
        self.assertEqual(len(self.table), 2)
        self.clock.pump([5, 2])
        self.assertEqual(len(self.table), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """A call that was taken back is not made; to take it back twice, or when it was made, is nothing."""
        for delay in (0, 5):
            call = self.table.callLater(delay, self.made.append, "x")
            self.assertTrue(call.active())
            call.cancel()
            self.assertFalse(call.active())
            call.cancel()
        made = self.table.callLater(5, self.made.append, "y")
        self.clock.advance(5)
        self.assertFalse(made.active())
        made.cancel()
        self.assertEqual(self.made, ["y"])

    def test_first_cancelled(self) -> None:
        """Those behind a call that was taken back are made in time."""
        first = self.table.callLater(5, self.made.append, "a")
        self.clock.advance(1)
        self.put_off(5, "b")
        first.cancel()
        self.clock.advance(4)
        self.assertEqual(self.made, [])
        self.clock.advance(1)
        self.assertEqual(self.made, ["b"])

    def test_next_turn(self) -> None:
        """What is put off by nothing comes later, and what that puts off behind all that was put off before."""
        self.table.callLater(0, self.put_off, 0, "second")
        self.put_off(0, "first")
        self.assertEqual(self.made, [])
        self.clock.advance(0)
        self.assertEqual(self.made, ["first", "second"])

    def test_again(self) -> None:
        """A call may put itself off again, by the same delay."""

        def tick() -> None:
            self.made.append("tick")
            self.table.callLater(2, tick)

        self.table.callLater(2, tick)
        self.clock.pump([2, 2, 2])
        self.assertEqual(self.made, ["tick"] * 3)

    def test_mishap(self) -> None:
        """A call that raises is logged, and costs no other."""
        for delay in (0, 5):
            self.table.callLater(delay, [].pop)
            self.put_off(delay, f"after {delay}")
        self.clock.pump([0, 5])
        self.assertEqual(self.made, ["after 0", "after 5"])
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 2)
