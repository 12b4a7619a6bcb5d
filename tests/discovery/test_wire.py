"""Reading Eureka's JSON, as odd as it comes."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.registry import Status
from apiml_ws.discovery.registration import DEFAULT_PORT, DEFAULT_SECURE_PORT, MY_OWN, Action, LeaseInfo, Port
from apiml_ws.discovery.wire import WireError, hashcode, number, parsed, read_answer, read_instance, text, truth
from tests.discovery.doubles_registrations import applications_json, instance_json, without


class InstanceTests(SynchronousTestCase):
    """One instance."""

    def test_as_netflix_writes_it(self) -> None:
        """All members of an instance are read, in their types."""
        read = read_instance(instance_json())
        self.assertEqual((read.app, read.key, read.host_name), ("SVC", "localhost:svc:9101", "localhost"))
        self.assertEqual((read.status, read.overridden_status, read.action), (Status.UP, Status.UNKNOWN, Action.ADDED))
        self.assertEqual((read.port, read.secure_port), (Port(9101, enabled=False), Port(9101, enabled=True)))
        self.assertEqual((read.last_updated, read.last_dirty), (1795487779771, 1795487779770))
        self.assertEqual(read.lease, LeaseInfo(renewal_interval=30, duration=90))
        self.assertEqual(read.metadata["apiml.routes.ws_v1.gatewayUrl"], "ws/v1")
        self.assertEqual(read.texts, {"vipAddress": "svc", "secureVipAddress": "svc"})

    def test_numbers_and_switches_in_every_spelling(self) -> None:
        """A number may be a text, a switch a boolean or a text of whatever case."""
        for found in ({"$": 80, "@enabled": "TRUE"}, {"$": "80", "@enabled": True}, {"$": 80.0}, 80, "80"):
            self.assertEqual(read_instance(instance_json(port=found)).port, Port(80, enabled=True), found)
        for switch in (False, "false", "no", 0):
            found_off = {"$": 80, "@enabled": switch}
            self.assertEqual(read_instance(instance_json(port=found_off)).port, Port(80, enabled=False), switch)
        self.assertTrue(read_instance(instance_json(isCoordinatingDiscoveryServer=True)).coordinating)

    def test_missing_and_null_members(self) -> None:
        """What is missing or null has Eureka's default."""
        bare = {"hostName": "h"}
        nulls = dict.fromkeys(instance_json()) | bare
        for members in (bare, nulls):
            read = read_instance(members, "SVC")
            self.assertEqual((read.app, read.key, read.status, read.action), ("SVC", "h", Status.UP, None))
            self.assertEqual((read.port, read.secure_port), (DEFAULT_PORT, DEFAULT_SECURE_PORT))
            self.assertEqual((read.lease, read.data_center, read.country_id), (LeaseInfo(), MY_OWN, 1))
            self.assertEqual((dict(read.metadata), dict(read.texts)), ({}, {}))

    def test_status(self) -> None:
        """Five words are a status, anything else is UNKNOWN; the override is read in either spelling."""
        for status in Status:
            self.assertIs(read_instance(instance_json(status=status.value)).status, status)
        for nonsense in ("up", 7, ["UP"]):
            self.assertIs(read_instance(instance_json(status=nonsense)).status, Status.UNKNOWN)
        old = without(instance_json(overriddenstatus="DOWN"), "overriddenStatus")
        self.assertIs(read_instance(old).overridden_status, Status.DOWN)

    def test_metadata(self) -> None:
        """Java's empty map is no metadata, null none either, and values that are no text become what JSON writes."""
        for nothing in (None, {}, {"@class": "java.util.Collections$EmptyMap"}, "x"):
            self.assertEqual(read_instance(instance_json(metadata=nothing)).metadata, {}, nothing)
        odd = {"a": 1, "b": True, "c": None, "d": {"e": 1}}
        expected = {"a": "1", "b": "true", "c": "null", "d": '{"e": 1}'}
        self.assertEqual(read_instance(instance_json(metadata=odd)).metadata, expected)

    def test_lease_without_sense(self) -> None:
        """Zero and less are no length of time."""
        for length in (0, "0", -1):
            lease = {"renewalIntervalInSecs": length, "durationInSecs": length}
            self.assertEqual(read_instance(instance_json(leaseInfo=lease)).lease, LeaseInfo(), length)

    def test_no_instance(self) -> None:
        """Without a host, a name or sound numbers there is no instance, and the reason names the member."""
        for bad, reason in (
            ("x", "the instance is not an object"),
            (without(instance_json(), "hostName"), "no hostName"),
            (without(instance_json(), "app"), "no app"),
            (instance_json(port={"$": "x"}), "port is not a number"),
            (instance_json(securePort={"$": float("inf")}), "securePort is not a number"),
            (instance_json(lastDirtyTimestamp="today"), "lastDirtyTimestamp is not a number"),
        ):
            error = self.assertRaises(WireError, read_instance, bad)
            self.assertEqual(str(error), reason)

    def test_scalars(self) -> None:
        """Texts are stripped, empty numbers are absent, absent switches are as told."""
        self.assertEqual((text(" a "), text(None), text(False)), ("a", "", "false"))
        self.assertEqual((number("", 7, "n"), number(" 8 ", 7, "n")), (7, 8))
        self.assertEqual((truth(None, absent=True), truth(None, absent=False)), (True, False))


class AnswerTests(SynchronousTestCase):
    """Lists of applications."""

    def test_list(self) -> None:
        """All instances of all applications, with the registry's hash and version."""
        answer = read_answer(applications_json(instance_json(), instance_json("2")))
        self.assertEqual([each.key for each in answer.registrations], ["localhost:svc:9101", "2"])
        self.assertEqual((answer.hashcode, answer.version, answer.left_out), ("UP_1_", "1", ()))

    def test_single_object_for_a_list(self) -> None:
        """One application or instance may stand where a list belongs; none may be null or missing."""
        one = {"applications": {"application": {"name": "SVC", "instance": instance_json()}}}
        self.assertEqual(len(read_answer(json.dumps(one).encode()).registrations), 1)
        cases: list[object] = [{}, {"application": None}, {"application": {"name": "SVC"}}, {"application": []}]
        for empty in cases:
            self.assertEqual(read_answer(json.dumps({"applications": empty}).encode()).registrations, ())

    def test_nonsense_is_left_out_and_named(self) -> None:
        """The other instances are not affected by one that makes no sense."""
        answer = read_answer(applications_json(5, without(instance_json("bad"), "hostName"), instance_json()))
        self.assertEqual([each.key for each in answer.registrations], ["localhost:svc:9101"])
        self.assertEqual([each.instance for each in answer.left_out], ["", "bad"])
        self.assertEqual(answer.left_out[1].service, "svc")
        strange = json.dumps({"applications": {"application": ["x"]}}).encode()
        self.assertEqual(read_answer(strange).left_out[0].reason, "the application is not an object")

    def test_no_answer(self) -> None:
        """What is no JSON object with applications is no answer."""
        for bad in (b"", b"\xff", b"<applications/>", b"[]", b"{}", b'{"applications": []}', b"[" * 10**6):
            self.assertRaises(WireError, read_answer, bad)

    def test_parsed(self) -> None:
        """The error says no more than what kind of error it is."""
        self.assertEqual(str(self.assertRaises(WireError, parsed, b"secret")), "not JSON: JSONDecodeError")


class HashTests(SynchronousTestCase):
    """apps__hashcode."""

    def test_hashcode(self) -> None:
        """Statuses by name, each with its count."""
        self.assertEqual(hashcode([Status.UP, Status.STARTING, Status.UP]), "STARTING_1_UP_2_")
        self.assertEqual(hashcode([]), "")
