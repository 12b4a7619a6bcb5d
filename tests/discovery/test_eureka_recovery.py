"""The registry client with several servers, with those that lost their memory, and with those that it cannot read."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import maybeDeferred
from twisted.logger import capturedLogs

from apiml_ws.discovery.backup import Backup
from apiml_ws.discovery.backup_file import read_backup, write_backup
from tests.discovery.doubles_eureka_case import ONE, TWO, EurekaTestCase
from tests.discovery.doubles_registrations import applications_json, instance_json, registration
from tests.discovery.doubles_web import Scripted, ScriptedRegistry


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
