"""``apiml-ws check``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.cli import main
from tests.certificates import authority, leaf, write_pem, write_pkcs12, write_trust
from tests.doubles_console import MemoryConsole

ROUTES = "apiml.service.discoveryServiceUrls: http://localhost:10011/eureka/\n"
GOOD_HASH = "$2y$04$" + "a" * 53


class Checking(SynchronousTestCase):
    """A folder with a configuration and what it names."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        write_pem(self.folder, leaf(), "server")
        write_trust(self.folder, authority())

    def check(self, text: str, *overrides: str, environment: Mapping[str, str] | None = None) -> MemoryConsole:
        """Check ``text``; ``status`` keeps the exit status, ``name`` is the file's."""
        file = self.folder / "gw.yml"
        file.write_text(text)
        memory = MemoryConsole(environment)
        sets = [word for override in overrides for word in ("--set", override)]
        self.status = main(["check", "--config", str(file), *sets], memory.console)
        self.name = str(file)
        return memory

    def test_good(self) -> None:
        """PEM files that belong together, a trust store and a password file: status 0."""
        (self.folder / "passwords").write_text(f"admin:{GOOD_HASH}\n")
        memory = self.check(
            f"{ROUTES}server.ssl: {{certificate: server.pem, privateKey: server-key.pem, trustStore: trust.pem}}\n"
            "management.security.passwordFile: passwords\n"
        )
        self.assertEqual((self.status, memory.err), (0, []))
        self.assertEqual(memory.out, [f"{self.name}: no errors, no warnings"])

    def test_warnings_leave_the_status_alone(self) -> None:
        """The gateway would start."""
        memory = self.check("server.ssl.enabled: false\n")
        self.assertEqual((self.status, memory.out), (0, [f"{self.name}: no errors, 1 warning"]))
        self.assertTrue(memory.err[0].startswith(f"warning: {self.name}: apiml.service.discoveryServiceUrls"))

    def test_every_error_is_a_line(self) -> None:
        """File, environment and overrides: one line each, errors before warnings, status 1."""
        memory = self.check(
            "server.port: x\nserver.ssl.enabled: false\n", "server.drain=1", environment={"SERVER_ADDRESS": "a b"}
        )
        self.assertEqual((self.status, memory.out), (1, [f"{self.name}: 3 errors, 1 warning"]))
        self.assertEqual([line.split(":")[0] for line in memory.err], ["error", "error", "error", "warning"])
        self.assertTrue(memory.err[0].startswith(f"error: {self.name}:1: server.port: found 'x'; allowed: "))

    def test_key_that_does_not_belong_to_the_certificate(self) -> None:
        """Files that are there are opened and compared."""
        write_pem(self.folder, leaf(names=("elsewhere",)), "other")
        memory = self.check(f"{ROUTES}server.ssl: {{certificate: server.pem, privateKey: other-key.pem}}\n")
        self.assertEqual((self.status, len(memory.err)), (1, 1))
        self.assertIn("server.ssl.privateKey", memory.err[0])

    def test_key_store_with_a_wrong_password(self) -> None:
        """A PKCS12 store is opened, and its password is not printed."""
        store = write_pkcs12(self.folder, leaf(), password="right")
        memory = self.check(f"{ROUTES}server.ssl: {{keyStore: {store}, keyStorePassword: mistaken}}\n")
        self.assertEqual((self.status, len(memory.err)), (1, 1))
        self.assertIn("server.ssl.keyStore", memory.err[0])
        self.assertNotIn("mistaken", memory.err[0])

    def test_trust_store_of_a_plain_gateway(self) -> None:
        """It is for services, and must be right though the gateway itself speaks no TLS."""
        (self.folder / "trust.pem").write_text("nothing")
        memory = self.check(f"{ROUTES}server.ssl: {{enabled: false, trustStore: trust.pem}}\n")
        self.assertEqual((self.status, len(memory.err)), (1, 1))
        self.assertIn("server.ssl.trustStore", memory.err[0])

    def test_password_file(self) -> None:
        """Every wrong line of it is an error with its line."""
        (self.folder / "passwords").write_text(f"admin:{GOOD_HASH}\nold:$apr1$x$y\nplain\n")
        memory = self.check(f"{ROUTES}server.ssl.enabled: false\nmanagement.security.passwordFile: passwords\n")
        start = f"error: {self.name}:3: management.security.passwordFile: {self.folder / 'passwords'}"
        self.assertEqual((self.status, len(memory.err)), (1, 2))
        self.assertTrue(memory.err[0].startswith(f"{start}:2: "))
        self.assertTrue(memory.err[1].startswith(f"{start}:3: "))

    def test_static_definitions(self) -> None:
        """What is wrong with one is a warning: the gateway starts, and reads the file again when it is mended."""
        folder = self.folder / "definitions"
        (folder / "folder.yml").mkdir(parents=True)
        (folder / "good.yml").write_text("services: []\n")
        (folder / "bad.yaml").write_text("servces: []\n")
        (folder / "latin1.yml").write_bytes(b"# \xe4\n")
        (folder / "words.txt").write_text("servces: []\n")
        memory = self.check(
            "server.ssl.enabled: false\napiml.discovery.staticApiDefinitionsDirectories: definitions;gone\n"
        )
        self.assertEqual(self.status, 0)
        self.assertEqual(len(memory.err), 4)
        for line, words in zip(
            memory.err, ("gone", "bad.yaml", "folder.yml: Is a", "latin1.yml: not UTF-8"), strict=True
        ):
            self.assertTrue(line.startswith("warning: "))
            self.assertIn(words, line)
