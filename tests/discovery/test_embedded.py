"""The embedded registry as a service and as a site."""

from __future__ import annotations

import json

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.directory import Directory
from apiml_ws.core.registry import Status
from apiml_ws.discovery.embedded import PATIENCE, EmbeddedRegistry, embedded_site
from apiml_ws.discovery.embedded_resource import BODY_LIMIT
from apiml_ws.discovery.registration import LeaseInfo, Port
from tests.discovery.doubles_registrations import instance_json, registration

ID = "localhost:svc:9101"


class EmbeddedTestCase(SynchronousTestCase):
    """A registry that runs, with a clock that stands."""

    def setUp(self) -> None:
        """Start it."""
        self.clock = Clock()
        self.directory = Directory(["embedded"], self.clock.seconds)
        self.registry = EmbeddedRegistry(self.directory, self.clock, lambda: 1)


class ServiceTests(EmbeddedTestCase):
    """What it tells the directory."""

    def setUp(self) -> None:
        """Start it, and see at the end that it leaves nothing scheduled."""
        super().setUp()
        self.registry.startService()

    def tearDown(self) -> None:
        """Stop it."""
        self.registry.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def ids(self) -> list[str]:
        """The instances that the directory has."""
        return [one.instance_id for each in self.directory.snapshot.services.values() for one in each.instances]

    def test_ready_from_the_start(self) -> None:
        """An empty registry was read, too."""
        self.assertTrue(self.directory.ready)
        self.assertEqual(self.ids(), [])

    def test_registration_is_routed_on_in_the_next_turn(self) -> None:
        """What was registered is in the directory one turn later."""
        self.registry.leases.register(registration())
        self.clock.advance(0)
        self.assertEqual(self.ids(), [ID])

    def test_many_changes_are_one_update(self) -> None:
        """All changes of a turn are published once."""
        heard: list[object] = []
        self.directory.subscribe(heard.append)
        for number in range(10):
            self.registry.leases.register(registration(str(number)))
        look_for_expiry, publish = 1, 1
        self.assertEqual(len(self.clock.getDelayedCalls()), look_for_expiry + publish)
        self.clock.advance(0)
        self.assertEqual((len(heard), len(self.ids())), (1, 10))

    def test_override_reaches_the_directory(self) -> None:
        """An instance that is taken out of service gets no new sessions."""
        self.registry.leases.register(registration())
        self.registry.leases.override("SVC", ID, Status.OUT_OF_SERVICE)
        self.clock.advance(0)
        self.assertEqual(self.directory.snapshot.services["svc"].up, ())

    def test_last_instance_leaves(self) -> None:
        """The registry is the truth about itself: the last cancel leaves no service."""
        self.registry.leases.register(registration())
        self.clock.advance(0)
        self.registry.leases.cancel("SVC", ID)
        self.clock.advance(0)
        self.assertEqual(self.ids(), [])

    def test_expiry(self) -> None:
        """A lease that ended is gone within a second, and the log says so."""
        self.registry.leases.register(registration(lease=LeaseInfo(duration=3)))
        with capturedLogs() as events:
            self.clock.pump([1, 1, 1, 0])
        self.assertEqual(self.ids(), [])
        self.assertEqual([event["instance"] for event in events], [ID])

    def test_never_old(self) -> None:
        """What it says is confirmed each second."""
        self.clock.pump([1] * 10)
        self.assertEqual(self.directory.age("embedded"), 0)

    def test_nonsense_is_left_out_and_named(self) -> None:
        """An instance that cannot be dialled is in the registry, not in the directory, and named in the log once."""
        with capturedLogs() as events:
            self.registry.leases.register(
                registration("bad", port=Port(0, enabled=True), secure_port=Port(0, enabled=False))
            )
            self.clock.advance(0)
            self.registry.leases.register(registration())
            self.clock.advance(0)
        self.assertEqual([event["instance"] for event in events], ["bad"])
        self.assertEqual(self.ids(), [ID])

    def test_stopped_twice(self) -> None:
        """A second stop does nothing."""
        self.registry.stopService()
        self.registry.stopService()

    def test_stop_with_a_change_pending(self) -> None:
        """A change that was not published when it stops is not published any more; nor are later ones."""
        self.registry.leases.register(registration())
        self.registry.stopService()
        self.registry.leases.register(registration("later"))
        self.clock.advance(1)
        self.assertEqual(self.ids(), [])
        self.registry.startService()
        self.assertEqual(len(self.ids()), 2)


class SiteTests(EmbeddedTestCase):
    """Over the bytes of HTTP."""

    def setUp(self) -> None:
        """A connection."""
        super().setUp()
        site = embedded_site(self.registry, self.clock)
        channel = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        assert channel is not None
        self.channel = channel
        self.transport = StringTransport()
        channel.makeConnection(self.transport)
        self.addCleanup(site.stopFactory)

    def answer(self, *parts: bytes) -> bytes:
        """The first line of what is answered to ``parts``."""
        for part in parts:
            self.channel.dataReceived(part)
        return bytes(self.transport.value().partition(b"\r\n")[0])

    def test_registers(self) -> None:
        """A registration in a chunked body is taken."""
        body = json.dumps({"instance": instance_json()}).encode()
        head = b"POST /eureka/apps/SVC HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        self.assertEqual(self.answer(head, b"Transfer-Encoding: chunked\r\n\r\n", chunked), b"HTTP/1.1 204 No Content")
        self.assertIsNotNone(self.registry.leases.instance("SVC", ID))

    def test_requests_are_not_logged(self) -> None:
        """A renewal leaves no line in the log."""
        with capturedLogs() as events:
            self.answer(b"PUT /eureka/apps/SVC/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(events, [])

    def test_body_that_is_too_long(self) -> None:
        """A body beyond the limit is not kept, and answered with 413 on a connection that then ends."""
        head = b"POST /eureka/apps/SVC HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        length = b"Content-Length: %d\r\n\r\n" % (BODY_LIMIT + 1)
        self.assertEqual(self.answer(head, length, b" " * (BODY_LIMIT + 1)), b"HTTP/1.1 413 Request Entity Too Large")
        self.assertIn(b"\r\nConnection: close\r\n", self.transport.value())

    def test_body_without_end(self) -> None:
        """A body that goes on and on ends its connection."""
        head = b"POST /eureka/apps/SVC HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunk = b"%x\r\n%s\r\n" % (BODY_LIMIT, b" " * BODY_LIMIT)
        self.answer(head, *[chunk] * (PATIENCE + 1))
        self.assertFalse(self.transport.disconnected)
        self.answer(chunk)
        self.assertTrue(self.transport.disconnected)

    def test_no_word_of_the_software(self) -> None:
        """Neither a version for who looks for holes, nor a line of log for each request."""
        with capturedLogs() as events:
            self.answer(b"GET /eureka/apps HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertNotIn(b"\r\nserver:", self.transport.value().lower())
        self.assertEqual(events, [])

    def test_nothing_else_is_here(self) -> None:
        """Other paths are 404."""
        self.assertEqual(self.answer(b"GET /application HTTP/1.1\r\nHost: x\r\n\r\n"), b"HTTP/1.1 404 Not Found")
