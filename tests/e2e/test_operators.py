"""The gateway as its operators meet it: starting, the actuator over HTTPS, the command line."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import bcrypt

from tests.certificates import authority, leaf, write_pem
from tests.e2e.harness import EndToEnd, Gateway
from tests.e2e.processes import eventually, twistd
from tests.e2e.services import TIMEOUT, basic, echo

ADA = basic("ada", "secret")
PATH = "/discoverableclient/ws/v1/echo?a=b%20c"


class Starting(EndToEnd):
    """What happens before the gateway listens."""

    def test_a_wrong_configuration(self) -> None:
        """Everything that is wrong is said at once, with file, line and key, and the status is 1, before a port opens."""
        process = self.launch({"server": {"prot": 1, "webSocket": {"connectTimeout": "soon"}}}, secure=False)
        self.assertEqual(process.exit_status(), 1)
        self.assertIn(f"{self.folder / 'gateway.yml'}:", process.log)
        self.assertRegex(process.log, r"server\.prot\b")
        self.assertRegex(process.log, r"server\.webSocket\.connectTimeout\b")
        self.assertNotIn("listening", process.log)
        self.assertNotIn("Traceback", process.log)

    def test_a_port_that_is_taken(self) -> None:
        """A port that another process has ends the start with status 1 and a sentence."""
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        process = self.launch({}, f"server.port={taken.getsockname()[1]}", secure=False)
        self.assertEqual(process.exit_status(), 1)
        self.assertIn("cannot listen on 127.0.0.1", process.log)

    def test_no_configuration(self) -> None:
        """Without --config twistd says how it is used."""
        process = self.start(twistd("apiml-ws"))
        self.assertEqual(process.exit_status(), 1)
        self.assertIn("--config FILE", process.log)

    def test_the_environment_wins_over_the_file(self) -> None:
        """A variable in Spring's form wins over the file, and --set over both."""
        self.launch({}, secure=False).end()
        command = twistd("apiml-ws", "--config", str(self.folder / "gateway.yml"), "--set", "server.port=0")
        process = self.start(command, {"SERVER_ADDRESS": "127.0.0.2", "SERVER_PORT": "1"})
        process.wait_for(r"listening on http://127\.0\.0\.2:\d\d+")
        self.assertEqual(process.stop(), 0)

    def test_the_check(self) -> None:
        """``apiml-ws check`` starts nothing, and says whether the file is right by its status."""
        self.launch({}).end()
        command = [
            str(Path(sys.executable).with_name("apiml-ws")),
            "check",
            "--config",
            str(self.folder / "gateway.yml"),
        ]
        self.assertEqual(self.start(command).exit_status(), 0)
        self.assertEqual(self.start([*command, "--set", "server.port=x"]).exit_status(), 1)


class Actuator(EndToEnd):
    """/application over HTTPS."""

    def setUp(self) -> None:
        """A gateway that knows ada, and takes certificates."""
        super().setUp()
        file = self.folder / "operators"
        file.write_bytes(b"ada:" + bcrypt.hashpw(b"secret", bcrypt.gensalt(4)))
        settings: dict[str, Any] = {
            "management": {"security": {"passwordFile": str(file)}},
            "server": {"ssl": {"clientAuth": "want"}},
        }
        self.service_here = self.service({"echo": echo})
        self.gateway_here: Gateway = self.gateway_to(self.service_here, settings=settings)

    def test_the_session_list(self) -> None:
        """A session is listed while it is open, with exactly the five keys in their order."""
        gateway = self.gateway_here
        with gateway.session(PATH) as session:
            session.send("x")
            session.recv(timeout=TIMEOUT)
            answer = gateway.request("/application/websockets", headers=ADA)
            client_port = session.socket.getsockname()[1]
        (row,) = answer.json
        self.assertEqual(list(row), ["sessionId", "clientAddress", "gatewayPath", "serviceUrl", "serviceSessionId"])
        self.assertEqual(row["clientAddress"], f"/127.0.0.1:{client_port}")
        self.assertEqual(row["gatewayPath"], gateway.uri(PATH))
        service = f"ws://127.0.0.1:{self.service_here.port}/discoverableclient/ws/echo?a=b%20c"
        self.assertEqual(row["serviceUrl"], service)
        self.assertTrue(row["sessionId"] and row["serviceSessionId"])
        eventually(lambda: gateway.request("/application/websockets", headers=ADA).json == [])

    def test_who_gets_in(self) -> None:
        """Nobody without credentials, nobody with wrong ones; the right ones or a trusted certificate do."""
        gateway = self.gateway_here
        path = "/application/websockets"
        missing, wrong = gateway.request(path), gateway.request(path, headers=basic("ada", "guess"))
        self.assertEqual((missing.status, wrong.status), (401, 401))
        self.assertEqual(missing.json["messages"][0]["messageNumber"], "ZWEAG105E")
        self.assertEqual(wrong.json["messages"][0]["messageNumber"], "ZWEAG120E")
        self.assertTrue(missing.headers["www-authenticate"].startswith("Basic "))
        self.assertEqual(gateway.request(path, headers=ADA).status, 200)
        shown = self.trust((self.certificate, self.key))
        self.assertEqual(gateway.request(path, trust=shown).status, 200)

    def test_a_certificate_of_somebody_else(self) -> None:
        """A certificate that is not trusted fails the handshake."""
        stranger = write_pem(self.folder, leaf(issuer=authority("Somebody else")), "stranger")
        with self.assertRaises(OSError):
            self.gateway_here.request("/application/health", trust=self.trust(stranger))

    def test_methods_and_types(self) -> None:
        """HEAD has no body, other methods are 405, the type is as accepted."""
        gateway = self.gateway_here
        head = gateway.request("/application/health", "HEAD")
        self.assertEqual((head.status, head.body), (200, b""))
        post = gateway.request("/application/health", "POST")
        self.assertEqual((post.status, post.headers["allow"]), (405, "GET, HEAD"))
        plain = gateway.request("/application/info", headers={"Accept": "application/json"})
        self.assertEqual(plain.headers["content-type"], "application/json")
        self.assertIn(plain.json["relay"]["kind"], ("native", "portable"))

    def test_what_is_not_there(self) -> None:
        """Any other path is 404 with a numbered message; a ws path without an upgrade is 426."""
        gateway = self.gateway_here
        missing = gateway.request("/nothing/here")
        self.assertEqual(missing.status, 404)
        self.assertEqual(missing.json["messages"][0]["messageNumber"], "ZWEAM104E")
        plain = gateway.request("/discoverableclient/ws/v1/echo")
        self.assertEqual((plain.status, plain.headers["upgrade"]), (426, "websocket"))

    def test_sessions_on_the_command_line(self) -> None:
        """``apiml-ws sessions`` prints a table of the open sessions."""
        gateway = self.gateway_here
        command = [str(Path(sys.executable).with_name("apiml-ws")), "sessions"]
        command += ["--url", f"https://localhost:{gateway.port}", "--ca", self.authorities]
        command += ["--user", "ada", "--password-env", "SECRET"]
        with gateway.session(PATH) as session:
            session.send("x")
            session.recv(timeout=TIMEOUT)
            listing = self.start(command, {"SECRET": "secret"})
            self.assertEqual(listing.exit_status(), 0)
        self.assertIn(gateway.uri(PATH), listing.log)
        self.assertEqual(self.start(command, {"SECRET": "guess"}).exit_status(), 1)
