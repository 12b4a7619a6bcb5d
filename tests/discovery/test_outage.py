"""A registry that is away for ten minutes, by the clock: a gateway, its sessions, services, and how all find back."""

from __future__ import annotations

from typing import cast

from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError
from twisted.web.iweb import IResponse
from twisted.web.resource import Resource

from apiml_ws.core.config import Drain
from apiml_ws.core.registry import Status
from apiml_ws.core.settings import SessionSettings
from apiml_ws.discovery.calls import Calls, HttpClient
from apiml_ws.discovery.embedded_resource import RegistryResource
from apiml_ws.discovery.eureka import EurekaClient
from apiml_ws.discovery.lease import LeaseKeeper
from apiml_ws.discovery.leases import Leases
from apiml_ws.discovery.registration import LeaseInfo
from tests.core.doubles_session import SOURCE
from tests.core.doubles_sessions_case import SessionsTestCase
from tests.discovery.doubles_registrations import registration
from tests.discovery.doubles_web import BrokenClient, Scripted, ScriptedRegistry

#: A mistake would close sessions.
CLOSING = SessionSettings(drain=Drain.CLOSE)
#: Seconds that the registry is away.
OUTAGE = 600
URLS = ("http://registry/eureka/",)


class Address:
    """What stands at the registry's address."""

    def __init__(self) -> None:
        self.behind: HttpClient = BrokenClient(lambda: ConnectError("refused"))

    def request(self, method: str, url: str, **options: object) -> Deferred[IResponse]:
        """Ask whoever that is now."""
        return self.behind.request(method, url, **options)


class OutageTests(SessionsTestCase):
    """Two instances with a session each, a gateway, and a registry, with Eureka's intervals."""

    def setUp(self) -> None:
        """All is well."""
        super().setUp()
        self.clock, self.directory = self.world.clock, self.world.directory
        self.address = Address()
        self.restart()
        calls = Calls(cast(HttpClient, self.address), self.clock)
        self.client = EurekaClient(URLS, calls, self.clock, self.directory, SOURCE, own="gateway", random=lambda: 0.5)
        self.keepers = [self.keeper(calls, *names) for names in (("a", "SAMPLE"), ("b", "SAMPLE"), ("gw", "GATEWAY"))]
        # Nobody renews at the same moment as another, and the registry is read in between.
        first, *others = self.keepers
        for each in (first, self.client, *others):
            each.startService()
            self.clock.pump([1.0] * 9)
        self.addCleanup(self.clock.advance, 0)
        for each in (*self.keepers, self.client):
            self.addCleanup(each.stopService)
        self.clock.pump([1.0] * 60)
        self.relays = [self.start(number, name, CLOSING) for number, name in enumerate("ab")]
        self.pass_time(50)
        self.assertEqual(self.known(), "abgw")

    def keeper(self, calls: Calls, instance_id: str, app: str) -> LeaseKeeper:
        """What keeps an instance registered."""
        said = registration(instance_id, app, lease=LeaseInfo(renewal_interval=30, duration=90))
        return LeaseKeeper(
            said,
            URLS,
            calls,
            self.clock,
            lambda: int(self.clock.seconds() * 1000) + 1,
            lambda: 0.5 if app == "SAMPLE" else 1.0,
        )

    def restart(self) -> None:
        """A registry without a memory is at the address."""
        self.leases = Leases(self.clock.seconds, lambda: int(self.clock.seconds() * 1000))
        root = Resource()
        root.putChild(b"eureka", RegistryResource(self.leases))
        self.address.behind = cast(HttpClient, StubTreq(root))

    def pass_time(self, seconds: int) -> None:
        """Second by second; no session is closed in any of them, and the instances stay known."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.leases.expire()
            self.assertEqual([relay.taken() for relay in self.relays], [[], []])
            self.assertLessEqual({"a", "b"}, set(self.instances()))

    def instances(self) -> dict[str, Status]:
        """All that the gateway knows."""
        return {
            one.instance_id: one.status for each in self.directory.snapshot.services.values() for one in each.instances
        }

    def known(self) -> str:
        """The ids of those."""
        return "".join(sorted(self.instances()))

    def assert_well(self) -> None:
        """The registry is read again, and believed: who leaves is gone."""
        self.assertEqual({each.key for each in self.leases}, {"a", "b", "gw"})
        self.assertEqual(self.known(), "abgw")
        self.assertLessEqual(self.directory.age(SOURCE) or 0, 30)
        self.leases.register(registration("c", "OTHER", lease=LeaseInfo(duration=900)))
        self.pass_time(31)
        self.assertEqual(self.known(), "abcgw")
        self.leases.cancel("OTHER", "c")
        self.pass_time(31)
        self.assertEqual(self.known(), "abgw")

    def test_down(self) -> None:
        """A registry that is down, and comes back with what it knew, by then expired."""
        there = self.address.behind
        self.address.behind = BrokenClient(lambda: ConnectError("refused"))
        self.pass_time(OUTAGE)
        self.assertGreater(self.directory.age(SOURCE) or 0, OUTAGE - 30)
        self.address.behind = there
        self.pass_time(90)
        self.assert_well()

    def test_restarted_empty(self) -> None:
        """A registry that comes back without a memory: the gateway and the services register again by themselves."""
        self.address.behind = BrokenClient(lambda: ConnectError("refused"))
        self.pass_time(OUTAGE)
        self.restart()
        self.pass_time(90)
        self.assert_well()

    def test_restarted_at_once(self) -> None:
        """A restart that nobody saw, since it took no time, costs nothing either."""
        self.restart()
        self.pass_time(90)
        self.assert_well()

    def test_restarted_with_other_data(self) -> None:
        """A registry that comes back with other services: they are known at once, and ours are not forgotten."""
        self.address.behind = BrokenClient(lambda: ConnectError("refused"))
        self.pass_time(OUTAGE)
        self.restart()
        self.leases.register(registration("x", "STRANGE", lease=LeaseInfo(duration=900)))
        self.pass_time(31)
        self.assertIn("x", self.instances())
        self.pass_time(60)
        self.leases.cancel("STRANGE", "x")
        self.pass_time(31)
        self.assert_well()

    def test_nonsense(self) -> None:
        """Answers that are none, errors, and none at all in turn, for ten minutes."""
        there = self.address.behind
        nonsense = (Scripted(body=b"<html>"), Scripted(503), Scripted(body=b'{"applications":{}}'), Scripted(hang=True))
        for each in nonsense:
            self.address.behind = ScriptedRegistry(each).client
            self.pass_time(OUTAGE // len(nonsense))
        self.address.behind = there
        self.pass_time(90)
        self.assert_well()
