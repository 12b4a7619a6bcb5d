"""What the commands of ``apiml-ws`` are made of."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TextIO


class Exit(IntEnum):
    """The exit status of every command."""

    #: The command did what was asked.
    DONE = 0
    #: It could not: the configuration has errors, the gateway was not reached or refused.
    FAILED = 1
    #: The command line makes no sense (argparse uses it too).
    USAGE = 2


@dataclass(frozen=True, slots=True)
class Console:
    """The surroundings of a command: environment, results, complaints, and a prompt for a password."""

    environment: Mapping[str, str]
    out: TextIO
    err: TextIO
    ask_password: Callable[[str], str]

    def say(self, line: str) -> None:
        """A line of the result."""
        self.out.write(f"{line}\n")

    def complain(self, line: str) -> None:
        """A line about what is wrong."""
        self.err.write(f"{line}\n")


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its name, a line and a page of help, its arguments, and what it does."""

    name: str
    summary: str
    description: str
    arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace, Console], Exit]


class UsageError(Exception):
    """The arguments, each valid by itself, do not go together or name what cannot be used."""


def printable(text: str) -> str:
    """``text`` without what a terminal would obey: control and formatting characters are escaped."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
