"""A console whose output is kept, for tests of commands."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO

from apiml_ws.console import Console


class MemoryConsole:
    """Keeps what a command says; a prompt for a password is answered with ``typed``."""

    def __init__(self, environment: Mapping[str, str] | None = None, typed: str = "typed") -> None:
        self.prompts: list[str] = []
        self._typed = typed
        self._out, self._err = StringIO(), StringIO()
        self.console = Console(environment or {}, self._out, self._err, self._ask)

    def _ask(self, prompt: str) -> str:
        self.prompts.append(prompt)
        return self._typed

    @property
    def out(self) -> list[str]:
        """The lines of the result."""
        return self._out.getvalue().splitlines()

    @property
    def err(self) -> list[str]:
        """The lines about what is wrong."""
        return self._err.getvalue().splitlines()
