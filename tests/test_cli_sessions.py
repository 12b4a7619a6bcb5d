"""``apiml-ws sessions``."""

from __future__ import annotations

import io
import json
import ssl
from contextlib import redirect_stderr
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws import cli_sessions
from apiml_ws.actuator_client import AskError
from apiml_ws.cli import main
from tests.certificates import authority, leaf, write_pem, write_trust
from tests.doubles_console import MemoryConsole

SESSION = {
    "sessionId": "8876",
    "clientAddress": "/127.0.0.1:51234",
    "gatewayPath": "wss://localhost:10010/ws/v1/discoverableclient/uppercase",
    "serviceUrl": "wss://localhost:10012/discoverableclient/ws/uppercase",
    "serviceSessionId": None,
}


class Listing(SynchronousTestCase):
    """The command with a gateway that answers from memory."""

    def setUp(self) -> None:
        self.answer: object = [SESSION]
        self.asked: list[tuple[str, str | None, float]] = []
        self.contexts: list[ssl.SSLContext] = []
        self.patch(cli_sessions, "ask", self.ask)
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    def ask(self, url: str, context: ssl.SSLContext, authorization: str | None, timeout: float) -> object:
        """In the place of the network."""
        self.asked.append((url, authorization, timeout))
        self.contexts.append(context)
        if isinstance(self.answer, AskError):
            raise self.answer
        return self.answer

    def run_with(self, *argv: str, typed: str = "typed", **environment: str) -> MemoryConsole:
        """Run the command; ``status`` keeps the exit status."""
        memory = MemoryConsole(environment, typed)
        self.status = main(["sessions", *argv], memory.console)
        return memory

    def usage(self, *argv: str) -> str:
        """The one line of complaint about wrong usage; nothing is asked."""
        memory = self.run_with(*argv)
        self.assertEqual((self.status, self.asked, memory.out), (2, [], []))
        (line,) = memory.err
        return line

    def test_table(self) -> None:
        """A line for each session under headings, then their number."""
        memory = self.run_with()
        self.assertEqual((self.status, memory.err), (0, []))
        heading, row, count = memory.out
        self.assertEqual(heading.split("  ")[0], "SESSION")
        self.assertEqual(row.split(), [*list(SESSION.values())[:4], "-"])
        self.assertEqual(heading.index("CLIENT"), row.index("/127.0.0.1"))
        self.assertEqual(count, "1 session")
        self.assertEqual(self.asked, [("https://localhost:10010/application/websockets", None, 10.0)])

    def test_several_and_none(self) -> None:
        """The number is always said."""
        self.answer = [SESSION, SESSION]
        self.assertEqual(self.run_with().out[-1], "2 sessions")
        self.answer = []
        self.assertEqual(self.run_with().out, ["no sessions"])

    def test_json(self) -> None:
        """The gateway's own objects, for programs."""
        self.assertEqual(json.loads("\n".join(self.run_with("--json").out)), [SESSION])

    def test_what_clients_chose_cannot_command_the_terminal(self) -> None:
        """A path may hold anything; control and direction characters are escaped."""
        self.answer = [{**SESSION, "gatewayPath": "wss://x/\x1b[2J\u202e"}]
        self.assertIn("wss://x/\\x1b[2J\\u202e", self.run_with().out[1])
        self.answer = AskError("said \x1b]0;x")
        self.assertEqual(self.run_with().err, ["apiml-ws: said \\x1b]0;x"])

    def test_address(self) -> None:
        """A gateway elsewhere, with or without a slash, and another patience."""
        self.run_with("--url", "http://gw.example:8080/", "--timeout", "2")
        self.assertEqual(self.asked, [("http://gw.example:8080/application/websockets", None, 2.0)])

    def test_wrong_address(self) -> None:
        """What is no URL is refused, and credentials in one are not repeated."""
        for url in (
            "gw:10010",
            "ftp://gw",
            "https://",
            "https://u:secret@gw",
            "https://[::1",
            "https://g w",
            "http://g:x",
        ):
            with redirect_stderr(io.StringIO()) as err:
                ending: SystemExit = self.assertRaises(SystemExit, self.run_with, "--url", url)
            self.assertEqual((ending.code, "secret" in err.getvalue()), (2, False))

    def test_refused(self) -> None:
        """No list: one line and status 1."""
        self.answer = AskError("HTTP 401")
        memory = self.run_with()
        self.assertEqual((self.status, memory.out, memory.err), (1, [], ["apiml-ws: HTTP 401"]))

    def test_answer_of_something_else(self) -> None:
        """JSON that is no list of objects is not a gateway's."""
        answers: list[object] = [{}, [1], None]
        for answer in answers:
            self.answer = answer
            self.assertEqual((self.run_with().out, self.status), ([], 1))

    def test_password_at_the_prompt(self) -> None:
        """It is asked for when it is not given."""
        memory = self.run_with("--user", "admin", typed="pä:ss")
        self.assertEqual(memory.prompts, ["Password of admin: "])
        self.assertEqual(self.asked[0][1], "Basic YWRtaW46cMOkOnNz")

    def test_password_in_the_environment(self) -> None:
        """It comes from the variable that is named, and nobody is asked."""
        memory = self.run_with("--user", "admin", "--password-env", "SECRET", SECRET="pass")
        self.assertEqual((self.asked[0][1], memory.prompts), ("Basic YWRtaW46cGFzcw==", []))

    def test_password_in_a_file(self) -> None:
        """It is the first line."""
        file = self.folder / "password"
        for content in ("pass", "pass\n", "pass\r\nmore\n"):
            file.write_bytes(content.encode())
            self.run_with("--user", "admin", "--password-file", str(file))
            self.assertEqual(self.asked.pop()[1], "Basic YWRtaW46cGFzcw==")

    def test_wrong_credentials(self) -> None:
        """What cannot be sent is refused before anything is."""
        (self.folder / "latin1").write_bytes(b"\xe4")
        self.assertIn("needs --user", self.usage("--password-file", "x"))
        self.assertIn("colon", self.usage("--user", "a:b"))
        self.assertIn("NOWHERE is not set", self.usage("--user", "a", "--password-env", "NOWHERE"))
        self.assertIn("No such file", self.usage("--user", "a", "--password-file", str(self.folder / "gone")))
        self.assertIn("no UTF-8", self.usage("--user", "a", "--password-file", str(self.folder / "latin1")))

    def test_trust_and_client_certificate(self) -> None:
        """The authorities of the file alone are trusted, and our certificate loads."""
        trust = write_trust(self.folder, authority())
        certificate, key = write_pem(self.folder, leaf())
        self.run_with("--ca", trust, "--cert", certificate, "--key", key)
        self.assertEqual(self.status, 0)
        self.assertEqual(len(self.contexts[0].get_ca_certs()), 1)
        self.assertTrue(self.contexts[0].check_hostname)

    def test_certificate_and_key_in_one_file(self) -> None:
        """The key need not be a file of its own."""
        certificate, key = write_pem(self.folder, leaf())
        both = self.folder / "both.pem"
        both.write_bytes(Path(certificate).read_bytes() + Path(key).read_bytes())
        self.run_with("--cert", str(both))
        self.assertEqual(self.status, 0)

    def test_wrong_files(self) -> None:
        """Files that are missing or do not fit are named."""
        certificate, _ = write_pem(self.folder, leaf())
        _, other = write_pem(self.folder, leaf(names=("elsewhere",)), "other")
        nothing = self.folder / "nothing.pem"
        nothing.touch()
        self.assertIn("--key needs --cert", self.usage("--key", other))
        self.assertIn("gone.pem", self.usage("--ca", str(self.folder / "gone.pem")))
        self.assertIn("nothing.pem", self.usage("--ca", str(nothing)))
        self.assertIn("server.pem", self.usage("--cert", certificate))
        self.assertIn("other-key.pem", self.usage("--cert", certificate, "--key", other))

    def test_encrypted_key(self) -> None:
        """OpenSSL does not stop to ask at the terminal."""
        from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

        issued = leaf()
        certificate, _ = write_pem(self.folder, issued)
        locked = self.folder / "locked.pem"
        encryption = BestAvailableEncryption(b"x")
        locked.write_bytes(issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
        self.assertIn("locked.pem", self.usage("--cert", certificate, "--key", str(locked)))
