"""What can be wrong with a configuration, in words that an operator can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was said: a file and a line (from 1), or the environment or the command line without one."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One error or warning: where, which key, what was found there and what is allowed.

    ``file`` is the file's name, ``environment NAME`` or ``--set``.  ``found`` never holds a password.
    """

    file: str
    line: int | None
    key: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{Source(self.file, self.line)}: {self.key}: found {self.found}; allowed: {self.allowed}"


def problem(source: Source, key: str, found: str, allowed: str) -> Problem:
    """The problem that ``found`` stands at ``source``."""
    return Problem(source.file, source.line, key, found, allowed)


class ConfigError(Exception):
    """A configuration that cannot be used, with everything that is wrong with it.

    ``errors`` is never empty; ``warnings`` are those that would have been given had there been no errors.
    """

    def __init__(self, errors: Sequence[Problem], warnings: Sequence[Problem] = ()) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = tuple(errors)
        self.warnings = tuple(warnings)
