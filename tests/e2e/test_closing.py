"""The close code table, with real peers."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from queue import Queue
from typing import Any

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close
from websockets.http11 import Response
from websockets.sync.server import ServerConnection

from tests.e2e.harness import EndToEnd, Gateway
from tests.e2e.processes import eventually
from tests.e2e.raw import PING, PONG, TEXT, RawClient, frame
from tests.e2e.registries import Registry, applications, instance
from tests.e2e.services import TIMEOUT, Service, close_of, echo

PATH = "/discoverableclient/ws/v1/echo"


class Ends:
    """A conversation that echoes and notes how its sessions end, as the service sees it."""

    def __init__(self) -> None:
        self._closes: Queue[Close | None] = Queue()

    def __call__(self, session: ServerConnection) -> None:
        """Echo until the end."""
        try:
            while True:
                session.send(session.recv())
        except ConnectionClosed as closed:
            self._closes.put(closed.rcvd)

    def next(self) -> tuple[int, str] | None:
        """Code and reason of the next end; None when there was no close frame."""
        close = self._closes.get(timeout=TIMEOUT)
        return (close.code, close.reason) if close else None


def closing(code: int, reason: str) -> Any:
    """A conversation that closes at the first message."""

    def talk(session: ServerConnection) -> None:
        session.recv()
        session.close(code, reason)

    return talk


def dying(session: ServerConnection) -> None:
    """A conversation whose service is gone at the first message."""
    session.recv()
    session.socket.shutdown(socket.SHUT_RDWR)


def open_sessions(gateway: Gateway) -> int:
    """How many the gateway counts."""
    count: int = gateway.request("/application/health").json["components"]["gateway"]["details"]["openSessions"]
    return count


class Closing(EndToEnd):
    """Who sees what, and why."""

    def gateway_for(self, service: Service, **web_socket: Any) -> Gateway:
        """A gateway without TLS, with these settings under server.webSocket."""
        return self.gateway_to(service, settings={"server": {"webSocket": web_socket}}, secure=False)

    # Before a session is open

    def test_no_instance(self) -> None:
        """A service of which no instance is UP is 1012 by name."""
        registry = Registry(applications(instance("http://127.0.0.1:9", status="OUT_OF_SERVICE")))
        self.addCleanup(registry.end)
        gateway = self.gateway({"apiml": {"service": {"discoveryServiceUrls": registry.url}}}, secure=False)
        gateway.wait_until_up()
        with gateway.session(PATH) as session:
            expected = (1012, "Requested service discoverableclient does not have available instance")
            self.assertEqual(close_of(session), expected)

    def test_http_answers(self) -> None:
        """5xx of a service is 1011, any other answer 1003, each with the URL without its query and the status."""
        service = self.service({"echo": echo})
        for status in (500, 503, 302, 403):
            path = f"/discoverableclient/ws/{status}"
            service.answers[path] = Response(status, "No", Headers({"Content-Length": "0"}))
        gateway = self.gateway_for(service)
        for status, code in {500: 1011, 503: 1011, 302: 1003, 403: 1003}.items():
            with gateway.session(f"/discoverableclient/ws/v1/{status}?secret=1") as session:
                url = f"ws://127.0.0.1:{service.port}/discoverableclient/ws/{status}"
                expected = (code, f"Error opening session to WebSocket service at {url}: HTTP {status}")
                self.assertEqual(close_of(session), expected)

    def test_nobody_listens(self) -> None:
        """A service that is not there is 1003 with a word for it, after three attempts a second apart."""
        service = self.service({"echo": echo})
        gateway = self.gateway_for(service)
        service.end()
        with gateway.session(PATH) as session:
            url = f"ws://127.0.0.1:{service.port}/discoverableclient/ws/echo"
            expected = (1003, f"Error opening session to WebSocket service at {url}: connection refused")
            self.assertEqual(close_of(session), expected)

    def test_a_service_that_never_answers(self) -> None:
        """A service that takes the connection and says nothing is 1003 after connectTimeout, with the word timeout."""
        mute = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(mute.close)
        folder = self.define("discoverableclient", f"http://127.0.0.1:{mute.getsockname()[1]}")
        settings = {
            "apiml": {"discovery": {"staticApiDefinitionsDirectories": folder}},
            "server": {"webSocket": {"connectTimeout": 300}},
        }
        gateway = self.gateway(settings, secure=False)
        gateway.wait_until_up()
        with gateway.session(PATH) as session:
            code, reason = close_of(session)
            self.assertEqual(code, 1003)
            self.assertTrue(reason.endswith(": timeout"), reason)

    # Once it is open

    def test_closes_pass_as_they_are(self) -> None:
        """A close of either end reaches the other with its code and reason."""
        ends = Ends()
        service = self.service({"echo": ends, "close": closing(4000, "Closed by user")})
        gateway = self.gateway_for(service)
        with gateway.session(PATH) as session:
            session.send("x")
            session.recv(timeout=TIMEOUT)
            session.close(3999, "going")
        self.assertEqual(ends.next(), (3999, "going"))
        with gateway.session("/discoverableclient/ws/v1/close") as session:
            session.send("x")
            self.assertEqual(close_of(session), (4000, "Closed by user"))

    def test_a_lost_service(self) -> None:
        """A service that is gone without a close, whose session may not move, is 1011."""
        service = self.service({"die": dying})
        gateway = self.gateway_for(service, propagation="never")
        with gateway.session("/discoverableclient/ws/v1/die") as session:
            session.send("x")
            self.assertEqual(close_of(session), (1011, "Connection to the service was lost"))

    def test_a_lost_client(self) -> None:
        """The service of a client that is gone without a close gets 1001."""
        ends = Ends()
        gateway = self.gateway_for(self.service({"echo": ends}))
        client = RawClient(gateway.port, PATH)
        client.send(frame(TEXT, b"x"))
        client.frame()
        client.vanish()
        self.assertEqual(ends.next(), (1001, "Client connection was lost"))

    def test_idle(self) -> None:
        """A session without a frame for maxIdleTimeout is closed by 1000 on both sides."""
        ends = Ends()
        gateway = self.gateway_for(self.service({"echo": ends}), maxIdleTimeout=1000)
        with gateway.session(PATH, ping_interval=None) as session:
            session.send("x")
            session.recv(timeout=TIMEOUT)
            self.assertEqual(close_of(session), (1000, "Idle timeout"))
        self.assertEqual(ends.next(), (1000, "Idle timeout"))

    def test_a_client_that_takes_nothing(self) -> None:
        """A client that takes not a byte for asyncWriteTimeout is dropped, and its service gets 1001."""
        closes: Queue[Close | None] = Queue()

        def pouring(session: ServerConnection) -> None:
            session.recv()
            try:
                while True:
                    session.send(b"x" * 2**20)
            except ConnectionClosed as closed:
                closes.put(closed.rcvd)

        gateway = self.gateway_for(self.service({"echo": pouring}), asyncWriteTimeout=1000)
        client = RawClient(gateway.port, PATH)
        self.addCleanup(client.vanish)
        client.send(frame(TEXT, b"go"))
        close = closes.get(timeout=TIMEOUT)
        self.assertEqual(close and (close.code, close.reason), (1001, "Client is not reading"))

    def test_a_service_that_takes_nothing(self) -> None:
        """The client of a service that takes not a byte for asyncWriteTimeout gets 1013."""
        held = threading.Event()
        service = self.service({"echo": lambda _session: held.wait(TIMEOUT)}, max_queue=1, close_timeout=1)
        self.addCleanup(held.set)
        gateway = self.gateway_for(service, asyncWriteTimeout=3000)
        client = RawClient(gateway.port, PATH)
        self.addCleanup(client.close)
        client.socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while True:
                client.send(frame(TEXT, b"x" * 2**16))
        client.socket.settimeout(TIMEOUT)
        self.assertEqual(client.close_frame(), (1013, "Service is not reading"))

    def test_limits(self) -> None:
        """What is over a limit is 1009 to its sender, and the service is told that its client went away."""
        for key in ("maxMessageSize", "maxFrameSize"):
            ends = Ends()
            gateway = self.gateway_for(self.service({"echo": ends}), **{key: 1000})
            with gateway.session(PATH) as session:
                session.send("x" * 1000)
                self.assertEqual(session.recv(timeout=TIMEOUT), "x" * 1000)
                session.send("x" * 1001)
                code, reason = close_of(session)
                self.assertEqual(code, 1009, reason)
            self.assertEqual(ends.next(), (1001, "Client connection was lost"))

    def test_a_service_over_a_limit(self) -> None:
        """A service that sends too much gets 1009, and its client 1011."""
        received: list[Close | None] = []

        def talkative(session: ServerConnection) -> None:
            session.recv()
            try:
                session.send(b"x" * 1001)
                session.recv()
            except ConnectionClosed as closed:
                received.append(closed.rcvd)

        gateway = self.gateway_for(self.service({"echo": talkative}), maxMessageSize=1000)
        with gateway.session(PATH) as session:
            session.send("x")
            self.assertEqual(close_of(session), (1011, "Connection to the service was lost"))
        close = eventually(lambda: received)
        self.assertEqual(received[0] and received[0].code, 1009, close)

    def test_illegal_frames(self) -> None:
        """A client's illegal frame is 1002, and its service hears that the client is gone."""
        illegal = {
            "unmasked": frame(TEXT, b"x", mask=None),
            "reserved bit": frame(TEXT, b"x", reserved=4),
            "reserved opcode": frame(3, b"x"),
            "fragmented ping": frame(PING, b"x", fin=False),
            "long ping": frame(PING, b"x" * 126),
            "continuation of nothing": frame(0, b"x"),
            "text in a text": frame(TEXT, b"x", fin=False) + frame(TEXT, b"x"),
            "over-long length": b"\x81\xfe\x00\x01\0\0\0\0x",
            "close of one byte": frame(8, b"x"),
            "close with 1005": frame(8, b"\x03\xed"),
        }
        ends = Ends()
        gateway = self.gateway_for(self.service({"echo": ends}))
        for name, data in illegal.items():
            client = RawClient(gateway.port, PATH)
            client.send(frame(TEXT, b"open"))
            client.frame()
            client.send(data)
            code, reason = client.close_frame()
            self.assertEqual(code, 1002, f"{name}: {reason}")
            client.close()
            self.assertEqual(ends.next(), (1001, "Client connection was lost"), name)

    def test_pings_go_end_to_end(self) -> None:
        """A ping is answered by the service, not by the gateway."""
        pongs: list[Any] = []

        def pinging(session: ServerConnection) -> None:
            pongs.append(session.ping(b"from the service").wait(TIMEOUT))
            session.send(session.recv())

        gateway = self.gateway_for(self.service({"echo": pinging}))
        client = RawClient(gateway.port, PATH)
        self.addCleanup(client.close)
        first, payload = client.frame()
        self.assertEqual((first & 0x0F, payload), (PING, b"from the service"))
        client.send(frame(PONG, payload) + frame(PING, b"from the client"))
        first, payload = client.frame()
        self.assertEqual((first & 0x0F, payload), (PONG, b"from the client"))
        eventually(lambda: pongs == [True])

    # At the end

    def test_stopping(self) -> None:
        """SIGTERM and SIGINT close every session by 1001 on both sides, and the process ends with status 0."""
        for number in (signal.SIGTERM, signal.SIGINT):
            ends = Ends()
            gateway = self.gateway_for(self.service({"echo": ends}))
            with gateway.session(PATH) as session:
                session.send("x")
                session.recv(timeout=TIMEOUT)
                gateway.process.send(number)
                self.assertEqual(close_of(session), (1001, "Gateway is shutting down"))
            self.assertEqual(ends.next(), (1001, "Gateway is shutting down"))
            self.assertEqual(gateway.process.exit_status(), 0)

    def test_while_stopping(self) -> None:
        """While sessions are closed the port stays open: handshakes get 503 with Retry-After, and health is DOWN."""
        gateway = self.gateway_for(self.service({"echo": echo}), closeTimeout=3000)
        client = RawClient(gateway.port, PATH)
        self.addCleanup(client.close)
        client.send(frame(TEXT, b"x"))
        client.frame()
        gateway.process.send(signal.SIGTERM)
        self.assertEqual(client.close_frame(), (1001, "Gateway is shutting down"))
        late = RawClient(gateway.port, PATH)
        self.addCleanup(late.close)
        self.assertEqual(late.status, 503)
        self.assertIn("retry-after:", late.head.lower())
        self.assertEqual(gateway.request("/application/health").json["status"], "DOWN")
        self.assertEqual(gateway.process.exit_status(), 0)

    def test_signals_that_end_nothing(self) -> None:
        """SIGHUP, SIGUSR1, SIGUSR2 and SIGPIPE leave the gateway and its sessions as they are."""
        gateway = self.gateway_for(self.service({"echo": echo}))
        with gateway.session(PATH) as session:
            for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
                gateway.process.send(number)
                session.send("still there?")
                self.assertEqual(session.recv(timeout=TIMEOUT), "still there?", number)
        self.assertEqual(gateway.process.stop(), 0)

    def test_nothing_is_left(self) -> None:
        """After sessions of every kind ended the gateway counts none, and stops at once."""
        gateway = self.gateway_for(self.service({"echo": echo, "close": closing(4001, "")}))
        for path in (PATH, "/discoverableclient/ws/v1/close", "/discoverableclient/ws/v1/nothing", "/nobody/ws/v1/x"):
            with gateway.session(path) as session:
                try:
                    session.send("x")
                    session.recv(timeout=TIMEOUT)
                except ConnectionClosed:
                    continue
        eventually(lambda: open_sessions(gateway) == 0)
        self.assertEqual(gateway.process.stop(), 0)
