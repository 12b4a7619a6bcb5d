"""The registry client over HTTP in memory, against scripted answers and against the embedded registry."""

from __future__ import annotations

import gzip

from treq.testing import StubTreq
from twisted.internet.error import ConnectError
from twisted.logger import LogLevel, capturedLogs
from twisted.web.resource import Resource

from apiml_ws.core.registry import Status
from apiml_ws.discovery.embedded_resource import RegistryResource
from apiml_ws.discovery.leases import Leases
from tests.discovery.doubles_eureka_case import ONE, TWO, EurekaTestCase
from tests.discovery.doubles_registrations import applications_json, instance_json, registration, without
from tests.discovery.doubles_web import BrokenClient, Scripted, ScriptedRegistry


class PollingTests(EurekaTestCase):
    """When it asks, and how."""

    def test_asks_at_the_start_and_at_the_interval(self) -> None:
        """The registry is asked for JSON at once and every 30 s."""
        registry = ScriptedRegistry(Scripted(body=ONE))
        self.started(registry.client)
        self.assertEqual(registry.lines, ["GET /eureka/apps"])
        self.assertEqual(registry.asked[0].headers["accept"], "application/json")
        self.assertEqual(registry.asked[0].headers["accept-encoding"], "gzip")
        self.clock.advance(29)
        self.assertEqual(len(registry.asked), 1)
        self.clock.advance(1)
        self.assertEqual(len(registry.asked), 2)

    def test_credentials_of_the_url(self) -> None:
        """Credentials in a URL are sent by HTTP Basic, decoded, and are not part of the target."""
        registry = ScriptedRegistry(Scripted(body=ONE))
        self.started(registry.client, "http://eureka:p%40ss@one/eureka/")
        self.assertEqual(registry.asked[0].headers["authorization"], "Basic ZXVyZWthOnBAc3M=")

    def test_one_fetch_at_a_time(self) -> None:
        """A fetch that takes longer than the interval is waited for; the next begins an interval after it ended."""
        registry = ScriptedRegistry(Scripted(hang=True), Scripted(body=ONE))
        self.started(registry.client)
        client_calls = len(registry.asked)
        self.clock.advance(9)
        self.assertEqual(len(registry.asked), client_calls)
        registry.finish_hanging(ONE)
        self.clock.advance(29)
        self.assertEqual(len(registry.asked), client_calls)
        self.clock.advance(1)
        self.assertEqual(len(registry.asked), client_calls + 1)

    def test_fetch_now(self) -> None:
        """A fetch that is asked for begins at once, and the interval is counted anew."""
        registry = ScriptedRegistry(Scripted(body=ONE), Scripted(body=TWO))
        client = self.started(registry.client)
        self.clock.advance(20)
        self.successResultOf(client.fetch_now())
        self.assertEqual(len(self.ids()), 2)
        self.clock.advance(29)
        self.assertEqual(len(registry.asked), 2)

    def test_fetch_now_while_one_is_under_way(self) -> None:
        """One that is under way may be too old: a second follows it, one for all who asked."""
        registry = ScriptedRegistry(Scripted(hang=True), Scripted(body=TWO))
        client = self.started(registry.client)
        first, second = client.fetch_now(), client.fetch_now()
        self.clock.advance(1)
        self.assertNoResult(first)
        registry.finish_hanging(ONE)
        self.successResultOf(first)
        self.successResultOf(second)
        self.assertEqual((len(registry.asked), len(self.ids())), (2, 2))

    def test_fetch_now_again_and_again(self) -> None:
        """However often a fetch is asked for, there is one a second."""
        registry = ScriptedRegistry(Scripted(body=ONE))
        client = self.started(registry.client)
        waiting = [client.fetch_now() for _ in range(5)]
        self.clock.advance(0.9)
        waiting.append(client.fetch_now())
        self.assertEqual((len(registry.asked), waiting[0].called), (1, False))
        self.clock.advance(0.1)
        for each in waiting:
            self.successResultOf(each)
        self.assertEqual(len(registry.asked), 2)

    def test_fetch_now_that_fails(self) -> None:
        """Who asked is told when the fetch is over, though it failed."""
        client = self.started(ScriptedRegistry(Scripted(503)).client)
        asked = client.fetch_now()
        self.clock.advance(1)
        self.successResultOf(asked)

    def test_after_failures(self) -> None:
        """The next attempt comes after 1 s, then after twice as long each time, at most after the interval."""
        registry = ScriptedRegistry(*[Scripted(503)] * 8, Scripted(body=ONE), Scripted(503))
        self.started(registry.client)
        for number, pause in enumerate((1, 2, 4, 8, 16, 30, 30, 30, 30, 1)):
            self.clock.advance(pause - 0.1)
            self.assertEqual(len(registry.asked), number + 1, pause)
            self.clock.advance(0.1)
            self.assertEqual(len(registry.asked), number + 2, pause)

    def test_fetch_now_when_stopped(self) -> None:
        """A client that does not run fetches nothing, and says so at once."""
        registry = ScriptedRegistry(Scripted(body=ONE))
        self.successResultOf(self.client(registry.client).fetch_now())
        self.assertEqual(registry.asked, [])

    def test_stop_while_fetching(self) -> None:
        """A stop gives up what is under way and answers who waits for it."""
        registry = ScriptedRegistry(Scripted(hang=True))
        client = self.started(registry.client)
        asked = client.fetch_now()
        stopped = client.stopService()
        assert stopped is not None
        self.successResultOf(stopped)
        self.successResultOf(asked)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_by_one_who_waited(self) -> None:
        """Who waited for a fetch may stop the client when it is told."""
        client = self.started(ScriptedRegistry(Scripted(body=ONE)).client)
        stopped = client.fetch_now().addCallback(lambda _: client.stopService())
        self.clock.advance(1)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_start_again(self) -> None:
        """A client that was stopped can be started again."""
        registry = ScriptedRegistry(Scripted(body=ONE))
        client = self.started(registry.client)
        client.stopService()
        client.startService()
        self.assertEqual(len(registry.asked), 2)


class ApplyingTests(EurekaTestCase):
    """What becomes of answers."""

    def test_services_with_their_routes(self) -> None:
        """An instance is dialled at its host and secure port, and the service has its routes."""
        self.started(ScriptedRegistry(Scripted(body=ONE)).client)
        service = self.directory.snapshot.services["svc"]
        self.assertEqual(service.instances[0].address, "wss://localhost:9101")
        self.assertEqual(service.routes["ws/v1"].service_url, "/svc/ws")

    def test_service_that_is_missing_is_gone(self) -> None:
        """What a later answer does not list is unknown again."""
        self.started(ScriptedRegistry(Scripted(body=TWO), Scripted(body=ONE)).client)
        self.clock.advance(30)
        self.assertEqual(self.ids(), ["localhost:svc:9101"])

    def test_bad_answers_change_nothing(self) -> None:
        """Whatever else a registry answers, what was read last stays, and the next good answer counts."""
        bad = (
            Scripted(500, ONE),
            Scripted(302, headers={"Location": "http://elsewhere/"}),
            Scripted(body=b"<html>"),
            Scripted(body=b"[]"),
            Scripted(body=b'{"applications": null}'),
            Scripted(body=b"[" * 100_000),
            Scripted(body=applications_json()),
            Scripted(body=applications_json(instance_json(hostName="no such\r\nhost"))),
            Scripted(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
            Scripted(body=b"x" * 100_001),
            Scripted(body=gzip.compress(b" " * 10_000_000), headers={"Content-Encoding": "gzip"}),
        )
        registry = ScriptedRegistry(Scripted(body=TWO), *bad, Scripted(body=ONE))
        self.started(registry.client)
        for number, _ in enumerate(bad):
            self.clock.advance(30)
            self.assertEqual((len(registry.asked), len(self.ids())), (number + 2, 2), bad[number])
        self.assertEqual(self.directory.age("eureka"), 30 * len(bad))
        self.clock.advance(30)
        self.assertEqual((len(self.ids()), self.directory.age("eureka")), (2, 0))
        self.clock.pump([30, 30, 30])
        self.assertEqual(len(self.ids()), 1)

    def test_usable_whatever_its_status(self) -> None:
        """An answer with instances of which none is UP is believed."""
        down = applications_json(instance_json(status="DOWN"))
        self.started(ScriptedRegistry(Scripted(body=ONE), Scripted(body=down)).client)
        self.clock.advance(30)
        self.assertEqual(self.directory.snapshot.services["svc"].instances[0].status, Status.DOWN)

    def test_empty_at_the_first_read(self) -> None:
        """A registry that lists nothing when it is read first was read, since there is nothing to lose."""
        self.started(ScriptedRegistry(Scripted(body=applications_json())).client)
        self.assertTrue(self.directory.ready)

    def test_nonsense_at_the_first_read(self) -> None:
        """A registry whose answer is none of Eureka's was not read."""
        self.started(ScriptedRegistry(Scripted(body=b"{}")).client)
        self.assertFalse(self.directory.ready)

    def test_gzip(self) -> None:
        """A compressed answer is inflated."""
        self.started(ScriptedRegistry(Scripted(body=gzip.compress(ONE), headers={"Content-Encoding": "gzip"})).client)
        self.assertEqual(len(self.ids()), 1)

    def test_against_the_embedded_registry(self) -> None:
        """What was registered with the embedded registry arrives whole."""
        leases = Leases(self.clock.seconds, lambda: 1)
        leases.register(registration(metadata={"a": "1"}))
        root = Resource()
        root.putChild(b"eureka", RegistryResource(leases))
        self.started(StubTreq(root))
        self.assertEqual(self.directory.snapshot.services["svc"].metadata, {"a": "1"})


class LoggingTests(EurekaTestCase):
    """What the log says."""

    def test_once_per_change_of_state(self) -> None:
        """A failure is logged when it begins and when it becomes another, not each time; so is the recovery."""
        with capturedLogs() as events:
            self.started(
                ScriptedRegistry(
                    Scripted(body=ONE),
                    Scripted(body=ONE),
                    Scripted(503),
                    Scripted(503),
                    Scripted(404),
                    Scripted(body=ONE),
                ).client
            )
            for _ in range(5):
                self.clock.advance(30)
        said = [(event["log_level"], event.get("server"), event.get("reason")) for event in events if "source" in event]
        self.assertEqual(
            said,
            [
                (LogLevel.info, "http://one/eureka/", None),
                (LogLevel.warn, None, "http://one/eureka/: HTTP 503"),
                (LogLevel.warn, None, "http://one/eureka/: HTTP 404"),
                (LogLevel.info, "http://one/eureka/", None),
            ],
        )

    def test_unreachable(self) -> None:
        """A connection that fails is logged by its cause, without credentials."""
        client = BrokenClient(lambda: ConnectError("refused"))
        with capturedLogs() as events:
            self.started(client, "http://eureka:secret@one/eureka/")
        (event,) = [event for event in events if "source" in event]
        self.assertIn("http://one/eureka/: ", event["reason"])
        self.assertNotIn("secret", str(event))

    def test_left_out_instances_are_named_once(self) -> None:
        """An instance that makes no sense is left out and named, not again with each answer."""
        bad = instance_json("bad", hostName="a b")
        headless = without(instance_json("headless"), "hostName")
        with capturedLogs() as events:
            self.started(ScriptedRegistry(Scripted(body=applications_json(instance_json(), bad, headless, 7))).client)
            self.clock.advance(30)
        left_out = [event["instance"] for event in events if "instance" in event]
        self.assertEqual(sorted(left_out), ["", "bad", "headless"])
        self.assertEqual(self.ids(), ["localhost:svc:9101"])

    def test_mistake_of_our_own_does_not_end_polling(self) -> None:
        """A fetch that fails for a reason that nobody thought of is logged, and the next one comes."""
        registry = ScriptedRegistry(Scripted(body=ONE), Scripted(body=TWO))
        self.directory.subscribe(lambda snapshot: self.fail("boom") if len(registry.asked) == 1 else None)
        self.started(registry.client)
        self.assertEqual(len(self.flushLoggedErrors(self.failureException)), 1)
        self.clock.advance(30)
        self.assertEqual(len(self.ids()), 2)
