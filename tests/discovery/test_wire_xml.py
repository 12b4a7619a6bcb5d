"""Eureka's XML."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.discovery.wire import WireError, read_instance
from apiml_ws.discovery.wire_out import applications_body, instance_body
from apiml_ws.discovery.wire_xml import MAX_DEPTH, escaped_name, from_xml, plain_name, to_xml
from tests.discovery.doubles_registrations import registration


class WritingTests(SynchronousTestCase):
    """From JSON's values to XML."""

    def test_list(self) -> None:
        """Lists are repeated elements, the underscores of Eureka's own members stay as they are."""
        body = to_xml(applications_body((registration("a"), registration("b")), 1))
        self.assertTrue(
            body.startswith(
                b"<applications><versions__delta>1</versions__delta><apps__hashcode>UP_2_</apps__hashcode>"
                b"<application><name>SVC</name><instance><instanceId>a</instanceId>"
            )
        )
        self.assertEqual(len(ElementTree.fromstring(body).findall("application/instance")), 2)

    def test_instance(self) -> None:
        """Switches and classes are attributes, the override is written in lower case, no metadata is an empty class."""
        body = to_xml(instance_body(registration()))
        for part in (
            b'<port enabled="false">9101</port>',
            b'<securePort enabled="true">9101</securePort>',
            b'<dataCenterInfo class="com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo"><name>MyOwn</name>',
            b"<overriddenstatus>UNKNOWN</overriddenstatus>",
            b"<leaseInfo><renewalIntervalInSecs>30</renewalIntervalInSecs>",
            b'<metadata class="java.util.Collections$EmptyMap"></metadata>',
        ):
            self.assertIn(part, body)

    def test_metadata_keys(self) -> None:
        """Metadata keys become names by XStream's escapes, whatever is in them."""
        keys = ("a_b", "a$b", "$", "@class2", "1st", "a b", "a/b", "é", "\U0001f600", "<&>", "")
        body = to_xml(instance_body(registration(metadata={key: key for key in keys})))
        metadata = ElementTree.fromstring(body).find("metadata")
        assert metadata is not None
        self.assertEqual([child.text or "" for child in metadata], list(keys))
        self.assertEqual(escaped_name("apiml.routes.ws_v1.gatewayUrl"), "apiml.routes.ws__v1.gatewayUrl")
        self.assertEqual(escaped_name("a$/"), "a_-_.002f")

    def test_what_xml_cannot_hold(self) -> None:
        """Characters that no XML document may have are replaced, the others escaped."""
        body = to_xml(instance_body(registration(metadata={"a": "\x00\ud800<>&\"'é"})))
        self.assertEqual(ElementTree.fromstring(body).findtext("metadata/a"), "\ufffd\ufffd<>&\"'é")

    @given(st.text(max_size=20))
    def test_names_come_back(self, key: str) -> None:
        """Every key but the empty one comes back from its name."""
        if (key and max(key) < "\ud800") or min(key, default="") > "\udfff":
            self.assertEqual(plain_name(escaped_name(key)), key)


class ReadingTests(SynchronousTestCase):
    """From XML to JSON's values."""

    def test_what_is_written_is_read(self) -> None:
        """An instance that was written can be read again."""
        told = registration(metadata={"a_b": "1", "instance": "x", "empty": ""}, texts={"vipAddress": "svc"})
        document: dict[str, Any] = from_xml(to_xml(instance_body(told)))
        read = read_instance(document["instance"])
        self.assertEqual((read.key, read.port, read.secure_port), (told.key, told.port, told.secure_port))
        self.assertEqual((read.metadata, read.texts, read.lease), (told.metadata, told.texts, told.lease))
        self.assertEqual(read.data_center, told.data_center)

    def test_empty_elements(self) -> None:
        """An element without content is an empty text, but for an instance and its metadata."""
        self.assertEqual(from_xml(b"<instance><metadata/><app/></instance>"), {"instance": {"metadata": {}, "app": ""}})
        self.assertEqual(from_xml(b"<instance/>"), {"instance": {}})

    def test_refused(self) -> None:
        """What is no XML, is nested too deep or brings a document type (and entities with it) is refused."""
        bomb = b'<!DOCTYPE i [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><instance><app>&b;</app></instance>'
        deep = b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1)
        for bad in (b"", b"{}", b"<instance>", b"\xff\xfe", bomb, deep, b'<?xml version="1.0" encoding="x"?><a/>'):
            self.assertRaises(WireError, from_xml, bad)
