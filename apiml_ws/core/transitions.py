"""Automat's machines with their transitions found at once.

Automat looks for the transition of an input in all of them, one after the other, which costs a machine of a session's
size more than all that the transition brings about.  The table itself stays Automat's: it is only indexed.
"""

from __future__ import annotations

from typing import Any, TypeVar

Machine = TypeVar("Machine")


def indexed(machine: Machine) -> Machine:
    """``machine``, as Automat's ``TypeMachineBuilder.build`` gave it, and from now on faster.

    A version of Automat that keeps its transitions elsewhere leaves it as it is.
    """
    automaton: Any = getattr(machine, "__automat_automaton__", None)
    if automaton is not None and hasattr(automaton, "allTransitions") and hasattr(automaton, "outputForInput"):
        automaton.outputForInput = _Index(automaton).output_for_input
    return machine


class _Index:
    """All transitions by state and input.  States are compared by identity: there is one object for each."""

    def __init__(self, automaton: Any) -> None:
        self._search = automaton.outputForInput
        self._transitions = {
            (id(state), symbol): (target, list(outputs))
            for state, symbol, target, outputs in automaton.allTransitions()
        }

    def output_for_input(self, state: object, symbol: str) -> Any:
        found = self._transitions.get((id(state), symbol))
        return self._search(state, symbol) if found is None else found
