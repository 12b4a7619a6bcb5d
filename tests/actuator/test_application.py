"""Tests of :mod:`apiml_ws.actuator.application`."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from twisted.internet.defer import Deferred, execute
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import IResource, Resource

from apiml_ws.actuator.access import DeferToThread
from apiml_ws.actuator.application import PENALTY, application_resource
from apiml_ws.actuator.passwords import PasswordFile
from apiml_ws.actuator.views import RelayChoice
from tests.actuator.doubles_http import Exchange, Response, SecureTransport
from tests.actuator.doubles_views import Directory, OpenSession, Sessions
from tests.actuator.test_access import Threads
from tests.actuator.test_passwords import hashed
from tests.certificates import leaf


def basic(name: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


class Application(SynchronousTestCase):
    """All of /application."""

    def setUp(self) -> None:
        """A gateway with one open session, and ada as its operator."""
        path = Path(self.mktemp())
        path.write_bytes(b"ada:" + hashed("secret"))
        self.passwords = PasswordFile(str(path))
        self.clock = Clock()
        self.sessions = Sessions(open=[OpenSession()])
        self.root = self.tree(self.passwords)

    def tree(self, passwords: PasswordFile | None, defer_to_thread: DeferToThread = execute) -> IResource:
        """The root of a site."""
        root = Resource()
        application = application_resource(
            sessions=self.sessions,
            directory=Directory(),
            relay=RelayChoice("portable", "as configured"),
            passwords=passwords,
            clock=self.clock,
            defer_to_thread=defer_to_thread,
        )
        root.putChild(b"application", application)
        return root

    def ask(self, path: str, method: str = "GET", transport: StringTransport | None = None, **headers: str) -> Response:
        """The answer to one request, after the penalty if there is one."""
        exchange = Exchange(self.root, path, method, transport, **headers)
        self.clock.advance(PENALTY)
        return exchange.response

    def test_open_documents(self) -> None:
        """Health and info need no credentials, and do not look at wrong ones."""
        for name in ("health", "info", "health/", "info?x=y"):
            self.assertEqual(self.ask(f"/application/{name}").status, 200, name)
            self.assertEqual(self.ask(f"/application/{name}", Authorization=basic("a", "b")).status, 200, name)

    def test_health_follows_the_sessions(self) -> None:
        """Health is that of the moment."""
        self.sessions.inviting = False
        self.assertEqual(self.ask("/application/health").status, 503)

    def test_everything_else_needs_credentials(self) -> None:
        """Without credentials all but health and info is 401, with the reference's message and a challenge."""
        for path in ("", "/", "/websockets", "/websockets/", "/nothing", "/shutdown/now"):
            response = self.ask(f"/application{path}")
            self.assertEqual(response.status, 401, path)
            self.assertEqual(response.headers["www-authenticate"], 'Basic realm="apiml-ws", charset="UTF-8"')
            self.assertIn(b"ZWEAG105E", response.body)
            self.assertIn(f"'/application{path}'".encode(), response.body)

    def test_no_credentials_are_answered_at_once(self) -> None:
        """Who says nothing guesses nothing."""
        self.assertTrue(Exchange(self.root, "/application/websockets").answered)

    def test_the_session_list(self) -> None:
        """An operator sees the open sessions."""
        response = self.ask("/application/websockets", Authorization=basic("ada", "secret"))
        self.assertEqual(response.status, 200)
        rows = response.json
        assert isinstance(rows, list)
        self.assertEqual(
            [list(row) for row in rows],
            [["sessionId", "clientAddress", "gatewayPath", "serviceUrl", "serviceSessionId"]],
        )

    def test_the_index(self) -> None:
        """An operator finds links to all there is."""
        for path in ("/application", "/application/"):
            response = self.ask(path, Authorization=basic("ada", "secret"))
            self.assertEqual(response.status, 200, path)
            index = response.json
            assert isinstance(index, dict)
            self.assertEqual(list(index["_links"]), ["self", "health", "info", "websockets"])

    def test_what_is_not_there(self) -> None:
        """An operator is told that a path does not exist."""
        response = self.ask("/application/nothing", Authorization=basic("ada", "secret"))
        self.assertEqual(response.status, 404)
        self.assertIn(b"'/application/nothing'", response.body)

    def test_head_and_other_methods(self) -> None:
        """HEAD works behind the guard, other methods are 405 for operators and 401 for others."""
        credentials = basic("ada", "secret")
        head = self.ask("/application/websockets", "HEAD", Authorization=credentials)
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(self.ask("/application/websockets", "DELETE", Authorization=credentials).status, 405)
        self.assertEqual(self.ask("/application/websockets", "DELETE").status, 401)

    def test_wrong_credentials_wait(self) -> None:
        """A wrong password is answered late, so that guessing is slow."""
        exchange = Exchange(self.root, "/application/websockets", Authorization=basic("ada", "wrong"))
        self.clock.advance(PENALTY * 0.9)
        self.assertFalse(exchange.answered)
        self.clock.advance(PENALTY * 0.1)
        self.assertEqual(exchange.response.status, 401)
        self.assertIn(b"ZWEAG120E", exchange.response.body)
        self.assertIn("www-authenticate", exchange.response.headers)

    def test_credentials_that_make_no_sense(self) -> None:
        """What is not NAME:PASSWORD in base 64 is wrong; another scheme is none."""
        for value, key in {"Basic !": b"ZWEAG120E", "basic YQ==": b"ZWEAG120E", "Bearer x": b"ZWEAG105E"}.items():
            response = self.ask("/application/websockets", Authorization=value)
            self.assertEqual(response.status, 401, value)
            self.assertIn(key, response.body)

    def test_nothing_configured(self) -> None:
        """With neither a password file nor a certificate nobody gets in."""
        self.root = self.tree(None)
        self.assertEqual(self.ask("/application/websockets").status, 401)
        response = self.ask("/application/websockets", Authorization=basic("ada", "secret"))
        self.assertEqual(response.status, 401)

    def test_a_certificate(self) -> None:
        """A client whose certificate TLS verified gets in, without a password file too; without one it does not."""
        self.root = self.tree(None)
        response = self.ask("/application/websockets", transport=SecureTransport(leaf()))
        self.assertEqual(response.status, 200)
        self.assertEqual(self.ask("/application/websockets", transport=SecureTransport(None)).status, 401)

    def test_a_client_that_goes_away(self) -> None:
        """A client that leaves while its password is checked, or while it waits for the refusal, leaves nothing behind."""
        threads = Threads()
        self.root = self.tree(self.passwords, threads)
        early = Exchange(self.root, "/application/websockets", Authorization=basic("ada", "secret"))
        early.channel.connectionLost(Failure(ConnectionLost()))
        threads.work()
        late = Exchange(self.root, "/application/websockets", Authorization=basic("ada", "wrong"))
        threads.work()
        late.channel.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertFalse(early.answered or late.answered)

    def test_our_own_faults(self) -> None:
        """When the check itself fails the client gets 500 without details, and the log gets them."""

        def broken(*_call: object) -> Deferred[bool]:
            raise RuntimeError("no threads left")

        self.root = self.tree(self.passwords, broken)
        response = self.ask("/application/websockets", Authorization=basic("ada", "secret"))
        self.assertEqual(response.status, 500)
        self.assertNotIn(b"threads", response.body)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
