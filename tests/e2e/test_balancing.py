"""Which instance gets a session, as the metadata of its service says."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from websockets.sync.client import ClientConnection
from websockets.sync.server import ServerConnection

from tests.e2e.harness import EndToEnd, Gateway
from tests.e2e.processes import eventually
from tests.e2e.services import TIMEOUT, basic, close_of

PATH = "/discoverableclient/ws/v1/echo"


def named(name: str) -> Any:
    """A conversation that begins with a name."""

    def talk(session: ServerConnection) -> None:
        session.send(name)
        for _ in session:
            pass

    return talk


class Balancing(EndToEnd):
    """Two instances of one service."""

    def shared(self, kind: str) -> Gateway:
        """A gateway that knows both, and that ``kind`` is how they share."""
        self.services = {name: self.service({"echo": named(name)}) for name in ("one", "two")}
        urls = [service.url for service in self.services.values()]
        folder = self.define("discoverableclient", *urls, metadata={"apiml": {"lb": {"type": kind}}})
        static = {"apiml": {"discovery": {"staticApiDefinitionsDirectories": folder}}}
        gateway = self.gateway(static, secure=False)
        gateway.wait_until_up()
        return gateway

    def stay(self, gateway: Gateway, **headers: str) -> tuple[str, ClientConnection]:
        """Who answers, and a session that goes on."""
        session = gateway.session(PATH, headers=headers)
        return str(session.recv(timeout=TIMEOUT)), session

    def ask(self, gateway: Gateway, **headers: str) -> str:
        """Who answers."""
        name, session = self.stay(gateway, **headers)
        with session:
            return name

    def test_in_turn(self) -> None:
        """Where nothing is asked for that is known, the next session goes to the next instance; the log says so once."""
        gateway = self.shared("wheel")
        answers = [self.ask(gateway) for _ in range(4)]
        self.assertIn(answers, (["one", "two"] * 2, ["two", "one"] * 2))
        gateway.process.wait_for("apiml.lb.type 'wheel' is unknown")
        self.assertEqual(gateway.process.log.count("'wheel'"), 1)

    def test_named_instance(self) -> None:
        """The instance that X-InstanceId names, whatever the case; 1012 if there is none of that name."""
        gateway = self.shared("headerRequest")
        for name, service in self.services.items():
            wanted = f"static-127.0.0.1:discoverableclient:{service.port}"
            self.assertEqual({self.ask(gateway, **{"X-InstanceId": wanted}) for _ in range(3)}, {name})
        self.assertEqual({self.ask(gateway) for _ in range(2)}, {"one", "two"})
        with gateway.session(PATH, headers={"X-InstanceId": "nobody"}) as session:
            reason = "Requested service discoverableclient does not have available instance"
            self.assertEqual(close_of(session), (1012, reason))

    def test_users(self) -> None:
        """A user's sessions are at one instance, the next user's at the other; no name and no password is in the log."""
        gateway = self.shared("authentication")
        homes = [
            {self.ask(gateway, **basic(user, "s3cret")) for _ in range(3)}
            for user in ("ibmuser", "zosadmin", "IBMUSER")
        ]
        self.assertEqual(homes[0], homes[2])
        self.assertEqual(homes[0] | homes[1], {"one", "two"})
        for secret in ("ibmuser", "zosadmin", "s3cret"):
            self.assertNotIn(secret, gateway.process.log.lower())

    def test_fewest_sessions(self) -> None:
        """After the sessions of one instance ended, the next ones go there."""
        gateway = self.shared("leastSessions")
        with ExitStack() as open_ones:
            places: dict[str, list[ClientConnection]] = {"one": [], "two": []}
            for _ in range(6):
                name, session = self.stay(gateway)
                places[name].append(open_ones.enter_context(session))
            self.assertEqual([len(each) for each in places.values()], [3, 3])
            for session in places["two"]:
                session.close()
            eventually(lambda: self.open_sessions(gateway) == 3)
            again = [self.stay(gateway) for _ in range(3)]
            for _, session in again:
                open_ones.enter_context(session)
            self.assertEqual([name for name, _ in again], ["two"] * 3)

    def open_sessions(self, gateway: Gateway) -> int:
        """What health says."""
        count: int = gateway.request("/application/health").json["components"]["gateway"]["details"]["openSessions"]
        return count
