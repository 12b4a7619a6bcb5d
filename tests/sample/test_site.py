"""The sample service over HTTP and WebSocket, in memory."""

from __future__ import annotations

import json

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from txaio import tx

from apiml_ws.sample.sessions import CLOSE_TIMEOUT, Sessions
from apiml_ws.sample.site import sample_site
from tests.sample.doubles_connection import Caller, Collector, Link, basic, caller


class SampleTestCase(SynchronousTestCase):
    """A service on a clock of the test's own; nothing is left on it at the end."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.patch(tx.config, "loop", self.clock)
        self.sessions = Sessions(self.clock)  # type: ignore[arg-type]  # the part of a reactor that is needed
        self.site = sample_site(self.sessions, {"build": {"name": "discoverableclient"}}, self.clock)

    def ask(self, path: str, *fields: str, credentials: str | None = None) -> tuple[bytes, bytes]:
        """Status line with header, and body, of the answer to a GET."""
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *fields]
        if credentials is not None:
            lines.append(f"Authorization: {basic(credentials)}")
        client = Collector("\r\n".join([*lines, "", ""]).encode())
        Link(self.site, client)
        head, _, body = client.received.partition(b"\r\n\r\n")
        return head, body


class HttpTests(SampleTestCase):
    """What is not WebSocket."""

    def test_health_and_info_are_open(self) -> None:
        """Registries and people look at them without credentials."""
        head, body = self.ask("/discoverableclient/application/health")
        self.assertIn(b"200 OK", head)
        self.assertIn(b"application/json", head)
        self.assertEqual(json.loads(body), {"status": "UP"})
        _, body = self.ask("/discoverableclient/application/info")
        self.assertEqual(json.loads(body), {"build": {"name": "discoverableclient"}})

    def test_requests_are_not_logged(self) -> None:
        """Who runs it beside a gateway has that one's line for each session."""
        with capturedLogs() as events:
            self.ask("/discoverableclient/application/health")
        self.assertEqual(events, [])

    def test_other_paths_are_not_found(self) -> None:
        """Below ``/ws`` too, for those who may look."""
        for path in (
            "/",
            "/discoverableclient",
            "/ws/uppercase",
            "/discoverableclient/bad",
            "/discoverableclient/application/env",
        ):
            self.assertIn(b" 404 ", self.ask(path)[0])
        for path in ("/discoverableclient/ws/bad", "/discoverableclient/ws/uppercase/more", "/discoverableclient/ws"):
            self.assertIn(b" 404 ", self.ask(path, credentials="user:pass")[0], path)

    def test_all_below_ws_asks_for_credentials(self) -> None:
        """Wrong ones are as good as none, and whether the path is there is not told."""
        for path in ("uppercase", "bad", ""):
            for credentials in (None, "user:invalidPass"):
                head, _ = self.ask(f"/discoverableclient/ws/{path}", credentials=credentials)
                self.assertIn(b" 401 ", head)
                self.assertIn(b"WWW-Authenticate: Basic", head)

    def test_a_request_that_is_no_upgrade_is_told_so(self) -> None:
        """426 (RFC 9110 section 15.5.22)."""
        head, _ = self.ask("/discoverableclient/ws/uppercase", credentials="user:pass")
        self.assertIn(b" 426 ", head)
        self.assertIn(b"Upgrade: websocket", head)


class SessionTests(SampleTestCase):
    """WebSocket sessions."""

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.sessions), 0)

    def connect(self, client: Caller) -> Link:
        return Link(self.site, client)

    def talk(self, client: Caller, *messages: bytes, binary: bool = False) -> Caller:
        """Say ``messages``, then close; the client, with what it heard."""
        link = self.connect(client)
        for message in messages:
            client.sendMessage(message, binary)
        link.flush()
        client.sendClose(1000)
        link.flush()
        return client

    def test_uppercase_answers(self) -> None:
        """The first case of the reference system's tests."""
        client = self.talk(caller(self.clock, "uppercase"), b"hello world!")
        self.assertEqual(client.messages, [(b"HELLO WORLD!", False)])

    def test_header_answers_with_the_handshake(self) -> None:
        """What the gateway passed on can be read there, values of one name apart."""
        headers: dict[str, str | list[str]] = {"X-Test": "value", "Cookie": "apimlAuthenticationToken=tokenValue"}
        client = self.talk(caller(self.clock, "header", headers=headers), b"gimme those headers")
        text = client.messages[0][0].decode()
        self.assertIn('x-test:"value"', text)
        self.assertIn("apimlAuthenticationToken=tokenValue", text)
        self.assertTrue(text.startswith("[") and text.endswith("]"))

    def test_large_headers_are_taken(self) -> None:
        """As much as the gateway takes from its clients."""
        headers: dict[str, str | list[str]] = {f"X-Test-{number}": "v" * 12000 for number in range(4)}
        client = self.talk(caller(self.clock, "header", headers=headers), b"x")
        self.assertIn('x-test-3:"vvv', client.messages[0][0].decode())

    def test_echo_answers_binary(self) -> None:
        """Every byte, and a message longer than any buffer."""
        data = bytes(range(256)) * 1024
        self.assertEqual(self.talk(caller(self.clock, "echo"), data, binary=True).messages, [(data, True)])

    def test_bye_is_answered_and_ends_the_session(self) -> None:
        """With 1000 and no reason."""
        client = caller(self.clock, "uppercase")
        link = self.connect(client)
        client.sendMessage(b"bye")
        link.flush()
        self.assertEqual((client.messages, client.closed), ([(b"BYE", False)], (1000, None)))

    def test_the_first_subprotocol_is_agreed_to(self) -> None:
        """Whatever it is; none when none is offered."""
        client = self.talk(caller(self.clock, "echo", protocols=["v12.stomp", "v11.stomp"]))
        self.assertEqual(client.subprotocol, "v12.stomp")
        self.assertIsNone(self.talk(caller(self.clock, "echo")).subprotocol)

    def test_wrong_credentials_open_nothing(self) -> None:
        """The handshake is answered with 401."""
        client = caller(self.clock, "uppercase", credentials="user:invalidPass")
        self.connect(client)
        self.assertIn("401", client.wasNotCleanReason)

    def test_the_end_closes_every_session(self) -> None:
        """With 1001; it is over when all are gone."""
        clients = [caller(self.clock, "echo"), caller(self.clock, "uppercase")]
        links = [self.connect(client) for client in clients]
        self.assertEqual(len(self.sessions), 2)
        ended = self.sessions.end()
        links[0].flush()
        self.assertNoResult(ended)
        links[1].flush()
        self.successResultOf(ended)
        self.assertEqual([client.closed for client in clients], [(1001, "Service is shutting down")] * 2)

    def test_the_end_does_not_wait_for_a_client_that_is_silent(self) -> None:
        """Longer than the closing handshake may take."""
        link = self.connect(caller(self.clock, "echo"))
        ended: Deferred[None] = self.sessions.end()
        self.clock.advance(CLOSE_TIMEOUT)
        link.flush()
        self.successResultOf(ended)

    def test_the_end_without_sessions_is_at_once(self) -> None:
        """Nothing to wait for."""
        self.successResultOf(self.sessions.end())
