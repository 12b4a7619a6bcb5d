"""twistd's ``apiml-ws`` command: its options, and what it says of a configuration that cannot be used."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.tap import Options, load
from tests.certificates import leaf, write_pem


class OptionsTests(SynchronousTestCase):
    """The command line."""

    def test_overrides(self) -> None:
        """``--set`` may be repeated, and its values are kept as they are."""
        options = Options()
        options.parseOptions(["--config", "gw.yml", "--set", "server.port=0", "--set", "a=b=c"])
        self.assertEqual((options["config"], options.overrides), ("gw.yml", ["server.port=0", "a=b=c"]))


class LoadTests(SynchronousTestCase):
    """The configuration from a file."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        write_pem(self.folder, leaf(), "server")
        self.file = self.folder / "gw.yml"
        self.errors = StringIO()
        self.patch(sys, "stderr", self.errors)

    def refused(self, text: str, *overrides: str) -> list[str]:
        """The lines that are printed before the process ends with status 1."""
        self.file.write_text(text)
        with self.assertRaises(SystemExit) as caught:
            load(str(self.file), list(overrides))
        self.assertEqual(caught.exception.code, 1)
        return self.errors.getvalue().splitlines()

    def test_good(self) -> None:
        """It comes with what the overrides say."""
        self.file.write_text("server.ssl: {certificate: server.pem, privateKey: server-key.pem}\n")
        self.assertEqual(load(str(self.file), ["server.port=1"]).port, 1)
        self.assertEqual(self.errors.getvalue(), "")

    def test_there_must_be_a_configuration(self) -> None:
        """Nothing is guessed."""
        with self.assertRaises(SystemExit) as caught:
            load(None, [])
        self.assertEqual(caught.exception.code, 1)
        self.assertIn("--config FILE is needed", self.errors.getvalue())

    def test_wrong_values(self) -> None:
        """Each is a line with its place."""
        lines = self.refused("server.port: x\nserver.ssl.enabled: false\n", "server.prot=1")
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[0].startswith(f"apiml-ws: {self.file}:1: server.port: found 'x'; allowed: "))
        self.assertTrue(lines[1].startswith("apiml-ws: --set: server.prot: found a key that is not known"))

    def test_files_that_cannot_be_used(self) -> None:
        """All of them at once, each with the place of its key, before anything is made of them."""
        (self.folder / "trust.pem").write_text("nothing")
        (self.folder / "operators").write_text("ada:plain\nbob:plain\n")
        lines = self.refused(
            "server.ssl: {certificate: server.pem, privateKey: server-key.pem, trustStore: trust.pem,\n"
            "             ciphers: FOO}\n"
            "management.security.passwordFile: operators\n"
        )
        starts = (
            f"apiml-ws: {self.file}:2: server.ssl.ciphers: ",
            f"apiml-ws: {self.file}:1: server.ssl.trustStore: {self.folder}/trust.pem: ",
            f"apiml-ws: {self.file}:3: management.security.passwordFile: {self.folder}/operators:1: ",
            f"apiml-ws: {self.file}:3: management.security.passwordFile: {self.folder}/operators:2: ",
        )
        self.assertEqual([line[: len(start)] for line, start in zip(lines, starts, strict=True)], list(starts))
