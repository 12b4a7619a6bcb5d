"""The quick start's state folder and its command."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import bcrypt
from twisted.scripts import twistd
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws import quickstart
from apiml_ws.quickstart import State, command_line, main, prepare

NOW = datetime(2026, 11, 25, tzinfo=UTC)


class StateTests(SynchronousTestCase):
    """:func:`prepare`."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.patch(quickstart, "_COST", 4)

    def prepare(self) -> State:
        return prepare(self.folder, lambda: NOW)

    def lines(self) -> list[str]:
        return (self.folder / "passwords").read_text().splitlines()

    def knows(self, password: str) -> bool:
        """Whether the operator gets in by ``password``."""
        (line,) = (line for line in self.lines() if line.startswith("admin:"))
        return bcrypt.checkpw(password.encode(), line.removeprefix("admin:").encode())

    def test_everything_is_made_on_first_use(self) -> None:
        """The files that the quick start's configuration names among it, for the owner's eyes only."""
        state = self.prepare()
        names = {path.name for path in self.folder.iterdir()}
        wanted = {"ca.pem", "ca-key.pem", "gateway.pem", "gateway-key.pem", "passwords", "admin-password"}
        self.assertEqual(names, wanted | {"discoverableclient.pem", "discoverableclient-key.pem"})
        self.assertEqual({path.stat().st_mode & 0o777 for path in self.folder.iterdir()}, {0o600})
        self.assertTrue(self.knows(state.password))
        self.assertGreaterEqual(len(state.password), 16)

    def test_a_later_start_changes_nothing(self) -> None:
        """The password is the same, so that it can be printed again."""
        first = self.prepare()
        before = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        self.assertEqual(self.prepare(), first)
        self.assertEqual({path.name: path.read_bytes() for path in self.folder.iterdir()}, before)

    def test_passwords_differ_from_folder_to_folder(self) -> None:
        """They are random."""
        self.assertNotEqual(self.prepare().password, prepare(Path(self.mktemp()), lambda: NOW).password)

    def test_a_password_that_was_lost_is_made_anew(self) -> None:
        """And the old one lets nobody in; other operators stay."""
        first = self.prepare()
        with (self.folder / "passwords").open("a") as file:
            file.write("somebody:else\n")
        for lost in (lambda: (self.folder / "admin-password").unlink(), lambda: self._empty("admin-password")):
            lost()
            again = self.prepare()
            self.assertTrue(self.knows(again.password))
            self.assertFalse(self.knows(first.password))
            self.assertIn("somebody:else", self.lines())

    def _empty(self, name: str) -> None:
        (self.folder / name).write_text("")

    def test_a_broken_password_file_is_mended(self) -> None:
        """Lines that no password fits, or two for one name."""
        state = self.prepare()
        for broken in ("admin:nonsense\n", "admin:a\nadmin:b\n", ""):
            (self.folder / "passwords").write_text(broken)
            self.prepare()
            self.assertTrue(self.knows(state.password))
            self.assertEqual(len(self.lines()), 1)

    def test_overrides_name_the_files(self) -> None:
        """By absolute paths, wherever the configuration is."""
        overrides = dict(each.split("=", 1) for each in self.prepare().overrides())
        self.assertEqual(
            set(overrides),
            {
                "server.ssl.certificate",
                "server.ssl.privateKey",
                "server.ssl.trustStore",
                "management.security.passwordFile",
            },
        )
        self.assertTrue(all(Path(path).is_absolute() and Path(path).exists() for path in overrides.values()))

    def test_the_time_is_that_of_the_machine_if_none_is_given(self) -> None:
        """As the command has it."""
        self.assertTrue(prepare(self.folder).root.exists())


class CommandTests(SynchronousTestCase):
    """``python -m apiml_ws.quickstart``."""

    def test_it_is_twistd_in_the_foreground(self) -> None:
        """Without a file that a second one would trip over."""
        self.assertEqual(
            command_line(["--state", "x"]),
            ["twistd", "--nodaemon", "--pidfile=", "apiml-ws-quickstart", "--state", "x"],
        )

    def test_it_runs_twistd_in_this_process(self) -> None:
        """So that signals and exit status are its own."""
        seen: list[list[str]] = []
        self.patch(sys, "argv", [])
        self.patch(twistd, "run", lambda: seen.append(sys.argv))
        main(["--set", "a=b"])
        self.assertEqual(seen, [command_line(["--set", "a=b"])])
