"""A gateway as Netflix's server sees it, from its first word to its last."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

from tests.e2e.harness import EndToEnd, Gateway
from tests.e2e.processes import eventually
from tests.e2e.services import TIMEOUT, close_of, echo
from tests.integration.needed import demand_registry
from tests.integration.servers import free_port, shared


class GatewayTests(EndToEnd):
    """A gateway that is read and registered every second."""

    def setUp(self) -> None:
        """The server is up."""
        demand_registry()
        super().setUp()
        self.server = shared()
        self.app = f"GW-{uuid4().hex[:12]}".upper()

    def registered(self, *, secure: bool = False, interval: int = 1, **server: Any) -> Gateway:
        """A gateway with a name of its own that reads every ``interval`` seconds; ``server`` are settings below that."""
        settings: dict[str, Any] = {
            "server": server,
            "apiml": {
                "service": {
                    "serviceId": self.app.lower(),
                    "hostname": "localhost",
                    "discoveryServiceUrls": self.server.url,
                }
            },
            "eureka": {
                "client": {"registryFetchIntervalSeconds": interval},
                "instance": {"leaseRenewalIntervalInSeconds": 1, "leaseExpirationDurationInSeconds": 30},
            },
        }
        gateway = self.gateway(settings, secure=secure)
        self.instance_id = f"localhost:{self.app.lower()}:{gateway.port}"
        eventually(lambda: self.status() == "UP")
        return gateway

    def status(self) -> str | None:
        """The gateway's status at the server."""
        return self.server.status(self.app, self.instance_id)

    def serving(self, name: str) -> None:
        """Register a service that echoes."""
        service = self.service({"echo": echo})
        self.server.register(service.url, name.upper(), f"localhost:{name}:{service.port}")

    def test_as_the_server_shows_it(self) -> None:
        """It is there with the port that is open, its addresses and its metadata, and gone after a stop."""
        gateway = self.registered(secure=True)
        shown = self.server.instance(self.app, self.instance_id)
        self.assertEqual(shown["securePort"], {"$": gateway.port, "@enabled": "true"})
        self.assertEqual(shown["port"], {"$": 0, "@enabled": "false"})
        self.assertEqual(shown["healthCheckUrl"], f"https://localhost:{gateway.port}/application/health")
        self.assertEqual(shown["metadata"]["apiml.service.apimlId"], f"localhost_{gateway.port}")
        self.assertEqual(shown["vipAddress"], self.app.lower())
        self.assertEqual(shown["leaseInfo"]["durationInSecs"], 30)
        self.assertEqual(gateway.process.stop(), 0)
        self.assertIsNone(self.status())

    def test_order_at_a_stop(self) -> None:
        """It is out of service before any session is closed, refuses new ones while it closes them, and then is gone."""
        service = f"svc-{uuid4().hex[:12]}"
        self.serving(service)
        gateway = self.registered(webSocket={"closeRate": 1, "stopTimeout": 20000})
        path = f"/{service}/ws/v1/echo"
        eventually(lambda: service in gateway.services())
        with ExitStack() as stack:
            sessions = [stack.enter_context(gateway.session(path)) for _ in range(3)]
            for session in sessions:
                session.send("x")
                self.assertEqual(session.recv(timeout=TIMEOUT), "x")
            gateway.process.send(signal.SIGTERM)
            self.assertEqual(close_of(sessions[0]), (1001, "Gateway is shutting down"))
            self.assertEqual(self.status(), "OUT_OF_SERVICE")
            self.assertEqual(gateway.request("/application/health").status, 503)
            sessions[2].send("still here")
            self.assertEqual(sessions[2].recv(timeout=TIMEOUT), "still here")
            for session in sessions[1:]:
                self.assertEqual(close_of(session), (1001, "Gateway is shutting down"))
        self.assertEqual(gateway.process.exit_status(), 0)
        self.assertIsNone(self.status())

    def test_killed_while_stopping(self) -> None:
        """A gateway that is killed while it is out of service is UP again when it is started again."""
        service = f"svc-{uuid4().hex[:12]}"
        self.serving(service)
        port = free_port()
        gateway = self.registered(port=port, webSocket={"closeRate": 1, "stopTimeout": 20000})
        eventually(lambda: service in gateway.services())
        with gateway.session(f"/{service}/ws/v1/echo"), gateway.session(f"/{service}/ws/v1/echo"):
            gateway.process.send(signal.SIGTERM)
            eventually(lambda: self.status() == "OUT_OF_SERVICE")
            gateway.process.send(signal.SIGKILL)
        self.assertEqual(gateway.process.exit_status(), -signal.SIGKILL)
        self.assertEqual(self.status(), "OUT_OF_SERVICE")
        self.registered(port=port)

    def test_notice_of_a_change(self) -> None:
        """A notice of somebody with a trusted certificate makes it read at once; others are refused."""
        service = f"svc-{uuid4().hex[:12]}"
        gateway = self.registered(secure=True, interval=3600, ssl={"clientAuth": "want"})
        self.serving(service)
        path = f"/gateway/cache/services/{service}"
        self.assertEqual(gateway.request(path, "DELETE").status, 403)
        self.assertNotIn(service, gateway.services())
        answer = gateway.request(path, "DELETE", trust=self.trust((self.certificate, self.key)))
        self.assertEqual((answer.status, answer.body), (204, b""))
        eventually(lambda: service in gateway.services(), 5)
