"""What every Eureka registry does, ours and Netflix's: the same tests for both.

A subclass says how to :meth:`ask`, how time passes, and by which factor leases may outlive their duration.  Names are
unique to each test, since a real server goes on from test to test.  Not tested, for registries differ in it on purpose:
``versions__delta``, order, bodies of errors, ``lastUpdatedTimestamp``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.registry import Status
from apiml_ws.discovery.wire import hashcode
from tests.discovery.doubles_registrations import instance_json, without


@dataclass(frozen=True)
class Answered:
    """A registry's answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class RegistryBehaviour(SynchronousTestCase):
    """The tests."""

    #: How many durations a lease may last after a renewal, and what comes on top in seconds.
    lease_factor = 2.0
    lease_extra = 2.0

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """Send a request to ``path`` below ``/eureka``; JSON is accepted unless ``headers`` says otherwise."""
        raise NotImplementedError

    def pass_time(self, seconds: float) -> None:
        """Let ``seconds`` pass for the registry."""
        raise NotImplementedError

    def setUp(self) -> None:
        """Choose names that nobody else uses."""
        unique = uuid4().hex[:12]
        self.app = f"TEST-{unique}".upper()
        self.instance_id = f"localhost:{unique}:9101"
        self.path = f"/apps/{self.app}/{self.instance_id}"

    def sent(self, **members: object) -> dict[str, Any]:
        """A registration's members."""
        told = without(
            instance_json(self.instance_id, self.app), "overriddenStatus", "lastUpdatedTimestamp", "actionType"
        )
        return {**told, "vipAddress": self.app.lower(), "secureVipAddress": self.app.lower(), **members}

    def post(self, instance: dict[str, Any], content_type: str = "application/json") -> Answered:
        """Register."""
        return self.ask(
            "POST", f"/apps/{self.app}", json.dumps({"instance": instance}).encode(), {"Content-Type": content_type}
        )

    def register(self, **members: object) -> None:
        """Register, successfully."""
        self.assertEqual(self.post(self.sent(**members)).status, 204)

    def shown(self) -> Any:
        """The instance as the registry shows it."""
        answered = self.ask("GET", self.path)
        self.assertEqual(answered.status, 200)
        return answered.json["instance"]

    def listed(self, path: str) -> list[Any]:
        """The test's own instances in a list of applications."""
        applications = self.ask("GET", path).json["applications"]["application"]
        return [one for each in applications if each["name"] == self.app for one in each["instance"]]

    def status(self, method: str, path: str) -> int:
        """What a request without body is answered with."""
        return self.ask(method, path).status

    # Register

    def test_registered_instance_is_shown_everywhere(self) -> None:
        """An instance that was registered is in the lists, in its application, by its id and by its addresses."""
        self.register()
        self.assertEqual(self.shown()["instanceId"], self.instance_id)
        self.assertEqual(self.ask("GET", f"/instances/{self.instance_id}").json["instance"]["app"], self.app)
        application = self.ask("GET", f"/apps/{self.app}").json["application"]
        self.assertEqual((application["name"], len(application["instance"])), (self.app, 1))
        for path in ("/apps", "/apps/", "/apps/delta", f"/vips/{self.app.lower()}", f"/svips/{self.app.lower()}"):
            self.assertEqual(len(self.listed(path)), 1, path)

    def test_types_on_the_wire(self) -> None:
        """Ports and lease times are numbers; switches and timestamps of the instance are texts."""
        self.register()
        shown = self.shown()
        self.assertEqual(shown["port"], {"$": 9101, "@enabled": "false"})
        self.assertEqual(shown["securePort"], {"$": 9101, "@enabled": "true"})
        self.assertEqual(shown["countryId"], 1)
        self.assertEqual(shown["overriddenStatus"], "UNKNOWN")
        self.assertEqual(shown["isCoordinatingDiscoveryServer"], "false")
        self.assertEqual(shown["lastDirtyTimestamp"], "1795487779770")
        self.assertEqual(shown["actionType"], "ADDED")
        self.assertEqual(shown["leaseInfo"]["renewalIntervalInSecs"], 30)
        self.assertIsInstance(shown["leaseInfo"]["registrationTimestamp"], int)

    def test_what_is_left_out_has_defaults(self) -> None:
        """Ports, status and lease that a registration does not name are Eureka's defaults."""
        self.assertEqual(
            self.post(without(self.sent(), "port", "securePort", "status", "leaseInfo", "metadata")).status, 204
        )
        shown = self.shown()
        self.assertEqual(shown["port"], {"$": 7001, "@enabled": "true"})
        self.assertEqual(shown["securePort"], {"$": 7002, "@enabled": "false"})
        self.assertEqual(shown["status"], "UP")
        self.assertEqual(shown["leaseInfo"]["durationInSecs"], 90)
        self.assertEqual(shown["metadata"], {"@class": "java.util.Collections$EmptyMap"})

    def test_odd_spellings_are_understood(self) -> None:
        """Booleans or texts for switches, texts for numbers, null and unknown members are all taken."""
        self.register(
            port={"$": "9201", "@enabled": True},
            securePort={"$": 9202, "@enabled": "true"},
            leaseInfo={"renewalIntervalInSecs": "5", "durationInSecs": "0"},
            metadata={"a": 1, "b": True, "c": "x_y"},
            homePageUrl=None,
            nobodyKnows={"this": "one"},
        )
        shown = self.shown()
        self.assertEqual(shown["port"], {"$": 9201, "@enabled": "true"})
        self.assertEqual(shown["securePort"], {"$": 9202, "@enabled": "true"})
        self.assertEqual(shown["leaseInfo"]["renewalIntervalInSecs"], 5)
        self.assertEqual(shown["leaseInfo"]["durationInSecs"], 90)
        self.assertEqual(shown["metadata"], {"a": "1", "b": "true", "c": "x_y"})
        self.assertNotIn("homePageUrl", shown)

    def test_halves_of_ports(self) -> None:
        """What a port leaves out, number or switch, is that of the default port; a switch that is null is off."""
        self.register(port={"$": 9201}, securePort={"$": 9202})
        self.assertEqual(self.shown()["port"], {"$": 9201, "@enabled": "true"})
        self.assertEqual(self.shown()["securePort"], {"$": 9202, "@enabled": "false"})
        self.register(port={"$": 9201, "@enabled": None}, securePort={"@enabled": "true"})
        self.assertEqual(self.shown()["port"], {"$": 9201, "@enabled": "false"})
        self.assertEqual(self.shown()["securePort"], {"$": 7002, "@enabled": "true"})

    def test_unknown_status_is_unknown(self) -> None:
        """A status that Eureka has not, case included, is UNKNOWN."""
        self.register(status="up")
        self.assertEqual(self.shown()["status"], "UNKNOWN")

    def test_host_name_stands_for_a_missing_id(self) -> None:
        """An instance without an id is found by its host name, and has no id in any answer."""
        host = f"{self.app.lower()}.example"
        self.assertEqual(self.post(without(self.sent(hostName=host), "instanceId")).status, 204)
        self.assertNotIn("instanceId", self.ask("GET", f"/apps/{self.app}/{host}").json["instance"])

    def test_bad_registrations(self) -> None:
        """What cannot be an instance, or not one of this application, is 400 and registers nothing."""
        sent = self.sent()
        for bad in (
            without(sent, "app"),
            without(sent, "hostName"),
            without(sent, "ipAddr"),
            without(sent, "dataCenterInfo"),
            {**sent, "dataCenterInfo": {"name": "MyOwn"}},
            {**sent, "port": 9101},
            {**sent, "app": "OTHER"},
        ):
            self.assertEqual(self.post(bad).status, 400, bad)
        no_wrapper = self.ask(
            "POST", f"/apps/{self.app}", json.dumps(sent).encode(), {"Content-Type": "application/json"}
        )
        self.assertEqual(no_wrapper.status, 400)
        self.assertEqual(self.status("GET", f"/apps/{self.app}"), 404)

    def test_content_type_of_a_registration(self) -> None:
        """A registration that is neither JSON nor XML is 415."""
        self.assertEqual(self.post(self.sent(), "text/plain").status, 415)
        self.assertEqual(self.post(self.sent(), "application/json;charset=UTF-8").status, 204)

    def test_registration_in_xml(self) -> None:
        """An instance may be registered in XML."""
        body = (
            f"<instance><instanceId>{self.instance_id}</instanceId><hostName>localhost</hostName><app>{self.app}</app>"
            '<ipAddr>127.0.0.1</ipAddr><status>UP</status><port enabled="false">1</port>'
            '<securePort enabled="true">9101</securePort>'
            '<dataCenterInfo class="com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo"><name>MyOwn</name>'
            "</dataCenterInfo><metadata><apiml.routes.ws__v1.gatewayUrl>ws/v1</apiml.routes.ws__v1.gatewayUrl>"
            "</metadata></instance>"
        ).encode()
        headers = {"Content-Type": "application/xml"}
        self.assertEqual(self.ask("POST", f"/apps/{self.app}", body, headers).status, 204)
        self.assertEqual(self.shown()["metadata"], {"apiml.routes.ws_v1.gatewayUrl": "ws/v1"})
        self.assertEqual(self.shown()["securePort"], {"$": 9101, "@enabled": "true"})

    def test_older_registration_is_ignored(self) -> None:
        """A registration older than the known one is answered with 204 and changes nothing; an equal one replaces all."""
        self.register(lastDirtyTimestamp="2000", metadata={"a": "1"})
        self.register(lastDirtyTimestamp="1999", metadata={"b": "1"})
        self.assertEqual(self.shown()["metadata"], {"a": "1"})
        self.register(lastDirtyTimestamp=2000, metadata={"c": "1"})
        self.assertEqual(self.shown()["metadata"], {"c": "1"})

    # Names

    def test_names_and_paths(self) -> None:
        """Application names match whatever the case, ids exactly; encoded colons and closing slashes do not matter."""
        self.register()
        encoded = self.instance_id.replace(":", "%3A")
        self.assertEqual(self.status("GET", f"/apps/{self.app.lower()}/{encoded}"), 200)
        self.assertEqual(self.status("GET", f"/apps/{self.app}/"), 200)
        self.assertEqual(self.status("GET", f"/apps/{self.app}/{self.instance_id.upper()}"), 404)
        self.assertEqual(self.listed(f"/vips/{self.app}"), [])

    def test_unknown_names(self) -> None:
        """An application, instance or path that is not there is 404, an address nobody has an empty list."""
        for path in (f"/apps/{self.app}", self.path, f"/instances/{self.instance_id}", "/nothing"):
            self.assertEqual(self.status("GET", path), 404, path)
        applications = self.ask("GET", f"/vips/{self.app}").json["applications"]
        self.assertEqual((applications["apps__hashcode"], applications["application"]), ("", []))

    def test_applications_cannot_be_deleted(self) -> None:
        """DELETE of an application is 405."""
        self.register()
        self.assertEqual(self.status("DELETE", f"/apps/{self.app}"), 405)

    # Renew

    def test_renewal(self) -> None:
        """A renewal of a known instance is 200 without a body, whatever status it says; of an unknown one 404."""
        self.assertEqual(self.status("PUT", self.path), 404)
        self.register(lastDirtyTimestamp="2000")
        for query in ("", "?status=UP&lastDirtyTimestamp=2000", "?status=DOWN", "?status=nonsense"):
            answered = self.ask("PUT", self.path + query)
            self.assertEqual((answered.status, answered.body), (200, b""), query)
        self.assertEqual(self.ask("PUT", self.path, b"{}", {"Content-Type": "application/json"}).status, 200)
        self.assertEqual(self.shown()["status"], "UP")

    def test_renewal_that_knows_better(self) -> None:
        """One who renews with a newer timestamp than it registered with has to register again."""
        self.register(lastDirtyTimestamp="2000")
        self.assertEqual(self.status("PUT", f"{self.path}?lastDirtyTimestamp=2001"), 404)
        self.assertEqual(self.status("PUT", f"{self.path}?lastDirtyTimestamp=1999"), 200)

    def test_renewal_by_a_peer(self) -> None:
        """A peer that renews with an older timestamp gets 409 and the instance."""
        self.register(lastDirtyTimestamp="2000")
        headers = {"x-netflix-discovery-replication": "true"}
        answered = self.ask("PUT", f"{self.path}?lastDirtyTimestamp=1999", headers=headers)
        self.assertEqual(answered.status, 409)
        self.assertEqual(answered.json["instance"]["lastDirtyTimestamp"], "2000")

    def test_renewal_with_a_bad_timestamp(self) -> None:
        """A timestamp that is no number is an error."""
        self.register()
        self.assertGreaterEqual(self.status("PUT", f"{self.path}?lastDirtyTimestamp=x"), 400)

    # Cancel

    def test_cancel(self) -> None:
        """A cancelled instance is gone, and told as DELETED with the status it had; a second cancel is 404."""
        self.register()
        self.assertEqual(self.status("DELETE", self.path), 200)
        self.assertEqual(self.status("DELETE", self.path), 404)
        self.assertEqual(self.status("GET", self.path), 404)
        (told,) = self.listed("/apps/delta")
        self.assertEqual((told["actionType"], told["status"]), ("DELETED", "UP"))

    # Status

    def test_override_stays(self) -> None:
        """A status put over an instance is in force at once, over renewals and over registrations that say UP."""
        self.register()
        self.assertEqual(self.status("PUT", f"{self.path}/status?value=OUT_OF_SERVICE"), 200)
        self.assertEqual(self.shown()["status"], "OUT_OF_SERVICE")
        self.assertEqual(self.shown()["overriddenStatus"], "OUT_OF_SERVICE")
        self.assertEqual(self.listed("/apps/delta")[0]["actionType"], "MODIFIED")
        self.status("PUT", self.path)
        self.register(status="UP", lastDirtyTimestamp="1795487779999")
        self.assertEqual(self.shown()["status"], "OUT_OF_SERVICE")

    def test_override_taken_away_with_a_status(self) -> None:
        """An override that is taken away with a status in its place leaves that."""
        self.register()
        self.status("PUT", f"{self.path}/status?value=OUT_OF_SERVICE")
        self.assertEqual(self.status("DELETE", f"{self.path}/status?value=UP"), 200)
        self.assertEqual((self.shown()["status"], self.shown()["overriddenStatus"]), ("UP", "UNKNOWN"))
        self.assertEqual(self.status("PUT", self.path), 200)

    def test_override_taken_away_without_a_status(self) -> None:
        """Otherwise the status is UNKNOWN until the instance registers again, which the next renewal asks for."""
        self.register()
        self.status("PUT", f"{self.path}/status?value=OUT_OF_SERVICE")
        self.assertEqual(self.status("DELETE", f"{self.path}/status"), 200)
        self.assertEqual(self.shown()["status"], "UNKNOWN")
        self.assertEqual(self.status("PUT", self.path), 404)
        self.register()
        self.assertEqual(self.shown()["status"], "UP")

    def test_override_in_a_registration(self) -> None:
        """A registration may bring its override along, in either spelling."""
        self.register(overriddenstatus="OUT_OF_SERVICE")
        self.assertEqual(self.shown()["status"], "OUT_OF_SERVICE")

    def test_bad_overrides(self) -> None:
        """A status for an unknown instance is 404; no status, or none that exists, is an error."""
        self.assertEqual(self.status("PUT", f"{self.path}/status?value=UP"), 404)
        self.assertEqual(self.status("DELETE", f"{self.path}/status"), 404)
        self.register()
        for path in ("", "?value=", "?value=nonsense"):
            self.assertGreaterEqual(self.status("PUT", f"{self.path}/status{path}"), 400, path)

    # Metadata

    def test_metadata(self) -> None:
        """Metadata is merged into what is there; nothing to merge is fine, an unknown instance 404."""
        self.assertEqual(self.status("PUT", f"{self.path}/metadata?a=1"), 404)
        self.register(metadata={"a": "0", "z": "26"})
        self.assertEqual(self.status("PUT", f"{self.path}/metadata?a=1&b.c=x%20y"), 200)
        self.assertEqual(self.status("PUT", f"{self.path}/metadata"), 200)
        self.assertEqual(self.shown()["metadata"], {"a": "1", "z": "26", "b.c": "x y"})
        self.assertIn(self.listed("/apps/delta")[0]["actionType"], ("ADDED", "MODIFIED"))

    # Lists

    def test_delta_tells_each_instance_once(self) -> None:
        """The delta has the last news of an instance only, and renewals are no news."""
        self.register()
        self.status("PUT", f"{self.path}/status?value=DOWN")
        self.status("PUT", self.path)
        (told,) = self.listed("/apps/delta")
        self.assertEqual((told["actionType"], told["status"]), ("MODIFIED", "DOWN"))

    def test_hash_is_of_the_whole_registry(self) -> None:
        """The hash counts all instances by status, in the delta too."""
        self.register(status="STARTING")
        applications = self.ask("GET", "/apps").json["applications"]
        statuses = (Status(one["status"]) for each in applications["application"] for one in each["instance"])
        self.assertEqual(applications["apps__hashcode"], hashcode(statuses))
        self.assertEqual(
            self.ask("GET", "/apps/delta").json["applications"]["apps__hashcode"], hashcode_of(applications)
        )

    # Time

    def test_lease_ends(self) -> None:
        """An instance that does not renew is gone after its lease, and told as DELETED."""
        self.register(leaseInfo={"renewalIntervalInSecs": 1, "durationInSecs": 3})
        self.pass_time(2)
        self.assertEqual(self.status("PUT", self.path), 200)
        self.pass_time(2)
        self.assertEqual(self.status("GET", self.path), 200)
        self.pass_time(3 * self.lease_factor + self.lease_extra)
        self.assertEqual(self.status("GET", self.path), 404)
        self.assertEqual(self.status("PUT", self.path), 404)
        self.assertEqual(self.listed("/apps/delta")[0]["actionType"], "DELETED")

    # Forms

    def test_xml_unless_json_is_asked_for(self) -> None:
        """Whoever does not name JSON gets XML, with underscores of metadata keys doubled."""
        self.register(metadata={"a_b": "1 < 2"})
        for accept in ("*/*", "application/xml"):
            answered = self.ask("GET", self.path, headers={"Accept": accept})
            self.assertTrue(answered.headers["content-type"].startswith("application/xml"), accept)
            instance = ElementTree.fromstring(answered.body)
            self.assertEqual(instance.findtext("metadata/a__b"), "1 < 2")
            self.assertEqual(instance.findtext("overriddenstatus"), "UNKNOWN")
            port = instance.find("port")
            assert port is not None
            self.assertEqual((port.text, port.get("enabled")), ("9101", "false"))

    def test_neither_json_nor_xml(self) -> None:
        """Whoever takes neither gets 406."""
        self.register()
        self.assertEqual(self.ask("GET", self.path, headers={"Accept": "text/plain"}).status, 406)

    def test_head(self) -> None:
        """HEAD is GET without the body."""
        self.register()
        answered = self.ask("HEAD", self.path)
        self.assertEqual((answered.status, answered.body), (200, b""))


def hashcode_of(applications: Any) -> str:
    """The hash that the registry says of itself."""
    return str(applications["apps__hashcode"])
