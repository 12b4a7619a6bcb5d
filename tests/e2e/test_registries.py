"""Eureka as it is on good and on bad days."""

from __future__ import annotations

from typing import Any

from tests.e2e.harness import EndToEnd, Gateway, merged
from tests.e2e.processes import eventually
from tests.e2e.registries import Registry, applications, instance
from tests.e2e.services import TIMEOUT, close_of, echo

PATH = "/discoverableclient/ws/v1/echo"


class Eureka(EndToEnd):
    """A gateway that reads every second."""

    def registry(self, body: bytes = b"", status: int = 200) -> Registry:
        """A registry that ends with the test."""
        registry = Registry(body, status)
        self.addCleanup(registry.end)
        return registry

    def reading(self, urls: str, **settings: Any) -> Gateway:
        """A gateway that reads ``urls``."""
        eureka = {"client": {"registryFetchIntervalSeconds": 1, "registerWithEureka": False}}
        base = {"apiml": {"service": {"discoveryServiceUrls": urls}}, "eureka": eureka}
        return self.gateway(merged(base, settings), secure=False)

    def read_twice(self, registry: Registry) -> None:
        """Until what it says now was read, for the first of two reads may have begun before it said so."""
        seen = registry.asked()
        eventually(lambda: registry.asked() >= seen + 2)

    def assert_echoes(self, gateway: Gateway) -> None:
        """A session through the gateway works."""
        with gateway.session(PATH) as session:
            session.send("x")
            self.assertEqual(session.recv(timeout=TIMEOUT), "x")

    def test_down_at_the_start(self) -> None:
        """A gateway whose registry is not there yet is DOWN, knows nobody, and gets well by itself."""
        service = self.service({"echo": echo})
        registry = self.registry(b"busy", 503)
        gateway = self.reading(registry.url)
        eventually(registry.asked)
        health = gateway.request("/application/health")
        self.assertEqual((health.status, health.json["status"]), (503, "DOWN"))
        with gateway.session(PATH) as session:
            expected = (1003, "Requested service discoverableclient is not known by the gateway")
            self.assertEqual(close_of(session), expected)
        registry.body, registry.status = applications(instance(service.url)), 200
        gateway.wait_until_up()
        self.assert_echoes(gateway)

    def test_lost_later(self) -> None:
        """A registry that is lost, refuses, or lies leaves the gateway UP with what it knew, and its sessions open."""
        service = self.service({"echo": echo})
        good = applications(instance(service.url))
        registry = self.registry(good)
        gateway = self.reading(registry.url)
        gateway.wait_until_up()
        nonsense = {"instanceId": "x", "hostName": "a b\r\n", "app": "DISCOVERABLECLIENT", "status": "UP"}
        bad_days = {
            "an error": (500, b"no"),
            "unauthorized": (401, b"{}"),
            "no JSON": (200, b"<html>"),
            "another JSON": (200, b"[1, 2]"),
            "nobody": (200, applications()),
            "nobody usable": (200, applications(nonsense)),
        }
        with gateway.session(PATH) as session:
            for name, (status, body) in bad_days.items():
                registry.status, registry.body = status, body
                self.read_twice(registry)
                session.send(name)
                self.assertEqual(session.recv(timeout=TIMEOUT), name)
                self.assert_echoes(gateway)
                self.assertEqual(gateway.request("/application/health").status, 200, name)
            registry.end()
            self.assert_echoes(gateway)
            eventually(lambda: age(gateway) > 2)

    def test_slow(self) -> None:
        """A registry that takes its time holds up nobody."""
        service = self.service({"echo": echo})
        registry = self.registry(applications(instance(service.url)))
        gateway = self.reading(registry.url)
        gateway.wait_until_up()
        registry.delay = 3
        seen = registry.asked()
        eventually(lambda: registry.asked() > seen)
        self.assert_echoes(gateway)

    def test_the_next_url(self) -> None:
        """When the first of several URLs does not answer the next one is asked, with the credentials in it."""
        service = self.service({"echo": echo})
        dead = self.registry()
        dead.end()
        registry = self.registry(applications(instance(service.url)))
        with_credentials = registry.url.replace("http://", "http://eureka:p%40ss@")
        gateway = self.reading(f"{dead.url},{with_credentials}")
        gateway.wait_until_up()
        self.assert_echoes(gateway)
        _, path, headers = registry.requests[0]
        self.assertEqual(path.rstrip("/"), "/eureka/apps")
        self.assertEqual(headers["authorization"], "Basic ZXVyZWthOnBAc3M=")
        self.assertEqual(headers["accept"], "application/json")
        self.assertNotIn("p%40ss", gateway.process.log)

    def test_changes(self) -> None:
        """New instances get sessions, those that are not UP get none, and a service that is gone is unknown."""
        one, two = self.service({"echo": echo}), self.service({"echo": echo})
        registry = self.registry(applications(instance(one.url)))
        gateway = self.reading(registry.url)
        gateway.wait_until_up()
        self.assert_echoes(gateway)
        registry.body = applications(instance(one.url, status="DOWN"), instance(two.url, "two"))
        self.read_twice(registry)
        self.assert_echoes(gateway)
        self.assertEqual((len(one.sessions), len(two.sessions)), (1, 1))
        other = instance(two.url, "other")
        other["app"] = other["vipAddress"] = "OTHER"
        registry.body = applications(other).replace(b"DISCOVERABLECLIENT", b"OTHER")
        self.read_twice(registry)
        with gateway.session(PATH) as session:
            expected = (1003, "Requested service discoverableclient is not known by the gateway")
            self.assertEqual(close_of(session), expected)

    def test_round_robin(self) -> None:
        """Two instances get the same number of sessions."""
        one, two = self.service({"echo": echo}), self.service({"echo": echo})
        registry = self.registry(applications(instance(one.url), instance(two.url, "two")))
        gateway = self.reading(registry.url)
        gateway.wait_until_up()
        for _ in range(6):
            self.assert_echoes(gateway)
        self.assertEqual((len(one.sessions), len(two.sessions)), (3, 3))

    def test_a_dead_instance_is_passed_over(self) -> None:
        """An instance that does not answer though it is UP costs no session: the next one is dialled."""
        dead, alive = self.service({"echo": echo}), self.service({"echo": echo})
        dead.end()
        registry = self.registry(applications(instance(dead.url), instance(alive.url, "two")))
        gateway = self.reading(registry.url)
        gateway.wait_until_up()
        for _ in range(4):
            self.assert_echoes(gateway)
        self.assertEqual(len(alive.sessions), 4)


def age(gateway: Gateway) -> float:
    """Seconds since the registry last confirmed what it said."""
    composite = gateway.request("/application/health").json["components"]["discoveryComposite"]["components"]
    seconds: float = composite["eureka"]["details"]["snapshotAgeSeconds"]
    return seconds
