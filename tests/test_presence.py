"""The gateway's place in registries."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config import Config, TlsConfig
from apiml_ws.core.directory import Directory
from apiml_ws.core.registry import EMPTY, Status
from apiml_ws.discovery.registration import Registration
from apiml_ws.presence import RESOLVE_TIMEOUT, Presence


class Keeper:
    """Records what is asked of it; ``withdrawn`` and ``left`` fire when the test says so."""

    def __init__(self, said: Registration) -> None:
        self.said = said
        self.log: list[object] = []
        self.withdrawn: Deferred[None] = Deferred()
        self.left: Deferred[None] = Deferred()

    def startService(self) -> None:
        self.log.append("start")

    def say(self, status: Status) -> None:
        self.log.append(status)

    def withdraw(self) -> Deferred[None]:
        self.log.append("withdraw")
        return self.withdrawn

    def stopService(self) -> Deferred[None]:
        self.log.append("stop")
        return self.left


class PresenceTests(SynchronousTestCase):
    """A gateway with two registries."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.directory = Directory(["eureka"], self.clock.seconds)
        self.keepers: list[Keeper] = []
        self.address: Deferred[str] = succeed("192.0.2.7")
        self.asked: list[str] = []
        self.presence = self.present(Config(hostname="gw.example", tls=TlsConfig(enabled=False)))

    def present(self, config: Config) -> Presence:
        """A presence that is not announced."""
        return Presence(config, self.directory, self.keep, self.resolve, self.clock)

    def keep(self, said: Registration) -> list[Keeper]:
        self.keepers = [Keeper(said), Keeper(said)]
        return self.keepers

    def resolve(self, host: str) -> Deferred[str]:
        self.asked.append(host)
        return self.address

    def test_starting_until_routes_are_known(self) -> None:
        """It registers with the port that is open, as STARTING, and as UP once a source was read."""
        self.presence.announce(4711)
        for keeper in self.keepers:
            self.assertEqual(keeper.said.instance_id, "gw.example:gateway:4711")
            self.assertEqual((keeper.said.status, keeper.said.ip_addr), (Status.STARTING, "192.0.2.7"))
        self.directory.update("eureka", EMPTY)
        self.assertEqual([keeper.log for keeper in self.keepers], [["start", Status.UP]] * 2)

    def test_up_from_the_start(self) -> None:
        """With routes known it begins as UP."""
        self.directory.update("eureka", EMPTY)
        self.presence.announce(4711)
        self.assertEqual(self.keepers[0].said.status, Status.UP)

    def test_own_address(self) -> None:
        """A gateway on one address is registered with that; any other asks what its host name stands for."""
        for address, asked, known in (
            ("198.51.100.1", [], "198.51.100.1"),
            ("0.0.0.0", ["gw.example"], "192.0.2.7"),
            ("::", ["gw.example"], "192.0.2.7"),
            ("localhost", ["gw.example"], "192.0.2.7"),
        ):
            self.asked.clear()
            self.present(Config(hostname="gw.example", address=address)).announce(1)
            self.assertEqual((self.asked, self.keepers[0].said.ip_addr), (asked, known), address)

    def test_address_that_nobody_knows(self) -> None:
        """A host name that stands for nothing, or is not found out in time, costs a line of log."""
        self.address = Deferred()
        with capturedLogs() as events:
            self.presence.announce(4711)
            self.assertEqual(self.keepers, [])
            self.clock.advance(RESOLVE_TIMEOUT)
            self.assertEqual(self.keepers[0].said.ip_addr, "127.0.0.1")
        self.assertEqual([event["host"] for event in events], ["gw.example"])

    def test_stop(self) -> None:
        """All registries hear that it is out of service, and later that it is gone; each is waited for."""
        self.presence.announce(4711)
        withdrawn = self.presence.withdraw()
        self.assertEqual(self.keepers[1].log, ["start", "withdraw"])
        self.keepers[0].withdrawn.callback(None)
        self.assertNoResult(withdrawn)
        self.keepers[1].withdrawn.callback(None)
        self.successResultOf(withdrawn)
        left = self.presence.leave()
        for keeper in self.keepers:
            self.assertEqual(keeper.log, ["start", "withdraw", "stop"])
            self.assertNoResult(left)
            keeper.left.callback(None)
        self.successResultOf(left)
        self.successResultOf(self.presence.leave())

    def test_ready_while_stopping(self) -> None:
        """A gateway that is withdrawn is not UP again because a source was read at last."""
        self.presence.announce(4711)
        self.presence.withdraw()
        self.directory.update("eureka", EMPTY)
        self.assertEqual(self.keepers[0].log, ["start", "withdraw"])

    def test_stop_before_the_address_is_known(self) -> None:
        """It is not registered any more."""
        self.address = Deferred()
        self.presence.announce(4711)
        self.successResultOf(self.presence.withdraw())
        self.successResultOf(self.presence.leave())
        self.clock.advance(RESOLVE_TIMEOUT)
        self.assertEqual((self.keepers, self.clock.getDelayedCalls()), ([], []))

    def test_stop_without_a_start(self) -> None:
        """Nothing is waited for."""
        self.successResultOf(self.presence.withdraw())
        self.successResultOf(self.presence.leave())

    def test_nowhere_to_register(self) -> None:
        """With no registries there is nothing to keep."""
        presence = Presence(Config(), self.directory, lambda _: (), self.resolve, self.clock)
        presence.announce(1)
        self.directory.update("eureka", EMPTY)
        self.successResultOf(presence.withdraw())
