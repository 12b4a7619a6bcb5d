"""Sessions that go on at another instance when theirs is lost."""

from __future__ import annotations

import socket
from typing import Any

from websockets.sync.client import ClientConnection
from websockets.sync.server import ServerConnection
from websockets.typing import Subprotocol

from tests.e2e.harness import EndToEnd, Gateway
from tests.e2e.processes import eventually
from tests.e2e.services import TIMEOUT, Service, close_of

PATH = "/discoverableclient/ws/v1/echo"


def named(name: str) -> Any:
    """A conversation that answers with its name, and is gone without a word at ``die``, or says a close code."""

    def talk(session: ServerConnection) -> None:
        while True:
            message = session.recv(decode=True)
            if message == "die":
                session.socket.shutdown(socket.SHUT_RDWR)
                return
            if message.isdigit():
                session.close(int(message), "as told")
                return
            session.send(f"{name} {message!s}")

    return talk


class Moving(EndToEnd):
    """Two instances of one service."""

    def setUp(self) -> None:
        """Both, with different names."""
        super().setUp()
        self.services = {name: self.service({"echo": named(name)}) for name in ("one", "two")}

    def through(self, **settings: Any) -> Gateway:
        """A gateway that knows both; ``settings`` are those of server.webSocket."""
        web_socket = {"propagationTimeout": 2000, **settings}
        return self.gateway_to(*self.services.values(), settings={"server": {"webSocket": web_socket}}, secure=False)

    def ask(self, session: ClientConnection, message: str = "hello") -> str:
        """Who answers."""
        session.send(message)
        name, _, rest = str(session.recv(timeout=TIMEOUT)).partition(" ")
        self.assertEqual(rest, message)
        return name

    def other(self, name: str) -> Service:
        """The instance that is not ``name``."""
        return self.services["two" if name == "one" else "one"]

    def details(self, gateway: Gateway) -> Any:
        """What health says of sessions."""
        return gateway.request("/application/health").json["components"]["gateway"]["details"]

    def wait_for_move(self, gateway: Gateway, count: int) -> None:
        """Until there were so many: what is sent before may still reach the instance that goes."""
        eventually(lambda: self.details(gateway)["moves"] == count)

    def test_a_lost_instance(self) -> None:
        """A session whose instance is lost goes on at the other one, and back, without its client noticing."""
        gateway = self.through()
        with gateway.session(PATH) as session:
            first = self.ask(session)
            session.send("die")
            self.wait_for_move(gateway, 1)
            self.assertNotEqual(self.ask(session), first)
            session.send("die")
            self.wait_for_move(gateway, 2)
            self.assertEqual(self.ask(session), first)
            self.assertEqual(
                self.details(gateway), {"openSessions": 1, "moves": 2, "movesInProgress": 0, "movesFailed": 0}
            )

    def test_an_instance_that_says_it_goes(self) -> None:
        """Closes by 1001 and 1012 are a reason to move; any other passes to the client."""
        gateway = self.through()
        with gateway.session(PATH) as session:
            for count, code in enumerate(("1001", "1012"), 1):
                before = self.ask(session)
                session.send(code)
                self.wait_for_move(gateway, count)
                self.assertNotEqual(self.ask(session), before)
            session.send("1000")
            self.assertEqual(close_of(session), (1000, "as told"))

    def test_nobody_is_left(self) -> None:
        """When no instance takes the session in time it ends by 1012."""
        gateway = self.through()
        with gateway.session(PATH) as session:
            self.other(self.ask(session)).crash()
            for service in self.services.values():
                if service.sessions:
                    service.crash()
            self.assertEqual(close_of(session), (1012, "Session could not be moved"))

    def test_a_subprotocol(self) -> None:
        """Under ``auto`` a session with a subprotocol, whose state the gateway cannot know, does not move."""
        for service in self.services.values():
            service.end()
        stomp = Subprotocol("v12.stomp")
        self.services = {name: self.service({"echo": named(name)}, subprotocols=[stomp]) for name in self.services}
        gateway = self.through()
        with gateway.session(PATH, subprotocols=[stomp]) as session:
            self.ask(session)
            session.send("die")
            self.assertEqual(close_of(session), (1011, "Connection to the service was lost"))
