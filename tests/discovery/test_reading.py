"""Listings read whole and by deltas."""

from __future__ import annotations

import json
from collections.abc import Iterable

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.discovery.calls import CallError, Calls
from apiml_ws.discovery.reading import DELTA_AGE, Read, Reader
from apiml_ws.discovery.servers import Server
from apiml_ws.discovery.wire import WireError
from tests.discovery.doubles_registrations import applications_json, instance_json
from tests.discovery.doubles_web import Scripted, ScriptedRegistry

ONE, TWO = Server("http://one/eureka/"), Server("http://two/eureka/")
WHOLE, DELTA = "GET /eureka/apps", "GET /eureka/apps/delta"


def delta(hashcode: str, *instances: object, version: str = "5") -> Scripted:
    """A delta."""
    return Scripted(body=applications_json(*instances, apps__hashcode=hashcode, versions__delta=version))


def whole(*ids: str) -> Scripted:
    """A full answer."""
    return Scripted(body=applications_json(*(instance_json(each) for each in ids)))


class ReaderTests(SynchronousTestCase):
    """A reader that has read instances a and b of server one."""

    def setUp(self) -> None:
        """What it read."""
        self.clock = Clock()
        self.registry = ScriptedRegistry(whole("a", "b"))
        self.reader = Reader(Calls(self.registry.client, self.clock), self.clock.seconds)
        self.first = self.read()
        self.registry.asked.clear()

    def reading(self, server: Server = ONE) -> Deferred[Read]:
        """A read that is under way."""
        return Deferred.fromCoroutine(self.reader.read(server))

    def read(self, server: Server = ONE) -> Read:
        """What it reads."""
        return self.successResultOf(self.reading(server))

    def script(self, *answers: Scripted, deltas: Iterable[Scripted] = ()) -> None:
        """What the registry says from now on."""
        self.registry.answers[:], self.registry.deltas[:] = answers, deltas

    def ids(self, read: Read) -> str:
        """Who is listed."""
        return "".join(key[1] for key in read.listing)

    def test_first_read(self) -> None:
        """All is read, and nothing went before."""
        self.assertEqual((self.ids(self.first), self.first.steady), ("ab", False))

    def test_delta(self) -> None:
        """What changed is applied if the hash is right, and no more is asked for."""
        self.script(deltas=[delta("UP_2_", instance_json("c"), instance_json("a", actionType="DELETED"))])
        read = self.read()
        self.assertEqual((self.ids(read), read.steady, read.ended), ("bc", True, {("SVC", "a")}))
        self.assertEqual(self.registry.lines, [DELTA])
        self.assertEqual(self.ids(self.read()), "bc")

    def test_hash_over_all_statuses(self) -> None:
        """Instances count whatever their status."""
        self.script(deltas=[delta("DOWN_1_UP_1_", instance_json("a", status="DOWN", actionType="MODIFIED"))])
        self.read()
        self.assertEqual(self.registry.lines, [DELTA])

    def test_wrong_hash(self) -> None:
        """When the hash of the result is another, all is read; what the delta said of the dead is not lost."""
        self.script(whole("b"), deltas=[delta("UP_9_", instance_json("a", actionType="DELETED"))])
        read = self.read()
        self.assertEqual((self.ids(read), read.steady, read.ended), ("b", True, {("SVC", "a")}))
        self.assertEqual(self.registry.lines, [DELTA, WHOLE])

    def test_no_delta(self) -> None:
        """From a server that has no deltas, or none that makes sense, all is read."""
        for scripted in (Scripted(403), Scripted(404), Scripted(405), Scripted(body=b"<applications/>")):
            self.script(whole("a"), deltas=[scripted])
            self.registry.asked.clear()
            self.assertEqual((self.ids(self.read()), self.registry.lines), ("a", [DELTA, WHOLE]), scripted)

    def test_server_in_trouble(self) -> None:
        """A server that fails is not asked for more."""
        self.script(whole("a"), deltas=[Scripted(503)])
        self.failureResultOf(self.reading(), CallError)
        self.assertEqual(self.registry.lines, [DELTA])

    def test_answer_of_somebody_else(self) -> None:
        """What is no answer of a registry is an error."""
        self.script(Scripted(body=b"[]"))
        self.failureResultOf(self.reading(), WireError)

    def test_another_server(self) -> None:
        """Another server is read whole, and what it lists goes on from nothing; so is the first one after it."""
        self.script(whole("c"), deltas=[delta("UP_2_")])
        read = self.read(TWO)
        self.assertEqual((self.ids(read), read.steady), ("c", False))
        read = self.read(ONE)
        self.assertEqual((self.ids(read), read.steady), ("c", False))
        self.assertEqual(self.registry.lines, [WHOLE, WHOLE])

    def test_long_ago(self) -> None:
        """After the time for which changes are told all is read, though it is still the same server."""
        self.script(whole("a"), deltas=[delta("UP_2_")])
        self.clock.advance(DELTA_AGE - 1)
        self.read()
        self.clock.advance(DELTA_AGE)
        self.assertEqual((self.ids(self.read()), self.registry.lines), ("a", [DELTA, WHOLE]))

    def test_doubt(self) -> None:
        """In doubt all is read, as if for the first time; doubt of another server is none of this one."""
        self.script(whole("a"), deltas=[delta("UP_2_")])
        self.reader.doubt(TWO)
        self.assertTrue(self.read().steady)
        self.reader.doubt(ONE)
        read = self.read()
        self.assertEqual((self.ids(read), read.steady), ("a", False))
        self.assertEqual(self.registry.lines, [DELTA, WHOLE])

    def test_restarted(self) -> None:
        """A server whose deltas begin anew lost its memory: all is read, even if the hash is right by chance."""
        self.script(whole("c"), deltas=[delta("UP_2_", version="5"), delta("UP_2_", version="4")])
        self.assertTrue(self.read().steady)
        read = self.read()
        self.assertEqual((self.ids(read), read.steady), ("c", False))
        self.assertEqual(self.registry.lines, [DELTA, DELTA, WHOLE])

    def test_versions_that_are_none(self) -> None:
        """A registry that does not number its deltas is believed by the hash alone."""
        self.script(deltas=[delta("UP_2_", version="7"), delta("UP_2_", version=""), delta("UP_2_", version="²")])
        self.assertEqual([self.read().steady for _ in range(3)], [True] * 3)

    def test_nonsense_in_the_registry(self) -> None:
        """With an instance that cannot be read the hash is never right, so all is read each time."""
        body = json.loads(applications_json(instance_json("a"), {"instanceId": "b", "status": "UP"}))
        self.script(Scripted(body=json.dumps(body).encode()), deltas=[delta("UP_2_")])
        self.reader.doubt(ONE)
        for _ in range(2):
            read = self.read()
            self.assertEqual((self.ids(read), [each.instance for each in read.left_out]), ("a", ["b"]))
        self.assertEqual(self.registry.lines, [WHOLE, DELTA, WHOLE])
