"""The gateway's own registration."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config import Config, EurekaConfig, TlsConfig
from apiml_ws.core.registry import Status, routes
from apiml_ws.discovery.gateway_instance import gateway_registration
from apiml_ws.discovery.registering import read_registration
from apiml_ws.discovery.registration import Port, Registration
from apiml_ws.discovery.usable import instance_of
from apiml_ws.discovery.wire_out import dumped, registration_body

CONFIG = Config(
    hostname="gw.example", eureka=EurekaConfig(renewal_interval=5.0, lease_duration=15.0), tls=TlsConfig(enabled=True)
)


def registered(config: Config = CONFIG) -> Registration:
    """What the gateway says of itself on port 10010."""
    return gateway_registration(config, 10010, "192.0.2.7", Status.UP)


class GatewayInstanceTests(SynchronousTestCase):
    """As section 4 of the reference's contract has it."""

    def test_names(self) -> None:
        """Its application is the service id, its id host, service id and port."""
        said = registered()
        self.assertEqual((said.app, said.key), ("gateway", "gw.example:gateway:10010"))
        self.assertEqual((said.texts["vipAddress"], said.texts["secureVipAddress"]), ("gateway", "gateway"))
        self.assertEqual((said.host_name, said.ip_addr), ("gw.example", "192.0.2.7"))
        self.assertEqual((said.lease.renewal_interval, said.lease.duration), (5, 15))

    def test_secure(self) -> None:
        """With TLS the secure port is in use, and the addresses are https."""
        said = registered()
        self.assertEqual((said.port, said.secure_port), (Port(0, enabled=False), Port(10010, enabled=True)))
        self.assertEqual(
            dict(said.texts),
            {
                "homePageUrl": "https://gw.example:10010/",
                "statusPageUrl": "https://gw.example:10010/application/info",
                "healthCheckUrl": "https://gw.example:10010/application/health",
                "secureHealthCheckUrl": "https://gw.example:10010/application/health",
                "vipAddress": "gateway",
                "secureVipAddress": "gateway",
            },
        )

    def test_plain(self) -> None:
        """Without TLS it is the other way round."""
        said = registered(replace(CONFIG, tls=TlsConfig(enabled=False)))
        self.assertEqual((said.port, said.secure_port), (Port(10010, enabled=True), Port(0, enabled=False)))
        self.assertEqual(said.texts["healthCheckUrl"], "http://gw.example:10010/application/health")
        self.assertNotIn("secureHealthCheckUrl", said.texts)

    def test_metadata(self) -> None:
        """Title, version, route and id are there; nothing that this gateway has not."""
        metadata = registered().metadata
        self.assertEqual(metadata["apiml.service.apimlId"], "gw.example_10010")
        self.assertEqual(metadata["apiml.service.externalUrl"], "https://gw.example:10010")
        self.assertEqual(metadata["apiml.apiInfo.0.version"], version("apiml-ws"))
        self.assertEqual(metadata["management.port"], "10010")
        self.assertEqual({url: each.service_url for url, each in routes(metadata).items()}, {"api/v1": "/gateway"})
        self.assertNotIn("apiml.authentication.sso", metadata)

    def test_ipv6_host(self) -> None:
        """An address of version 6 stands in brackets in URLs, and nowhere else."""
        said = registered(replace(CONFIG, hostname="2001:db8::1"))
        self.assertEqual(said.texts["homePageUrl"], "https://[2001:db8::1]:10010/")
        self.assertEqual(said.host_name, "2001:db8::1")

    def test_any_registry_takes_it(self) -> None:
        """It is judged as Netflix's server does, and can be dialled."""
        body = dumped(registration_body(registered()))
        self.assertEqual(read_registration(body, "application/json", "GATEWAY").metadata, registered().metadata)
        self.assertEqual(instance_of(registered()).address, "wss://gw.example:10010")
