"""Automat's transitions found by one look-up."""

from __future__ import annotations

from typing import Any, Protocol

from automat import TypeMachineBuilder
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.session_table import machine
from apiml_ws.core.transitions import indexed


class Lamp(Protocol):
    """A machine of two inputs, one of which its last state does not know."""

    def press(self) -> str:
        """Press the switch."""

    def smash(self) -> None:
        """Break the bulb."""


class Room:
    """What a lamp holds."""


def build() -> Any:
    """A machine as Automat makes it."""
    builder = TypeMachineBuilder(Lamp, Room)
    dark, bright, broken = builder.state("dark"), builder.state("bright"), builder.state("broken")
    dark.upon(Lamp.press).to(bright).returns("light")
    bright.upon(Lamp.press).to(dark).returns("night")
    for state in (dark, bright):
        state.upon(Lamp.smash).to(broken).returns(None)
    return builder.build()


class IndexedTests(SynchronousTestCase):
    """The same machine, without the search."""

    def test_same_transitions(self) -> None:
        """Inputs lead where they led before."""
        lamp = indexed(build())(Room())
        self.assertEqual([lamp.press(), lamp.press(), lamp.press()], ["light", "night", "light"])

    def test_unknown_input(self) -> None:
        """An input that a state does not know is still Automat's to refuse."""
        plain, lamp = build()(Room()), indexed(build())(Room())
        problems = []
        for each in (plain, lamp):
            each.smash()
            with self.assertRaises(Exception) as caught:
                each.press()
            problems.append(type(caught.exception))
        self.assertIs(*problems)

    def test_no_search(self) -> None:
        """The installed Automat is one whose search can be taken out: fails when it keeps its transitions elsewhere."""
        found = indexed(build())
        found.__automat_automaton__._transitions = None
        self.assertEqual(found(Room()).press(), "light")

    def test_other_automat(self) -> None:
        """A machine that is not built as the installed one is left alone."""
        stranger = object()
        self.assertIs(indexed(stranger), stranger)

    def test_sessions(self) -> None:
        """The machine of sessions is one of those."""
        automaton: Any = machine.__automat_automaton__
        self.assertIn("outputForInput", vars(automaton))
