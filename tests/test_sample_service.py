"""One instance of the sample service, in memory."""

from __future__ import annotations

import os
from typing import Any, cast

from twisted.internet.testing import MemoryReactorClock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.server import Site
from txaio import tx

from apiml_ws.core.config import TlsConfig
from apiml_ws.discovery.lease import LeaseKeeper
from apiml_ws.discovery.registration import Port, Registration
from apiml_ws.proxy.key_material import TlsError
from apiml_ws.sample.site import SampleSite
from apiml_ws.sample_service import SampleService, SampleSettings, registration
from tests.certificates import tls_config
from tests.doubles_service import Lease
from tests.sample.doubles_connection import Link, caller

PLAIN = TlsConfig(enabled=False)
REGISTRY = ("https://localhost:10011/eureka/",)


class RegistrationTests(SynchronousTestCase):
    """What an instance says of itself."""

    def test_a_secure_instance(self) -> None:
        """As the reference system's sample does: the secure port enabled, the plain one named and not."""
        said = registration(SampleSettings(renewal=7, duration=21), 10012)
        self.assertEqual(said.key, "localhost:discoverableclient:10012")
        self.assertEqual((said.port, said.secure_port), (Port(10012, enabled=False), Port(10012, enabled=True)))
        self.assertEqual((said.lease.renewal_interval, said.lease.duration), (7, 21))
        self.assertEqual(
            (said.metadata["apiml.routes.ws_v1.gatewayUrl"], said.metadata["apiml.routes.ws_v1.serviceUrl"]),
            ("ws/v1", "/discoverableclient/ws"),
        )
        base = "https://localhost:10012/discoverableclient"
        self.assertEqual(
            said.texts,
            {
                "homePageUrl": f"{base}/",
                "statusPageUrl": f"{base}/application/info",
                "secureHealthCheckUrl": f"{base}/application/health",
                "vipAddress": "discoverableclient",
                "secureVipAddress": "discoverableclient",
            },
        )

    def test_a_plain_instance_with_words_of_its_own(self) -> None:
        """Its id is as it was told, and its metadata wins over what every instance says."""
        settings = SampleSettings(tls=PLAIN, instance_id="mine", hostname="host", metadata={"apiml.ws.drain": "move"})
        said = registration(settings, 80)
        self.assertEqual((said.key, said.host_name), ("mine", "host"))
        self.assertEqual((said.port, said.secure_port), (Port(80, enabled=True), Port(80, enabled=False)))
        self.assertEqual(said.metadata["apiml.ws.drain"], "move")
        self.assertEqual(said.texts["healthCheckUrl"], "http://host:80/discoverableclient/application/health")


class ServiceTests(SynchronousTestCase):
    """:class:`SampleService`."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.patch(tx.config, "loop", self.reactor)
        self.log: list[str] = []
        self.leases: list[Lease] = []

    def keep(self, said: Registration) -> Lease:
        self.leases.append(Lease(said, self.log))
        return self.leases[-1]

    def start(self, **settings: Any) -> SampleService:
        wanted = SampleSettings(**{"tls": PLAIN, "port": 10012, "registries": REGISTRY, **settings})
        service = SampleService(wanted, self.reactor, self.keep)
        service.startService()
        return service

    def test_it_registers_when_its_port_is_open(self) -> None:
        """With the port that it has."""
        self.start()
        ((port, factory, _, interface),) = self.reactor.tcpServers
        self.assertEqual((port, interface), (10012, "127.0.0.1"))
        self.assertIsInstance(factory, SampleSite)
        self.assertEqual(self.log, ["registered localhost:discoverableclient:10012"])

    def test_it_serves_tls(self) -> None:
        """With the certificate that it was given."""
        folder = self.mktemp()
        os.mkdir(folder)
        self.start(tls=tls_config(folder))
        self.assertIsInstance(self.reactor.tcpServers[0][1], TLSMemoryBIOFactory)

    def test_a_certificate_that_cannot_be_used_is_an_error(self) -> None:
        """Before the port is opened."""
        with self.assertRaises(TlsError):
            self.start(tls=TlsConfig(certificate="/none.pem", private_key="/none.pem"))
        self.assertEqual(self.reactor.tcpServers, [])

    def test_without_a_registry_it_registers_nowhere(self) -> None:
        """For a static definition."""
        service = self.start(registries=())
        self.successResultOf(service.stopService())
        self.assertEqual(self.log, [])

    def test_it_leaves_the_registry_before_its_sessions_end(self) -> None:
        """So that no new ones come meanwhile; the port is closed last."""
        service = self.start()
        client = caller(self.reactor, "echo")
        link = Link(cast(Site, self.reactor.tcpServers[0][1]), client)
        stopped = service.stopService()
        link.flush()
        self.assertEqual((self.log[-1], client.closed), ("cancelling localhost:discoverableclient:10012", None))
        self.leases[0].ended.callback(None)
        link.flush()
        self.assertEqual(client.closed, (1001, "Service is shutting down"))
        self.successResultOf(stopped)

    def test_it_leaves_once(self) -> None:
        """Whoever left before the stop has nothing more to cancel."""
        service = self.start()
        left = service.leave()
        self.leases[0].ended.callback(None)
        self.successResultOf(left)
        self.successResultOf(service.stopService())
        self.assertEqual(len(self.log), 2)

    def test_it_keeps_its_lease_by_itself(self) -> None:
        """Nobody need hand it what registers."""
        service = SampleService(SampleSettings(tls=PLAIN, registries=("http://localhost:1/eureka/",)), self.reactor)
        lease = service._keeping(registration(SampleSettings(), 1))
        assert isinstance(lease, LeaseKeeper)
        self.assertGreater(lease._milliseconds(), 1_700_000_000_000)
