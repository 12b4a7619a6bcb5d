"""The operator's command ``apiml-ws``."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.cli import COMMANDS, main
from tests.doubles_console import MemoryConsole


class Commands(SynchronousTestCase):
    """What surrounds the commands."""

    def leaving(self, *argv: str) -> tuple[object, str, str]:
        """The status with which argparse ends the process, and what it prints."""
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            ending: SystemExit = self.assertRaises(SystemExit, main, list(argv))
        return ending.code, out.getvalue(), err.getvalue()

    def test_help_lists_every_command(self) -> None:
        """Whoever knows nothing begins here."""
        code, out, _ = self.leaving("--help")
        self.assertEqual(code, 0)
        for command in COMMANDS:
            self.assertIn(f"{command.name} ", out)
            self.assertIn(command.summary, out)

    def test_help_of_each_command_documents_its_exit_status(self) -> None:
        """Scripts depend on it."""
        for command in COMMANDS:
            code, out, _ = self.leaving(command.name, "--help")
            self.assertEqual((code, "Exit status: 0" in out), (0, True))

    def test_wrong_usage(self) -> None:
        """No command, an unknown one, and a missing argument end with 2."""
        for argv in ((), ("stop",), ("check",)):
            code, _, err = self.leaving(*argv)
            self.assertEqual((code, err.startswith("usage: apiml-ws")), (2, True))

    def test_usage_that_only_the_command_finds_wrong(self) -> None:
        """It is one line and status 2 as well."""
        memory = MemoryConsole()
        self.assertEqual(main(["sessions", "--password-env", "X"], memory.console), 2)
        self.assertEqual(memory.err, ["apiml-ws: a password needs --user"])

    def test_interrupted(self) -> None:
        """Ctrl-C at a prompt is no traceback."""

        def interrupt(_prompt: str) -> str:
            raise KeyboardInterrupt

        memory = MemoryConsole()
        console = replace(memory.console, ask_password=interrupt)
        self.assertEqual(main(["sessions", "--user", "u"], console), 1)
        self.assertEqual((memory.out, memory.err), ([], []))

    def test_nobody_reads_the_result(self) -> None:
        """A reader that left (``| head``) is no traceback, now or when the stream is closed."""
        reading, writing = os.pipe()
        os.close(reading)
        with open(writing, "w", encoding="utf-8") as out:
            console = replace(MemoryConsole().console, out=out)
            self.assertEqual(main(["check", "--config", "/nonexistent.yml"], console), 1)

    def test_the_process_is_the_default_console(self) -> None:
        """Results go to standard output, complaints to standard error."""
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            self.assertEqual(main(["check", "--config", "/nonexistent.yml"]), 1)
        self.assertIn("1 error", out.getvalue())
        self.assertIn("No such file", err.getvalue())
