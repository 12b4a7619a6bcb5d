"""Work of many, kind by kind."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.stages import Stages


class Traveller:
    """Somebody who takes three steps, and stumbles at one of them if it is to."""

    def __init__(self, name: str, stages: Stages, log: list[str], stumbles: str = "") -> None:
        self.name = name
        self.stages = stages
        self.log = log
        self.stumbles = stumbles

    def _step(self, kind: str) -> None:
        self.log.append(f"{kind} {self.name}")
        if kind == self.stumbles:
            raise ValueError(kind)

    def set_out(self) -> None:
        """The first step."""
        self._step("sets out")
        self.stages.put(Traveller.walk, self)

    def walk(self) -> None:
        """The second one."""
        self._step("walks")
        self.stages.put(Traveller.arrive, self)

    def arrive(self) -> None:
        """The last one."""
        self._step("arrives")

    def crashed(self) -> None:
        """It goes no further."""
        self.log.append(f"crashed {self.name}")


class StagesTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.core.stages.Stages`."""

    def setUp(self) -> None:
        """Nobody is on the way."""
        self.clock = Clock()
        self.stages = Stages(self.clock)
        self.log: list[str] = []

    def _travellers(self, *names: str, stumbles: str = "") -> None:
        for name in names:
            self.stages.put(Traveller.set_out, Traveller(name, self.stages, self.log, stumbles))

    def test_kind_by_kind(self) -> None:
        """Each step is taken for all before the next one, in the order in which they came; none from within put."""
        self._travellers("a", "b", "c")
        self.assertEqual((self.log, len(self.clock.getDelayedCalls())), ([], 1))
        self.clock.advance(0)
        self.assertEqual(self.log, [f"{kind} {name}" for kind in ("sets out", "walks", "arrives") for name in "abc"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_in_one_turn(self) -> None:
        """All steps of a few are taken at once: who comes alone does not wait for others."""
        self._travellers("a")
        self.clock.advance(0)
        self.assertEqual(len(self.log), 3)

    def test_stumble(self) -> None:
        """What one raises is logged and told to it, and costs nobody else."""
        self._travellers("a", stumbles="walks")
        self._travellers("b")
        self.clock.advance(0)
        self.assertEqual(self.log, ["sets out a", "sets out b", "walks a", "crashed a", "walks b", "arrives b"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_bounded(self) -> None:
        """Those who never arrive leave the turn to others from time to time."""

        class Wanderer:
            steps = 0

            def go(self) -> None:
                """On."""
                self.steps += 1
                stages.put(Wanderer.go, self)

            def crashed(self) -> None:
                """Never."""

        stages, wanderer = self.stages, Wanderer()
        stages.put(Wanderer.go, wanderer)
        for turn in (1, 2):
            run: Any = self.clock.calls.pop()
            run.func()
            self.assertEqual((wanderer.steps, len(self.clock.getDelayedCalls())), (32 * turn, 1))
