"""Tests of what the gateway answers on its port, rule by rule."""

from __future__ import annotations

import json
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.static import Data

from apiml_ws.core.config import Handshake
from apiml_ws.core.interfaces import Headers
from tests.proxy.doubles_door import DoorGateway
from tests.proxy.doubles_handshake import FIELDS, PLAIN, Client, Gateway, fields, handshake, request, value

HOST = (b"Host", b"gateway")


class GatewayTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.proxy.gateway.GatewayResource`."""

    kind: type[Gateway] = Gateway

    def setUp(self) -> None:
        """A gateway with an actuator."""
        self.gateway = self.kind(actuator=Data(b"actuator", "text/plain"))

    def _get(self, path: bytes, *more: tuple[bytes, bytes]) -> Client:
        return self.gateway.ask(request(path, (HOST, *more)))

    def _message(self, client: Client) -> tuple[int, str]:
        head, body = client.answer
        return head.status, json.loads(body)["messages"][0]["messageNumber"]

    def test_gives_the_actuator_its_requests(self) -> None:
        """All below /application, and a client that offers HTTP/2 too."""
        for path in (b"/application", b"/application?x", b"/%61pplication"):
            self.assertEqual(self._get(path).answer[1], b"actuator", path)
        self.assertEqual(self._get(b"/application", (b"Upgrade", b"h2c")).answer[1], b"actuator")

    def test_gives_notices_to_who_takes_them(self) -> None:
        """All below /gateway that is no session; without anybody who takes notices it is unknown."""
        self.gateway = self.kind(notices=Data(b"noticed", "text/plain"))
        self.assertEqual(self._get(b"/gateway").answer[1], b"noticed")
        self.assertEqual(self._get(b"/gateway/ws/v1/x").status, 426)
        self.assertEqual(self.gateway.ask(handshake(b"/gateway")).status, 404)
        self.assertEqual(self._get(b"/application").status, 404)
        self.gateway = self.kind()
        self.assertEqual(self._get(b"/gateway").status, 404)

    def test_knows_nothing_else(self) -> None:
        """Other paths are 404 with the number of the reference, with an upgrade as without, and without an actuator."""
        for path in (b"/", b"//application", b"/x", b"/x/y/ws/z", b"/applications"):
            self.assertEqual(self._message(self._get(path)), (404, "ZWEAM104E"), path)
            self.assertEqual(self._message(self.gateway.ask(handshake(path))), (404, "ZWEAM104E"), path)
        self.assertEqual(self.gateway.ask(handshake(b"/application")).status, 404)
        self.gateway = self.kind()
        self.assertEqual(self._get(b"/application").status, 404)

    def test_refuses_unsafe_paths_everywhere(self) -> None:
        """Dot segments and control characters are 400 on every path, however they are asked for."""
        for path in (b"/..", b"/application/%2e%2e/x", b"/a/ws/v1/../b", b"/a/ws/v1/%00", b"/a/ws/v1/b#c"):
            self.assertEqual(self._message(self._get(path)), (400, "ZWEAO400E"), path)
            self.assertEqual(self.gateway.ask(handshake(path)).status, 400, path)
        self.assertEqual(self.gateway.entered, 0)

    def test_asks_for_a_host_everywhere(self) -> None:
        """HTTP/1.1 without one, or with two, is 400."""
        for headers in ((), (HOST, HOST)):
            for path in (b"/application", b"/x", b"/a/ws/v1/b"):
                self.assertEqual(self.gateway.ask(request(path, headers)).status, 400)
        self.assertEqual(self.gateway.ask(request(b"/application", (), version=b"HTTP/1.0")).status, 200)

    def test_asks_for_an_upgrade_on_a_session_path(self) -> None:
        """Plain HTTP gets 426 with Upgrade, on both forms of the URL and whatever the method."""
        for path in (b"/ws/v1/a/b", b"/a/ws/v1/b", b"/ws/wrong", b"/ws"):
            for method in (b"GET", b"POST", b"HEAD"):
                client = self.gateway.ask(request(path, (HOST,), method))
                head, _ = client.answer if method != b"HEAD" else (client.answers[0][0], b"")
                self.assertEqual((head.status, value(head.headers, b"upgrade")), (426, b"websocket"))
                self.assertEqual(value(head.headers, b"connection"), b"Upgrade, close")
                self.assertTrue(client.transport.half_closed)

    def test_refuses_handshakes_that_are_not_right(self) -> None:
        """The faults of the handshake have their statuses and end the connection; nothing is handed over or dialled."""
        rows: list[tuple[int, bytes, Headers, bytes]] = [
            (400, b"GET", fields(without=b"Connection"), b"HTTP/1.1"),
            (400, b"GET", fields(without=b"Sec-WebSocket-Key"), b"HTTP/1.1"),
            (400, b"GET", FIELDS, b"HTTP/1.0"),
            (405, b"POST", FIELDS, b"HTTP/1.1"),
            (426, b"GET", fields(without=b"Sec-WebSocket-Version"), b"HTTP/1.1"),
        ]
        for status, method, headers, version in rows:
            client = self.gateway.ask(request(b"/a/ws/v1/b", headers, method, version))
            self.assertEqual((client.status, client.transport.half_closed), (status, True))
        version_13 = self.gateway.ask(request(b"/a/ws/v1/b", fields(without=b"Sec-WebSocket-Version"))).answer[0]
        self.assertEqual(value(version_13.headers, b"sec-websocket-version"), b"13")
        self.assertEqual(self.gateway.entered, 0)

    def test_refuses_foreign_origins_before_anything_is_dialled(self) -> None:
        """403 in both handshakes, and whatever the path leads to."""
        for order in Handshake:
            gateway = self.kind(replace(PLAIN, web_socket=replace(PLAIN.web_socket, handshake=order)))
            client = gateway.ask(handshake(b"/a/ws/v1/b", (b"Origin", b"https://evil.test")))
            self.assertEqual(self._message(client), (403, "ZWEAT403E"))
            self.assertEqual((gateway.entered, gateway.sessions.searches), (0, []))
            gateway.ask(handshake(b"/a/ws/v1/b", (b"Origin", b"http://gateway:10010")))
            self.assertEqual(gateway.entered + len(gateway.sessions.searches), 1)

    def test_refuses_all_while_it_stops(self) -> None:
        """503 with Retry-After, in both handshakes; the actuator goes on."""
        for order in Handshake:
            gateway = self.kind(
                replace(PLAIN, web_socket=replace(PLAIN.web_socket, handshake=order, stop_timeout=29.5)),
                actuator=Data(b"actuator", "text/plain"),
            )
            gateway.sessions.accepting = False
            client = gateway.ask(handshake(b"/a/ws/v1/b"))
            self.assertEqual(self._message(client), (503, "ZWEAO503E"))
            self.assertEqual(value(client.answer[0].headers, b"retry-after"), b"30")
            self.assertEqual((gateway.entered, gateway.sessions.searches), (0, []))
            self.assertEqual(gateway.ask(request(b"/application", (HOST,))).status, 200)


class ThroughTheDoorTests(GatewayTests):
    """The same where handshakes may go straight to a session: no rule is passed by."""

    kind = DoorGateway
