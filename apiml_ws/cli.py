"""The operator's command ``apiml-ws``.

A command is a :class:`apiml_ws.console.Command` in :data:`COMMANDS`.  Exit status: 0 done, 1 not done, 2 wrong usage.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from getpass import getpass
from typing import Final, TextIO

from apiml_ws import cli_check, cli_sessions
from apiml_ws.console import Command, Console, Exit, UsageError

#: What ``apiml-ws`` can do.
COMMANDS: Final[tuple[Command, ...]] = (cli_check.COMMAND, cli_sessions.COMMAND)


def main(argv: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Run the command that ``argv`` (by default the process's) asks for; returns the exit status.

    :raises SystemExit: by argparse, with 2 for a wrong command line and 0 after help.
    """
    console = console or Console(os.environ, sys.stdout, sys.stderr, getpass)
    options = _parser(COMMANDS).parse_args(argv)
    try:
        status = int(options.run(options, console))
        console.out.flush()
    except UsageError as error:
        console.complain(f"apiml-ws: {error}")
        return Exit.USAGE
    except BrokenPipeError:
        _discard(console.out)
        return Exit.FAILED
    except KeyboardInterrupt:
        return Exit.FAILED
    return status


def _discard(stream: TextIO) -> None:
    """Let what ``stream`` still holds go nowhere, so that the interpreter does not fail to write it at its end."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def _parser(commands: Sequence[Command]) -> ArgumentParser:
    parser = ArgumentParser(
        "apiml-ws",
        description="For operators of the WebSocket gateway. The gateway itself runs as: twistd apiml-ws --config FILE",
        epilog="Exit status: 0 done, 1 not done, 2 wrong usage.",
    )
    choices = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands:
        choice = choices.add_parser(
            command.name,
            help=command.summary,
            description=command.description,
            formatter_class=RawDescriptionHelpFormatter,
        )
        command.arguments(choice)
        choice.set_defaults(run=command.run)
    return parser
