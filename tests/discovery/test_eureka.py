"""The registry client over HTTP in memory, against scripted answers and against the embedded registry."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import cast

from treq.testing import StubTreq
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import ConnectError
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from apiml_ws.core.directory import Directory
from apiml_ws.core.registry import Status
from apiml_ws.discovery.backup import Backup
from apiml_ws.discovery.backup_file import read_backup, write_backup
from apiml_ws.discovery.calls import Calls, HttpClient
from apiml_ws.discovery.embedded_resource import RegistryResource
from apiml_ws.discovery.eureka import EurekaClient
from apiml_ws.discovery.leases import Leases
from tests.discovery.doubles_registrations import applications_json, instance_json, registration, without
from tests.discovery.doubles_web import BrokenClient, Scripted, ScriptedRegistry

ONE = applications_json(instance_json())
TWO = applications_json(instance_json(), instance_json("localhost:svc:9102"))


class EurekaTestCase(SynchronousTestCase):
    """A client with an interval of 30 s."""

    backup: Backup | None = None

    def setUp(self) -> None:
        """A clock that stands and a directory without services."""
        self.clock = Clock()
        self.directory = Directory(["eureka"], self.clock.seconds)

    def client(self, http: object, *urls: str, limit: int = 100_000) -> EurekaClient:
        """A client that is not started."""
        calls = Calls(cast(HttpClient, http), self.clock, timeout=10, limit=limit)
        servers = urls or ("http://one/eureka/",)
        return EurekaClient(
            servers,
            calls,
            self.clock,
            self.directory,
            interval=30,
            own="gateway",
            backup=self.backup,
            random=lambda: 0.0,
        )

    def started(self, http: object, *urls: str, limit: int = 100_000) -> EurekaClient:
        """A client that runs until the test ends and leaves nothing scheduled."""
        client = self.client(http, *urls, limit=limit)
        client.startService()
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))
        self.addCleanup(client.stopService)
        return client

    def ids(self) -> list[str]:
        """The instances that the directory has."""
        return [one.instance_id for each in self.directory.snapshot.services.values() for one in each.instances]


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


class FailoverTests(EurekaTestCase):
    """Several servers."""

    def setUp(self) -> None:
        """Three servers."""
        super().setUp()
        self.registry = ScriptedRegistry(
            by_host={"one": Scripted(503), "two": Scripted(body=applications_json()), "three": Scripted(body=ONE)}
        )
        self.urls = ("http://one/eureka/", "http://two/eureka/", "http://three/eureka/")

    def hosts(self) -> list[str]:
        """Who was asked."""
        return [asked.host for asked in self.registry.asked]

    def test_next_server_is_asked(self) -> None:
        """Who fails or lists nothing is passed over, and who answered is asked first the next time."""
        self.started(self.registry.client, *self.urls)
        self.assertEqual((self.hosts(), len(self.ids())), (["one", "two", "three"], 1))
        self.clock.advance(30)
        self.assertEqual(self.hosts()[3:], ["three"])

    def test_round_and_round(self) -> None:
        """When the preferred one fails, the others follow in their order."""
        self.started(self.registry.client, *self.urls)
        self.registry.by_host = {"three": Scripted(500), "one": Scripted(body=TWO)}
        self.clock.advance(30)
        self.assertEqual((self.hosts()[3:], len(self.ids())), (["three", "one"], 2))

    def test_hanging_server_is_given_up(self) -> None:
        """A server that does not answer within the timeout counts as one that failed; so does one that stops midway."""
        for scripted in (Scripted(hang=True), Scripted(body=b"{", unfinished=True)):
            self.registry.by_host["one"] = scripted
            client = self.started(self.registry.client, *self.urls)
            self.clock.advance(9)
            self.assertEqual(self.hosts(), ["one"])
            self.clock.advance(1)
            self.assertEqual(self.hosts(), ["one", "two", "three"])
            self.assertEqual(len(self.ids()), 1)
            client.stopService()
            self.registry.asked.clear()


class RecoveryTests(EurekaTestCase):
    """Registries that lost their memory, and gateways that never read one."""

    def setUp(self) -> None:
        """The backup of a former life."""
        super().setUp()
        self.path = Path(self.mktemp()).absolute()
        self.backup = Backup(self.path, self.clock.seconds, lambda: 1000.0 + self.clock.seconds(), maybeDeferred)
        self.kept = (registration("localhost:svc:9101"), registration("localhost:svc:9102"))

    def keep(self) -> None:
        """Two instances were known ten seconds ago."""
        write_backup(self.path, self.kept, 990)

    def test_gateways_do_not_count(self) -> None:
        """A registry to which only gateways have come back yet counts as empty."""
        gateway = instance_json("localhost:gateway:10010", "GATEWAY")
        alone = Scripted(body=applications_json(gateway))
        together = Scripted(body=applications_json(gateway, instance_json()))
        self.started(ScriptedRegistry(Scripted(body=ONE), alone, together).client)
        self.clock.advance(30)
        self.assertEqual((self.ids(), self.directory.age("eureka")), (["localhost:svc:9101"], 30))
        self.clock.advance(1)
        self.assertEqual(sorted(self.ids()), ["localhost:gateway:10010", "localhost:svc:9101"])

    def test_services_come_back_one_by_one(self) -> None:
        """After an empty answer, who is not listed yet is kept for the length of the own lease."""
        self.started(
            ScriptedRegistry(Scripted(body=TWO), Scripted(body=applications_json()), Scripted(body=ONE)).client
        )
        self.clock.pump([30, 1, 30, 30])
        self.assertEqual(len(self.ids()), 2)
        self.clock.advance(30)
        self.assertEqual(self.ids(), ["localhost:svc:9101"])

    def test_deltas(self) -> None:
        """What changed is fetched, and applied."""
        registry = ScriptedRegistry(Scripted(body=ONE))
        registry.deltas = [
            Scripted(body=applications_json(instance_json("localhost:svc:9102"), apps__hashcode="UP_2_")),
            Scripted(body=applications_json(instance_json(actionType="DELETED"), apps__hashcode="UP_1_")),
        ]
        self.started(registry.client)
        self.clock.advance(30)
        self.assertEqual(len(self.ids()), 2)
        self.clock.advance(30)
        self.assertEqual(self.ids(), ["localhost:svc:9102"])
        delta = "GET /eureka/apps/delta"
        self.assertEqual(registry.lines, ["GET /eureka/apps", delta, delta])

    def test_unchanged(self) -> None:
        """A delta without news confirms what is known."""
        registry = ScriptedRegistry(Scripted(body=ONE))
        registry.deltas = [Scripted(body=applications_json(apps__hashcode="UP_1_"))]
        self.started(registry.client)
        known = self.directory.snapshot
        self.clock.advance(30)
        self.assertIs(self.directory.snapshot, known)
        self.assertEqual((self.directory.age("eureka"), len(registry.asked)), (0, 2))

    def test_start_while_every_registry_is_down(self) -> None:
        """The backup stands in, with its age, until a registry is read; who is not listed there is kept for a lease."""
        self.keep()
        registry = ScriptedRegistry(Scripted(503), Scripted(503), Scripted(body=ONE))
        self.started(registry.client)
        self.assertEqual((len(self.ids()), self.directory.ready), (2, True))
        self.assertEqual((self.directory.age("eureka"), self.directory.restored("eureka")), (10, True))
        self.clock.pump([1, 1])
        self.assertEqual((self.directory.age("eureka"), len(self.ids())), (12, 2))
        self.clock.advance(1)
        self.assertEqual((self.directory.age("eureka"), self.directory.restored("eureka")), (0, False))
        self.assertEqual(len(self.ids()), 2)
        self.clock.pump([30, 30, 30])
        self.assertEqual(len(self.ids()), 1)

    def test_start_while_the_registry_is_empty(self) -> None:
        """An empty registry is not believed against a backup."""
        self.keep()
        self.started(ScriptedRegistry(Scripted(body=applications_json())).client)
        self.assertEqual((len(self.ids()), self.directory.restored("eureka")), (2, True))

    def test_start_while_the_registry_is_there(self) -> None:
        """The backup is not looked at, but written anew."""
        self.keep()
        self.started(ScriptedRegistry(Scripted(body=ONE)).client)
        self.assertEqual((self.ids(), self.directory.restored("eureka")), (["localhost:svc:9101"], False))
        restored = read_backup(self.path)
        assert restored is not None
        self.assertEqual([each.key for each in restored.registrations], ["localhost:svc:9101"])

    def test_start_with_a_broken_backup(self) -> None:
        """It is as if there were none; it is complained of once."""
        self.path.write_bytes(b"{")
        with capturedLogs() as events:
            self.started(ScriptedRegistry(Scripted(body=applications_json())).client)
            self.clock.pump([1, 2])
        self.assertEqual((self.ids(), self.directory.ready), ([], True))
        self.assertEqual(len([event for event in events if "file" in event]), 1)

    def test_written_at_the_stop(self) -> None:
        """What was read shortly before a stop is not lost."""
        client = self.started(ScriptedRegistry(Scripted(body=ONE), Scripted(body=TWO)).client)
        client.fetch_now()
        self.clock.advance(1)
        stopped = client.stopService()
        assert stopped is not None
        self.successResultOf(stopped)
        restored = read_backup(self.path)
        assert restored is not None
        self.assertEqual(len(restored.registrations), 2)

    def test_back_to_the_preferred_server(self) -> None:
        """When the first server is back, it is asked first again after five minutes; who it does not know yet is kept."""
        registry = ScriptedRegistry(by_host={"one": Scripted(503), "two": Scripted(body=TWO)})
        self.started(registry.client, "http://one/eureka/", "http://two/eureka/")
        registry.by_host["one"] = Scripted(body=ONE)
        registry.asked.clear()
        self.clock.pump([30] * 12)
        self.assertEqual([asked.host for asked in registry.asked], ["two"] * 9 + ["one"] * 3)
        self.assertEqual(len(self.ids()), 2)
        self.clock.advance(30)
        self.assertEqual(len(self.ids()), 1)


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
