"""Writing Eureka's JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.registry import Status
from apiml_ws.discovery.registration import LeaseInfo
from apiml_ws.discovery.wire import read_answer, read_instance
from apiml_ws.discovery.wire_out import (
    application_body,
    applications_body,
    dumped,
    instance_body,
    instance_members,
    registration_body,
)
from tests.discovery.doubles_registrations import instance_json, registration


class WritingTests(SynchronousTestCase):
    """What is written."""

    def test_round_trip(self) -> None:
        """What Netflix's server writes is written again as it was read, in its order."""
        lease = dict.fromkeys(("registrationTimestamp", "lastRenewalTimestamp", "evictionTimestamp"), 5)
        whole = {"renewalIntervalInSecs": 30, "durationInSecs": 90, **lease, "serviceUpTimestamp": 6}
        told = instance_json(leaseInfo=whole, homePageUrl="https://localhost:9101/")
        written = instance_members(read_instance(told))
        self.assertEqual(written, told)
        self.assertEqual(list(written)[:12], list(told)[:12])

    def test_nothing_is_null(self) -> None:
        """What an instance does not have is left out; no metadata is Java's empty map."""
        written = instance_members(registration(""))
        self.assertNotIn(None, written.values())
        for name in ("instanceId", "actionType", "homePageUrl"):
            self.assertNotIn(name, written)
        self.assertEqual(written["metadata"], {"@class": "java.util.Collections$EmptyMap"})

    def test_registration(self) -> None:
        """A registration does not say what only the registry can know."""
        told = replace(registration(), last_updated=7, lease=LeaseInfo(renewal_interval=3, duration=9, registered_at=4))
        body = registration_body(told)["instance"]
        assert isinstance(body, dict)
        self.assertEqual(body["leaseInfo"], {"renewalIntervalInSecs": 3, "durationInSecs": 9})
        self.assertNotIn("lastUpdatedTimestamp", body)
        self.assertEqual(body["lastDirtyTimestamp"], "1000")

    def test_lists(self) -> None:
        """Lists are grouped by upper-case name, stay lists with one member, and carry their hash and version as texts."""
        two = (registration("a", "one"), registration("b", "two", status=Status.DOWN), registration("c", "ONE"))
        body = json.loads(dumped(applications_body(two, 4)))["applications"]
        self.assertEqual((body["versions__delta"], body["apps__hashcode"]), ("4", "DOWN_1_UP_2_"))
        self.assertEqual(
            [(each["name"], len(each["instance"])) for each in body["application"]], [("ONE", 2), ("TWO", 1)]
        )
        self.assertEqual(len(read_answer(dumped(applications_body(two, 4))).registrations), 3)

    def test_delta_has_the_hash_of_all(self) -> None:
        """A delta says the hash that it is told."""
        body = json.loads(dumped(applications_body((), 4, "UP_9_")))
        self.assertEqual(body, {"applications": {"versions__delta": "4", "apps__hashcode": "UP_9_", "application": []}})

    def test_wrappers(self) -> None:
        """One instance and one application are wrapped in their names."""
        self.assertEqual(list(instance_body(registration())), ["instance"])
        self.assertEqual(application_body("svc", ())["application"], {"name": "SVC", "instance": []})
