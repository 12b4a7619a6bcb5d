"""The gateway in a registry: what it says there, what it keeps of it, and that none holds it up."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.e2e.harness import EndToEnd, Gateway, merged
from tests.e2e.processes import eventually
from tests.e2e.registries import Registry, applications, instance
from tests.e2e.services import TIMEOUT, echo

PATH = "/discoverableclient/ws/v1/echo"


class Citizen(EndToEnd):
    """A gateway that is registered and read every second."""

    def setUp(self) -> None:
        """A service that is known to a registry."""
        super().setUp()
        service = self.service({"echo": echo})
        self.body = applications(instance(service.url))
        self.registry = Registry(self.body)
        self.addCleanup(self.registry.end)

    def registered(self, settings: dict[str, Any] | None = None) -> Gateway:
        """The gateway."""
        base = {
            "apiml": {"service": {"discoveryServiceUrls": self.registry.url, "hostname": "localhost"}},
            "eureka": {
                "client": {"registryFetchIntervalSeconds": 1},
                "instance": {"leaseRenewalIntervalInSeconds": 1, "leaseExpirationDurationInSeconds": 3},
            },
        }
        return self.gateway(merged(base, settings or {}), secure=False)

    def said(self, gateway: Gateway) -> list[str]:
        """What the gateway said of itself so far, renewals once, without their queries."""
        place = f"/eureka/apps/GATEWAY/localhost:gateway:{gateway.port}"
        shortened = (
            f"{method} {path.replace(place, '~').partition('?lastDirty')[0].partition('?status')[0]}"
            for method, path, _ in self.registry.requests
            if method != "GET"
        )
        return list(dict.fromkeys(shortened))

    def test_from_the_first_word_to_the_last(self) -> None:
        """It registers, undoes what may be left of a former life, renews, withdraws and cancels."""
        gateway = self.registered()
        eventually(lambda: "PUT ~" in self.said(gateway))
        self.assertEqual(gateway.process.stop(), 0)
        said = self.said(gateway)
        self.assertEqual(said[0], "POST /eureka/apps/GATEWAY")
        self.assertIn(said[1], ("DELETE ~/status?value=STARTING", "DELETE ~/status?value=UP"))
        self.assertEqual(said[2:], ["PUT ~", "PUT ~/status?value=OUT_OF_SERVICE", "DELETE ~"])

    def test_not_to_be_registered(self) -> None:
        """Where it is told not to be, it is not."""
        gateway = self.registered({"eureka": {"client": {"registerWithEureka": False}}})
        gateway.wait_until_up()
        self.assertEqual(gateway.process.stop(), 0)
        self.assertEqual(self.said(gateway), [])

    def test_stop_while_the_registry_is_down(self) -> None:
        """A registry that is gone holds up nobody."""
        gateway = self.registered()
        eventually(lambda: "PUT ~" in self.said(gateway))
        self.registry.end()
        begun = time.monotonic()
        self.assertEqual(gateway.process.stop(), 0)
        self.assertLess(time.monotonic() - begun, 5)

    def test_stop_while_the_registry_hangs(self) -> None:
        """One that does not answer holds it up for seven seconds: two for the withdrawal, five for the cancel."""
        gateway = self.registered()
        eventually(lambda: "PUT ~" in self.said(gateway))
        self.registry.delay = 15
        begun = time.monotonic()
        self.assertEqual(gateway.process.stop(), 0)
        self.assertLess(time.monotonic() - begun, 12)

    def test_start_while_every_registry_is_down(self) -> None:
        """What was read before is kept on disk, stands in at a start, and gives way to a registry that is back."""
        file = self.folder / "registry.json"
        settings = {"eureka": {"client": {"backupRegistryFile": str(file)}}}
        gateway = self.registered(settings)
        gateway.wait_until_up()
        self.assertEqual(gateway.process.stop(), 0)
        self.assertEqual((file.stat().st_mode & 0o777, beside(file)), (0o600, [file.name]))

        self.registry.end()
        gateway = self.registered(settings)
        gateway.wait_until_up()
        details = gateway.discovery()["eureka"]["details"]
        self.assertTrue(details["fromDisk"])
        self.assertGreater(details["snapshotAgeSeconds"], 0)
        with gateway.session(PATH) as session:
            session.send("x")
            self.assertEqual(session.recv(timeout=TIMEOUT), "x")

            registry = Registry(self.body, port=self.registry.port)
            self.addCleanup(registry.end)
            eventually(lambda: "fromDisk" not in gateway.discovery()["eureka"]["details"])
            session.send("y")
            self.assertEqual(session.recv(timeout=TIMEOUT), "y")

    def test_notice_of_a_change(self) -> None:
        """Who shows a trusted certificate makes it read the registry at once; who shows none is refused."""
        settings = {
            "apiml": {"service": {"discoveryServiceUrls": self.registry.url}},
            "eureka": {"client": {"registryFetchIntervalSeconds": 3600}},
        }
        gateway = self.gateway(merged(settings, {"server": {"ssl": {"clientAuth": "want"}}}))
        gateway.wait_until_up()
        self.registry.body = self.body.replace(b"discoverableclient:", b"another:").replace(
            b"DISCOVERABLECLIENT", b"ANOTHER"
        )
        self.assertEqual(gateway.request("/gateway/cache/services/another", "DELETE").status, 403)
        self.assertEqual(self.registry.asked(), 1)
        trusted = self.trust((self.certificate, self.key))
        self.assertEqual(gateway.request("/gateway/cache/services/another", "DELETE", trust=trusted).status, 204)
        eventually(lambda: "another" in gateway.services())

    def test_in_its_own_registry(self) -> None:
        """A gateway with an embedded registry is in it, and nothing stands in the way of its stop."""
        gateway = self.gateway({"apiml": {"discovery": {"embedded": {"enabled": True, "port": 0}}}}, secure=False)
        port = int(gateway.process.wait_for(r"registry listening on \S+:(\d+)")[1])
        eventually(lambda: "gateway" in gateway.services())
        connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        self.addCleanup(connection.close)
        connection.request("GET", "/eureka/apps/GATEWAY", headers={"Accept": "application/json"})
        (shown,) = json.loads(connection.getresponse().read())["application"]["instance"]
        self.assertEqual((shown["status"], shown["port"]["$"]), ("UP", gateway.port))
        self.assertEqual(gateway.process.stop(), 0)


def beside(file: Path) -> list[str]:
    """The names in the folder of ``file`` that begin like its own."""
    return sorted(each.name for each in file.parent.iterdir() if each.name.startswith(file.name))
