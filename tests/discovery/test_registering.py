"""Bodies of registrations; what is common to all registries is in registry_behaviour.py."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.discovery.registering import UNREADABLE, RegistrationError, read_registration
from apiml_ws.discovery.wire_out import dumped, instance_body, registration_body
from apiml_ws.discovery.wire_xml import to_xml
from tests.discovery.doubles_registrations import instance_json, registration, without


class ReadingTests(SynchronousTestCase):
    """What is taken and what is told otherwise."""

    def error(self, instance: object) -> str:
        """What is said of a bad registration for SVC."""
        body = json.dumps({"instance": instance}).encode()
        return str(self.assertRaises(RegistrationError, read_registration, body, "application/json", "svc"))

    def test_what_our_own_client_sends(self) -> None:
        """A registration comes back as it was made, with its name in upper case."""
        read = read_registration(dumped(registration_body(registration(app="svc"))), "application/json", "Svc")
        self.assertEqual(read, registration(app="SVC"))

    def test_xml(self) -> None:
        """XML is read as JSON is."""
        read = read_registration(to_xml(instance_body(registration())), "application/xml", "SVC")
        self.assertEqual(read.secure_port, registration().secure_port)

    def test_missing(self) -> None:
        """What is missing is named in Netflix's words."""
        sent = instance_json()
        self.assertEqual(self.error(without(sent, "hostName")), "Missing hostname")
        self.assertEqual(self.error({**sent, "ipAddr": ""}), "Missing ip address")
        self.assertEqual(self.error({**sent, "dataCenterInfo": None}), "Missing dataCenterInfo")
        self.assertEqual(self.error({**sent, "app": "other"}), "Mismatched appName, expecting SVC but was OTHER")

    def test_unreadable(self) -> None:
        """What is not an instance by its form is all the same."""
        sent = instance_json()
        cases: list[object] = [
            None,
            [],
            without(sent, "app"),
            {**sent, "port": 9101},
            {**sent, "securePort": "9101"},
            {**sent, "dataCenterInfo": "MyOwn"},
            {**sent, "dataCenterInfo": {"name": "MyOwn"}},
            {**sent, "port": {"$": "x"}},
        ]
        for bad in cases:
            self.assertEqual(self.error(bad), UNREADABLE, bad)
        for body in (b"", b"x", b"[]", b"\x1f\x8b"):
            self.assertRaises(RegistrationError, read_registration, body, "application/json", "SVC")
            self.assertRaises(RegistrationError, read_registration, body, "application/xml", "SVC")
