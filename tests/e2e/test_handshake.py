"""What clients and services see of each other's handshakes, in both modes."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response
from websockets.sync.server import ServerConnection
from websockets.typing import Subprotocol

from tests.e2e.harness import EndToEnd, Gateway
from tests.e2e.raw import TEXT, RawClient, frame
from tests.e2e.services import TIMEOUT, VALID, Service, close_of, echo, header

PATH = "/discoverableclient/ws/v1/header"
STOMP = [Subprotocol("v11.stomp"), Subprotocol("v12.stomp")]


def resource(session: ServerConnection) -> None:
    """A conversation that says what was asked for."""
    assert session.request is not None
    session.recv()
    session.send(session.request.path)


class ClientFirst(EndToEnd):
    """The client is answered before its service is dialled."""

    def through(self, service: Service, **settings: Any) -> Gateway:
        """A gateway without TLS to ``service``; ``settings`` are those of server.webSocket."""
        return self.gateway_to(service, settings={"server": {"webSocket": settings}}, secure=False)

    def told(self, gateway: Gateway, headers: dict[str, str]) -> str:
        """What the service says of a handshake."""
        with gateway.session(PATH, headers=headers) as session:
            session.send("?")
            return str(session.recv(timeout=TIMEOUT))

    def test_headers(self) -> None:
        """Headers pass, values of one name kept apart; those that a client may not set are removed or made anew."""
        gateway = self.through(self.service({"header": header}))
        forged = {
            "X-Certificate-Public": "forged",
            "X-Certificate-DistinguishedName": "forged",
            "X-Certificate-CommonName": "forged",
            "X-Forwarded-For": "forged",
            "X-Forwarded-Host": "forged",
            "X-Forwarded-Proto": "forged",
        }
        text = self.told(gateway, {**VALID, **forged, "X-Kept": "yes"})
        self.assertIn('x-kept:"yes"', text)
        self.assertNotIn("forged", text)
        self.assertIn('x-forwarded-for:"127.0.0.1"', text)
        self.assertIn(f'x-forwarded-host:"localhost:{gateway.port}"', text)
        self.assertIn('x-forwarded-proto:"http"', text)
        self.assertIn('x-forwarded-prefix:"', text)
        self.assertIn('host:"127.0.0.1:', text)

    def test_large_headers(self) -> None:
        """A handshake of nearly 48,000 bytes passes; a larger one is 431, and the answer arrives."""
        gateway = self.through(self.service({"header": header}, max_size=None))
        many = {f"X-{number}": "v" * 7000 for number in range(6)}
        self.assertIn("x-5", self.told(gateway, {**VALID, **many}))
        client = RawClient(gateway.port, PATH, headers={f"X-{number}": "v" * 7000 for number in range(9)})
        self.addCleanup(client.close)
        self.assertEqual(client.status, 431)

    def test_path_and_query_as_they_came(self) -> None:
        """The path and the query reach the service as they were written, in both forms of the URL."""
        service = self.service({"a%20b/c;d=1": resource})
        gateway = self.through(service)
        for path in ("/ws/v1/discoverableclient/a%20b/c;d=1", "/DiscoverableClient/ws/v1/a%20b/c;d=1"):
            # By hand: Autobahn, if it was imported, makes Python's parser of URLs cut parameters off the paths of ws URLs.
            client = RawClient(gateway.port, f"{path}?q=%2F&r=/x?y")
            self.addCleanup(client.close)
            client.send(frame(TEXT, b"?"))
            expected = b"/discoverableclient/ws/a%20b/c;d=1?q=%2F&r=/x?y"
            self.assertEqual(client.frame()[1], expected)

    def test_unsafe_paths(self) -> None:
        """Dot segments and control characters, encoded or not, are 400 before anything is dialled."""
        service = self.service({"header": header})
        gateway = self.through(service)
        for rest in ("../x", "%2e%2e/x", "a/./b", "a%00b", "a%0d%0ab"):
            client = RawClient(gateway.port, f"/discoverableclient/ws/v1/{rest}")
            self.assertEqual(client.status, 400, rest)
            client.close()
        self.assertEqual(service.sessions, [])

    def test_other_paths(self) -> None:
        """An upgrade on a path that is none of the gateway's is 404."""
        gateway = self.through(self.service({"header": header}))
        for path in ("/", "/x", "/discoverableclient/api/v1/ws", "/application/health"):
            client = RawClient(gateway.port, path)
            self.assertNotEqual(client.status, 101, path)
            client.close()

    def test_origin(self) -> None:
        """The gateway's own origin and none are let in, any other is 403; the service sees its own address as the origin."""
        gateway = self.through(self.service({"header": header}))
        text = self.told(gateway, {**VALID, "Origin": f"http://localhost:{gateway.port}"})
        self.assertIn('origin:"http://127.0.0.1:', text)
        self.assertNotIn("origin:", self.told(gateway, VALID))
        client = RawClient(gateway.port, PATH, headers={"Origin": "https://elsewhere.example"})
        self.addCleanup(client.close)
        self.assertEqual(client.status, 403)

    def test_subprotocols(self) -> None:
        """The first that the client offers and the configuration supports is chosen, and the service is offered just that."""
        service = self.service({"header": header}, subprotocols=STOMP)
        gateway = self.through(service)
        offered = [Subprotocol("mine"), Subprotocol("v11.stomp"), Subprotocol("v12.stomp")]
        with gateway.session(PATH, subprotocols=offered) as session:
            self.assertEqual(session.subprotocol, "v11.stomp")
            session.send("?")
            self.assertIn('sec-websocket-protocol:"v11.stomp"', session.recv(timeout=TIMEOUT))

    def test_a_service_that_is_no_websocket_service(self) -> None:
        """A 101 with a wrong accept, and what is not HTTP, are bad handshakes."""
        fields = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: wrong", "", "")
        wrong = "\r\n".join(("HTTP/1.1 101 Switching Protocols", *fields)).encode()
        for answer in (wrong, b"SSH-2.0-OpenSSH\r\n"):
            gateway = self.to_port(self.saying(answer))
            with gateway.session(PATH) as session:
                code, reason = close_of(session)
                self.assertEqual((code, reason.rpartition(": ")[2]), (1003, "bad handshake"))

    def saying(self, answer: bytes) -> int:
        """The port of a service that says ``answer`` to whatever comes."""
        listening = socket.create_server(("127.0.0.1", 0))

        def talk() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(ConnectionResetError):
                    connection.recv(65536)
                    connection.sendall(answer)
                    connection.recv(65536)

        self.addCleanup(listening.close)
        self.in_thread(talk)
        self.addCleanup(listening.shutdown, socket.SHUT_RDWR)
        return int(listening.getsockname()[1])

    def to_port(self, port: int) -> Gateway:
        """A gateway whose service is at that port."""
        folder = self.define("discoverableclient", f"http://127.0.0.1:{port}")
        settings = {"apiml": {"discovery": {"staticApiDefinitionsDirectories": folder}}}
        gateway = self.gateway(settings, secure=False)
        gateway.wait_until_up()
        return gateway


class BackendFirst(EndToEnd):
    """The service is dialled before the client is answered."""

    def through(self, service: Service) -> Gateway:
        """A gateway without TLS to ``service``."""
        settings = {"server": {"webSocket": {"handshake": "backend-first"}}}
        return self.gateway_to(service, settings=settings, secure=False)

    def refusal(self, gateway: Gateway, path: str) -> Response:
        """The HTTP answer to a handshake that is refused."""
        error = self.assertRaises(InvalidStatus, gateway.session, path)
        response: Response = error.response
        return response

    def test_the_choices_of_the_service(self) -> None:
        """Subprotocol, compression and headers of the service's answer are the client's."""
        cookie = lambda _session, _request, response: response.headers.update({"Set-Cookie": "a=b"})  # noqa: E731
        service = self.service(
            {"echo": echo}, subprotocols=[Subprotocol("mine")], compression="deflate", process_response=cookie
        )
        gateway = self.through(service)
        offered = [Subprotocol("other"), Subprotocol("mine")]
        path = "/discoverableclient/ws/v1/echo"
        with gateway.session(path, subprotocols=offered, compression="deflate") as session:
            self.assertEqual(session.subprotocol, "mine")
            assert session.response is not None
            self.assertEqual(session.response.headers["Set-Cookie"], "a=b")
            self.assertIn("permessage-deflate", session.response.headers["Sec-WebSocket-Extensions"])
            session.send("x" * 10000)
            self.assertEqual(session.recv(timeout=TIMEOUT), "x" * 10000)

    def test_refusals(self) -> None:
        """Unknown routes are 404, a service's own answer passes with its body, a service that is gone is 502."""
        service = self.service({"echo": echo})
        own = Response(418, "Teapot", Headers({"Content-Length": "5", "X-Own": "yes"}), b"short")
        service.answers["/discoverableclient/ws/tea"] = own
        gateway = self.through(service)
        for path in ("/ws/wrong", "/nobody/ws/v1/x", "/discoverableclient/ws/v9/x"):
            self.assertEqual(self.refusal(gateway, path).status_code, 404, path)
        tea = self.refusal(gateway, "/discoverableclient/ws/v1/tea")
        self.assertEqual((tea.status_code, tea.body, tea.headers["X-Own"]), (418, b"short", "yes"))
        service.end()
        self.assertEqual(self.refusal(gateway, "/discoverableclient/ws/v1/echo").status_code, 502)
