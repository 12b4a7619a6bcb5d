"""Instances out of registrations."""

from __future__ import annotations

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.registry import Status
from apiml_ws.discovery.registration import LeftOut, Port
from apiml_ws.discovery.usable import Omissions, instance_of, usable
from tests.discovery.doubles_registrations import registration


class InstanceTests(SynchronousTestCase):
    """What matters for routing."""

    def test_secure(self) -> None:
        """The secure port counts if it is enabled, whatever the other says; names are lower case."""
        made = instance_of(registration(port=Port(80, enabled=True), metadata={"a": "1"}, status=Status.DOWN))
        self.assertEqual((made.service_id, made.address, made.status), ("svc", "wss://localhost:9101", Status.DOWN))
        self.assertEqual((made.instance_id, made.metadata), ("localhost:svc:9101", {"a": "1"}))

    def test_plain(self) -> None:
        """Otherwise the other one, enabled or not, as Eureka's clients do."""
        for enabled in (True, False):
            made = instance_of(registration(port=Port(80, enabled=enabled), secure_port=Port(443, enabled=False)))
            self.assertEqual(made.address, "ws://localhost:80")

    def test_left_out(self) -> None:
        """What nobody could dial is left out and named with the reason; so is a route that cannot be used."""
        route = {"apiml.routes.r.gatewayUrl": "ws/v1", "apiml.routes.r.serviceUrl": "/a b"}
        bad, zero = registration("bad", host_name="a b"), registration("zero", secure_port=Port(0, enabled=True))
        instances, left_out = usable((bad, zero, registration(metadata=route)))
        self.assertEqual([each.instance_id for each in instances], ["localhost:svc:9101"])
        self.assertEqual([each.instance for each in left_out], ["bad", "zero", "localhost:svc:9101"])
        self.assertIn("/a b", left_out[2].reason)

    def test_settings_that_are_not_understood(self) -> None:
        """They are named, so that whoever wrote them learns that they have no effect; the instance is used."""
        said = {"apiml.ws.drain": "x" * 100, "apiml.ws.maxFrameSize": "10"}
        instances, (only,) = usable((registration(metadata=said),))
        self.assertEqual(len(instances), 1)
        self.assertEqual(only.reason, f"apiml.ws.drain '{'x' * 40}', which is not understood")


class OmissionsTests(SynchronousTestCase):
    """What the log says."""

    def test_once(self) -> None:
        """Each is logged when it is left out first, again when it was back meanwhile or for another reason."""
        one, two = LeftOut("svc", "1", "host"), LeftOut("svc", "1", "port")
        omissions = Omissions("eureka")
        with capturedLogs() as events:
            for left_out in ((one,), (one, one), (), (one,), (two,)):
                omissions.note(left_out)
        self.assertEqual([event["reason"] for event in events], ["host", "host", "port"])
