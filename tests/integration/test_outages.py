"""Registries that go away, come back with nothing, and with something else, while sessions are open."""

from __future__ import annotations

import time
from typing import Any

from websockets.sync.client import ClientConnection

from tests.e2e.harness import EndToEnd, Gateway
from tests.e2e.processes import eventually
from tests.e2e.registries import Registry
from tests.e2e.services import TIMEOUT, Service, echo
from tests.integration.needed import demand_registry
from tests.integration.servers import EurekaServer, free_port


class OutageTests(EndToEnd):
    """A gateway that closes the sessions of an instance which is taken off, so that a mistake would show."""

    def setUp(self) -> None:
        """A server can be started."""
        demand_registry()
        super().setUp()

    def server(self, *settings: str, port: int) -> EurekaServer:
        """A server that ends with the test; it is not waited for."""
        server = EurekaServer(*settings, port=port)
        self.addCleanup(server.end)
        return server

    def reading(self, *urls: str) -> Gateway:
        """A gateway that is read and registered every second."""
        settings: dict[str, Any] = {
            "server": {"webSocket": {"drain": "close", "propagation": "never"}},
            "apiml": {"service": {"discoveryServiceUrls": ",".join(urls), "hostname": "localhost"}},
            "eureka": {
                "client": {"registryFetchIntervalSeconds": 1},
                "instance": {"leaseRenewalIntervalInSeconds": 1, "leaseExpirationDurationInSeconds": 30},
            },
        }
        gateway = self.gateway(settings, secure=False)
        self.instance_id = f"localhost:gateway:{gateway.port}"
        return gateway

    def register(self, server: EurekaServer, service: Service, name: str) -> None:
        """Let ``service`` be an instance of ``name``."""
        server.register(service.url, name.upper(), f"localhost:{name}:{service.port}")

    def assert_alive(self, gateway: Gateway, session: ClientConnection, name: str) -> None:
        """The session goes on, new ones can be opened, and the gateway is UP."""
        for each in (session, gateway.session(f"/{name}/ws/v1/echo")):
            each.send("alive")
            self.assertEqual(each.recv(timeout=TIMEOUT), "alive")
            if each is not session:
                each.close()
        self.assertEqual(gateway.request("/application/health").status, 200)

    def read_after(self, gateway: Gateway, seconds: float) -> None:
        """Wait until the registry was not read for so long."""
        eventually(lambda: age(gateway) > seconds)

    def test_restarted_empty_with_other_data_and_as_nonsense(self) -> None:
        """Whatever stands at the registry's address, no session is closed, no route is lost, and all is well in the end."""
        port = free_port()
        first, second = self.service({"echo": echo}), self.service({"echo": echo})
        server = self.server(port=port).ready()
        self.register(server, first, "first")
        gateway = self.reading(server.url)
        eventually(lambda: "first" in gateway.services())
        with gateway.session("/first/ws/v1/echo") as session:
            server.end()
            self.read_after(gateway, 2)
            self.assert_alive(gateway, session, "first")

            nonsense = Registry(b"<html>maintenance</html>", port=port)
            self.addCleanup(nonsense.end)
            eventually(lambda: nonsense.asked() >= 2)
            self.assert_alive(gateway, session, "first")
            nonsense.end()

            # The gateway itself is the first to register again.
            server = self.server(port=port).ready()
            eventually(lambda: server.status("GATEWAY", self.instance_id) == "UP")
            self.read_after(gateway, 3)
            self.assert_alive(gateway, session, "first")

            self.register(server, second, "second")
            eventually(lambda: "second" in gateway.services())
            self.assertLess(age(gateway), 3)
            self.assertIn("first", gateway.services())
            self.assert_alive(gateway, session, "first")

            self.register(server, first, "first")
            eventually(lambda: age(gateway) < 1)
            self.assert_alive(gateway, session, "second")
            self.assert_alive(gateway, session, "first")
            # From now on the server is believed again: who leaves is gone.
            server.ask("DELETE", f"/apps/SECOND/localhost:second:{second.port}")
            eventually(lambda: "second" not in gateway.services())
            self.assert_alive(gateway, session, "first")

    def test_peers(self) -> None:
        """Of two servers that know each other one is lost and comes back; the gateway goes on with the other, known to it."""
        ports = (free_port(), free_port())
        bases = [f"http://{host}:{port}/eureka/" for host, port in zip(("localhost", "127.0.0.1"), ports, strict=True)]
        one, two = self.peer("localhost", ports[0], bases[1]), self.peer("127.0.0.1", ports[1], bases[0])
        service = self.service({"echo": echo})
        self.register(one.ready(), service, "shared")
        eventually(lambda: two.ready().status("SHARED", f"localhost:shared:{service.port}") == "UP")
        gateway = self.reading(*bases)
        eventually(lambda: "shared" in gateway.services())
        eventually(lambda: two.status("GATEWAY", self.instance_id) == "UP")
        with gateway.session("/shared/ws/v1/echo") as session:
            one.end()
            eventually(lambda: f"is read from {bases[1]}" in gateway.process.log)
            self.assertLess(age(gateway), 10)
            self.assert_alive(gateway, session, "shared")
            eventually(lambda: f"{self.instance_id} is registered at {bases[1]}" in gateway.process.log)

            one = self.peer("localhost", ports[0], bases[1]).ready()
            eventually(lambda: one.status("SHARED", f"localhost:shared:{service.port}") == "UP")
            eventually(lambda: one.status("GATEWAY", self.instance_id) == "UP")
            two.end()
            eventually(lambda: gateway.process.log.count(f"is read from {bases[0]}") == 2)
            self.assert_alive(gateway, session, "shared")
        self.assertEqual(gateway.process.stop(), 0)
        self.assertIsNone(one.status("GATEWAY", self.instance_id))

    def peer(self, host: str, port: int, other: str) -> EurekaServer:
        """A server that fills itself from ``other`` at its start, with the caches of production, though shorter."""
        settings = {
            "eureka.instance.hostname": host,
            "eureka.client.service-url.defaultZone": other,
            "eureka.client.fetch-registry": "true",
            "eureka.server.registry-sync-retries": "3",
            "eureka.server.registry-sync-retry-wait-ms": "200",
            "eureka.server.use-read-only-response-cache": "true",
            "eureka.server.response-cache-update-interval-ms": "500",
        }
        return self.server(*(f"{name}={value}" for name, value in settings.items()), port=port)

    def test_self_preservation(self) -> None:
        """A server that keeps instances though their leases ended is believed, and a session to one of them is not lost."""
        server = self.server("eureka.server.enable-self-preservation=true", port=free_port()).ready()
        service = self.service({"echo": echo})
        lease = {"renewalIntervalInSecs": 1, "durationInSecs": 1}
        server.register(service.url, "MORTAL", f"localhost:mortal:{service.port}", leaseInfo=lease)
        gateway = self.reading(server.url)
        eventually(lambda: "mortal" in gateway.services())
        with gateway.session("/mortal/ws/v1/echo") as session:
            # Two durations, and the timer of eviction twice.
            time.sleep(3.5)
            self.assertEqual(server.status("MORTAL", f"localhost:mortal:{service.port}"), "UP")
            self.assertLess(age(gateway), 3)
            self.assert_alive(gateway, session, "mortal")


def age(gateway: Gateway) -> float:
    """Seconds since a registry was read last."""
    seconds: float = gateway.discovery()["eureka"]["details"]["snapshotAgeSeconds"]
    return seconds
