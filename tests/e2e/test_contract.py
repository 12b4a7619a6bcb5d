"""The reference system's own integration tests (section 9 of its contract), each in both forms of the URL."""

from __future__ import annotations

from typing import Any

from tests.e2e.harness import EndToEnd, Gateway
from tests.e2e.processes import Process, eventually, twistd
from tests.e2e.services import TIMEOUT, VALID, basic, close_of, header, uppercase


class Shared:
    """Keeps the cases from being run by themselves."""

    class Contract(EndToEnd):
        """The cases; a class that has them starts the gateway and a service."""

        gateway_here: Gateway

        def closed(self, path: str, **options: Any) -> tuple[int | None, str]:
            """How a session at ``path`` is closed."""
            with self.gateway_here.session(path, **options) as session:
                return close_of(session)

        def paths(self, service: str, rest: str) -> tuple[str, str]:
            """Both forms."""
            return f"/ws/v1/{service}/{rest}", f"/{service}/ws/v1/{rest}"

        def test_message(self) -> None:
            """A text comes back in capitals, and the client closes."""
            for path in self.paths("discoverableclient", "uppercase"):
                with self.gateway_here.session(path) as session:
                    session.send("hello world!")
                    self.assertEqual(session.recv(timeout=TIMEOUT), "HELLO WORLD!")

        def test_headers(self) -> None:
            """Headers and cookies of the handshake reach the service, more than 6 KB of them too."""
            many = {f"X-Test-{number}": "y" * 3000 for number in range(3)}
            headers = {**VALID, **many, "X-Test": "value", "Cookie": "apimlAuthenticationToken=tokenValue"}
            for path in self.paths("discoverableclient", "header"):
                with self.gateway_here.session(path, headers=headers) as session:
                    session.send("gimme those headers")
                    answer = session.recv(timeout=TIMEOUT)
                    for part in ('x-test:"value"', "apimlAuthenticationToken=tokenValue", 'x-test-2:"yyy'):
                        self.assertIn(part, answer)
                    session.send("bye")
                    self.assertEqual(close_of(session), (1000, ""))

        def test_bad_path(self) -> None:
            """A path that the service does not have is 1003 with the service's status."""
            for path in self.paths("discoverableclient", "bad"):
                code, reason = self.closed(path)
                self.assertEqual(code, 1003)
                self.assertRegex(
                    reason,
                    r"^Error opening session to WebSocket service at wss?://\S+/discoverableclient/ws/bad: HTTP 404$",
                )

        def test_unknown_service(self) -> None:
            """A service that nobody registered is 1003 by name."""
            for path in self.paths("wrong-service", "uppercase"):
                expected = (1003, "Requested service wrong-service is not known by the gateway")
                self.assertEqual(self.closed(path), expected)

        def test_unknown_route(self) -> None:
            """A version that the service has no route for is 1003 by name."""
            for path in ("/ws/v9/discoverableclient/uppercase", "/discoverableclient/ws/v9/uppercase"):
                self.assertEqual(self.closed(path), (1003, "Requested ws/v9 url is not known by the gateway"))

        def test_bad_url(self) -> None:
            """A path that is too short is 1003, without credentials too."""
            for path in ("/ws/wrong", "/discoverableclient/ws/v1"):
                self.assertEqual(self.closed(path, headers={}), (1003, "Invalid URL format"))

        def test_invalid_credentials(self) -> None:
            """A password that the service refuses is 1003."""
            for path in self.paths("discoverableclient", "uppercase"):
                expected = (1003, "Invalid login credentials")
                self.assertEqual(self.closed(path, headers=basic("user", "invalidPass")), expected)

        def test_bye(self) -> None:
            """A service that closes after its answer closes the client's session, with its code and no reason."""
            for path in self.paths("discoverableclient", "uppercase"):
                with self.gateway_here.session(path) as session:
                    session.send("bye")
                    self.assertEqual(session.recv(timeout=TIMEOUT), "BYE")
                    self.assertEqual(close_of(session), (1000, ""))


class PlainService(Shared.Contract):
    """A service written with the websockets library, without TLS; a gateway without TLS."""

    def setUp(self) -> None:
        """Both."""
        super().setUp()
        service = self.service({"uppercase": uppercase, "header": header}, authenticate=True)
        self.gateway_here = self.gateway_to(service, secure=False)


class SecureService(Shared.Contract):
    """The same with TLS on both sides."""

    def setUp(self) -> None:
        """Both."""
        super().setUp()
        conversations = {"uppercase": uppercase, "header": header}
        service = self.service(conversations, authenticate=True, tls=self.serving_tls())
        self.gateway_here = self.gateway_to(service)


class SampleService(Shared.Contract):
    """The project's own sample service, which registers itself at the gateway's embedded registry."""

    def setUp(self) -> None:
        """A gateway with a registry, and two instances."""
        super().setUp()
        embedded = {"enabled": True, "port": 0}
        self.gateway_here = self.gateway({"apiml": {"discovery": {"embedded": embedded}}})
        port = self.gateway_here.process.wait_for(r"registry listening on https://127\.0\.0\.1:(\d+)")[1]
        self.instances = [self.start_instance(f"https://localhost:{port}/eureka/") for _ in range(2)]
        for instance in self.instances:
            instance.wait_for("is registered at")

    def start_instance(self, registry: str) -> Process:
        """One instance, of the test's own authority."""
        tls = ("--certificate", self.certificate, "--key", self.key, "--ca", self.authorities)
        return self.start(twistd("discoverableclient", "--registry", registry, *tls))

    def test_stopping_takes_it_off(self) -> None:
        """An instance that stops takes itself off the registry, and ends with status 0."""
        for instance in self.instances:
            self.assertEqual(instance.stop(), 0)
        eventually(lambda: "discoverableclient" not in known_services(self.gateway_here))


def known_services(gateway: Gateway) -> list[str]:
    """The services that the gateway knows."""
    composite = gateway.request("/application/health").json["components"]["discoveryComposite"]["components"]
    services: list[str] = composite["discoveryClient"]["details"]["services"]
    return services
