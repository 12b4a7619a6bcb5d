"""One instance kept registered, against scripted servers and the embedded registry."""

from __future__ import annotations

import json

from treq.testing import StubTreq
from twisted.internet.error import ConnectError
from twisted.logger import LogLevel, capturedLogs
from twisted.web.resource import Resource

from apiml_ws.discovery.calls import Calls
from apiml_ws.discovery.embedded_resource import RegistryResource
from apiml_ws.discovery.entry import Within
from apiml_ws.discovery.lease import LeaseKeeper
from apiml_ws.discovery.leases import Leases
from tests.discovery.doubles_lease_case import CANCEL, REGISTER, RENEW, UNDO, LeaseTestCase
from tests.discovery.doubles_registrations import registration
from tests.discovery.doubles_web import BrokenClient, Scripted, ScriptedRegistry


class KeepingTests(LeaseTestCase):
    """What it asks of a server."""

    def test_life_of_a_lease(self) -> None:
        """It registers at once, renews at its interval with the timestamp it registered with, and cancels at the stop."""
        registry = ScriptedRegistry(Scripted(204), Scripted(200))
        keeper = self.started(registry.client)
        self.assertTrue(keeper.registered)
        self.clock.pump([30, 29])
        self.stop(keeper)
        self.assertEqual(registry.lines, [REGISTER, UNDO, RENEW, CANCEL])
        self.assertFalse(keeper.registered)

    def test_what_it_registers(self) -> None:
        """The body is an instance as Eureka wants it: ports with their switches, class of the data centre, timestamp."""
        registry = ScriptedRegistry(Scripted(204))
        self.stop(self.started(registry.client))
        asked = registry.asked[0]
        self.assertEqual(asked.headers["content-type"], "application/json")
        instance = json.loads(asked.body)["instance"]
        self.assertEqual(instance["app"], "SVC")
        self.assertEqual(instance["securePort"], {"$": 9101, "@enabled": "true"})
        self.assertEqual(instance["port"], {"$": 9101, "@enabled": "false"})
        self.assertEqual(instance["lastDirtyTimestamp"], "5000")
        self.assertEqual(instance["leaseInfo"], {"renewalIntervalInSecs": 30, "durationInSecs": 90})
        self.assertIn("@class", instance["dataCenterInfo"])

    def test_forgotten(self) -> None:
        """404 to a renewal, whatever its body, means to register again at once."""
        registry = ScriptedRegistry(Scripted(204), Scripted(200), Scripted(404, b'{"status":404}'), Scripted(204))
        keeper = self.started(registry.client)
        self.clock.advance(30)
        self.assertEqual(registry.lines, [REGISTER, UNDO, RENEW, REGISTER])
        self.assertTrue(keeper.registered)
        self.stop(keeper)

    def test_against_the_embedded_registry(self) -> None:
        """The embedded registry takes, keeps and lets go the instance."""
        leases = Leases(self.clock.seconds, lambda: 1)
        root = Resource()
        root.putChild(b"eureka", RegistryResource(leases))
        keeper = self.started(StubTreq(root))
        self.assertEqual([each.key for each in leases], ["localhost:svc:9101"])
        leases.cancel("SVC", "localhost:svc:9101")
        self.clock.advance(30)
        self.assertEqual(len(tuple(leases)), 1)
        self.clock.advance(30)
        self.stop(keeper)
        self.assertEqual(tuple(leases), ())

    def test_within_the_process(self) -> None:
        """The registry of the own process is asked without a network, with the same rules."""
        leases = Leases(self.clock.seconds, lambda: 1)
        keeper = LeaseKeeper(registration(), ["embedded:"], Within(leases), self.clock, lambda: 5000, lambda: 0.0)
        keeper.startService()
        self.assertEqual([each.key for each in leases], ["localhost:svc:9101"])
        leases.cancel("SVC", "localhost:svc:9101")
        self.clock.advance(30)
        self.assertEqual(len(tuple(leases)), 1)
        self.stop(keeper)
        self.assertEqual(tuple(leases), ())


class TroubleTests(LeaseTestCase):
    """When servers fail."""

    def test_next_server(self) -> None:
        """Who fails is passed over; another one that does not know the instance is registered with."""
        registry = ScriptedRegistry(by_host={"one": Scripted(503), "two": Scripted(204)})
        keeper = self.started(registry.client, "http://one/eureka/", "http://two/eureka/")
        self.assertEqual([asked.host for asked in registry.asked], ["one", "two", "two"])
        registry.by_host = {"two": Scripted(503), "one": Scripted(200)}
        self.clock.advance(30)
        self.assertEqual([asked.host for asked in registry.asked][3:], ["two", "one"])
        self.stop(keeper)
        self.assertEqual(registry.asked[-1].host, "one")

    def test_all_servers_down(self) -> None:
        """With nobody to register with it tries again, after 1 s, 2 s and so on, at most after its interval."""
        client = BrokenClient(lambda: ConnectError("refused"))
        keeper = self.started(client)
        self.assertEqual((client.requests, keeper.registered), (1, False))
        for number, pause in enumerate((1, 2, 4, 8, 16, 30, 30)):
            self.clock.advance(pause - 0.1)
            self.assertEqual(client.requests, number + 1, pause)
            self.clock.advance(0.1)
            self.assertEqual(client.requests, number + 2, pause)
        self.stop(keeper)

    def test_refused(self) -> None:
        """400 is final: no other server is asked, nothing is tried again, and the log says so."""
        registry = ScriptedRegistry(Scripted(400))
        with capturedLogs() as events:
            keeper = self.started(registry.client, "http://one/eureka/", "http://two/eureka/")
            self.clock.advance(100)
        self.assertEqual(registry.lines, [REGISTER])
        self.assertIn(LogLevel.error, [event["log_level"] for event in events])
        self.stop(keeper)

    def test_logged_once_per_change_of_state(self) -> None:
        """The log names the server that has the registration, and troubles when they begin."""
        registry = ScriptedRegistry(Scripted(204), Scripted(200), Scripted(503), Scripted(503), Scripted(200))
        with capturedLogs() as events:
            keeper = self.started(registry.client)
            self.clock.pump([30, 1, 2])
            self.stop(keeper)
        levels = [event["log_level"] for event in events if "instance" in event]
        self.assertEqual(levels, [LogLevel.info, LogLevel.warn, LogLevel.info])

    def test_mistake_of_our_own_does_not_end_it(self) -> None:
        """An error that nobody thought of is logged, and the next attempt comes."""
        keeper = self.started(ScriptedRegistry(Scripted(204)).client)
        self.patch(keeper, "_turn_once", lambda _: 1 / 0)
        self.clock.advance(30)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.stop(keeper)


class StoppingTests(LeaseTestCase):
    """At the stop."""

    def test_before_it_was_started(self) -> None:
        """Nothing is cancelled that was never registered."""
        registry = ScriptedRegistry(Scripted(204))
        keeper = LeaseKeeper(registration(), ["http://one/"], Calls(registry.client, self.clock), self.clock, lambda: 1)
        self.successResultOf(keeper.stopService())
        self.assertEqual(registry.asked, [])

    def test_a_turn_passes_before_it_is_over(self) -> None:
        """What follows the stop does not run while the answer is still being read."""
        keeper = self.started(ScriptedRegistry(Scripted(204)).client)
        stopped = keeper.stopService()
        self.assertNoResult(stopped)
        self.clock.advance(0)
        self.successResultOf(stopped)

    def test_server_that_does_not_answer(self) -> None:
        """A cancel is waited for 5 s."""
        registry = ScriptedRegistry(Scripted(204), Scripted(200), Scripted(hang=True))
        keeper = self.started(registry.client)
        stopped = keeper.stopService()
        self.clock.advance(4)
        self.assertNoResult(stopped)
        with capturedLogs() as events:
            self.clock.pump([1, 0])
        self.successResultOf(stopped)
        self.assertEqual([event["log_level"] for event in events], [LogLevel.warn])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_during_the_registration(self) -> None:
        """A registration whose answer did not come is cancelled too, since the server may have it."""
        registry = ScriptedRegistry(Scripted(hang=True), Scripted(404))
        keeper = self.started(registry.client)
        with capturedLogs() as events:
            self.stop(keeper)
        self.assertEqual(registry.lines, [REGISTER, CANCEL])
        self.assertEqual([event for event in events if event["log_level"] is LogLevel.warn], [])

    def test_start_again(self) -> None:
        """A keeper that was stopped registers anew when it is started."""
        registry = ScriptedRegistry(Scripted(204))
        keeper = self.started(registry.client)
        self.stop(keeper)
        keeper.startService()
        self.assertEqual(registry.lines, [REGISTER, UNDO, CANCEL, REGISTER, UNDO])
        self.stop(keeper)

    def test_next_server_cancels(self) -> None:
        """When the server that has the registration fails, another one is asked to cancel it."""
        registry = ScriptedRegistry(Scripted(200))
        keeper = self.started(registry.client, "http://one/eureka/", "http://two/eureka/")
        registry.by_host["one"] = Scripted(503)
        self.stop(keeper)
        self.assertEqual([asked.host for asked in registry.asked[-2:]], ["one", "two"])
