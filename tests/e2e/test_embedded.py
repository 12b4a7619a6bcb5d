"""The embedded registry as its users meet it: the port, who gets in, and what it says."""

from __future__ import annotations

import json
import ssl
from http.client import HTTPConnection, HTTPSConnection
from typing import Any

from tests.e2e.harness import Answer, EndToEnd, Gateway, merged
from tests.e2e.processes import Process
from tests.e2e.registries import instance
from tests.e2e.services import TIMEOUT, basic, echo

LISTENING = r"registry listening on (https?)://127\.0\.0\.1:(\d+)"
PATH = "/discoverableclient/ws/v1/echo"
APPLICATION = "/eureka/apps/DISCOVERABLECLIENT"


class Embedded(EndToEnd):
    """A gateway with a registry of its own."""

    def with_registry(self, settings: dict[str, Any] | None = None, *, secure: bool = True) -> Gateway:
        """One whose registry is on a free port."""
        embedded = {"apiml": {"discovery": {"embedded": {"enabled": True, "port": 0}}}}
        return self.gateway(merged(embedded, settings or {}), secure=secure)

    def ask(
        self,
        process: Process,
        method: str = "GET",
        path: str = "/eureka/apps",
        body: object = None,
        trust: ssl.SSLContext | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request to the registry of ``process``."""
        found = process.wait_for(LISTENING)
        port = int(found[2])
        connection = (
            HTTPSConnection("localhost", port, timeout=TIMEOUT, context=trust or self.trust())
            if found[1] == "https"
            else HTTPConnection("localhost", port, timeout=TIMEOUT)
        )
        try:
            fields = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, None if body is None else json.dumps(body), fields)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def test_a_service_that_registers(self) -> None:
        """What was registered gets sessions at once, is listed in JSON and XML as asked, and is unknown when it cancels."""
        for secure in (True, False):
            gateway = self.with_registry(secure=secure)
            owner = {"@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", "name": "MyOwn"}
            said = {**instance(self.service({"echo": echo}).url), "dataCenterInfo": owner}
            self.assertEqual(self.ask(gateway.process, "POST", APPLICATION, {"instance": said}).status, 204)
            with gateway.session(PATH) as session:
                session.send("x")
                self.assertEqual(session.recv(timeout=TIMEOUT), "x")
            listed = self.ask(gateway.process, headers={"Accept": "application/json"}).json["applications"][
                "application"
            ]
            self.assertIn("DISCOVERABLECLIENT", [each["name"] for each in listed])
            self.assertTrue(self.ask(gateway.process).body.startswith(b"<applications>"))
            name = said["instanceId"]
            self.assertEqual(self.ask(gateway.process, "PUT", f"{APPLICATION}/{name}").status, 200)
            self.assertEqual(self.ask(gateway.process, "DELETE", f"{APPLICATION}/{name}").status, 200)
            self.assertEqual(gateway.request("/application/health").status, 200)
            with self.assertRaisesRegex(Exception, "not known"), gateway.session(PATH) as session:
                session.recv(timeout=TIMEOUT)

    def test_credentials(self) -> None:
        """Whoever does not know them is 401, to read and to write."""
        gateway = self.with_registry({"apiml": {"discovery": {"userid": "eureka", "password": "secret"}}})
        for headers, status in (
            ({}, 401),
            (basic("eureka", "guess"), 401),
            (basic("eureka", "secret"), 200),
        ):
            self.assertEqual(self.ask(gateway.process, headers=headers).status, status, headers)

    def test_client_certificates(self) -> None:
        """What ``clientAuth`` says of the gateway's port holds for the registry's too."""
        shown = self.trust((self.certificate, self.key))
        for mode in ("none", "want", "need"):
            gateway = self.with_registry({"server": {"ssl": {"clientAuth": mode}}})
            self.assertEqual(self.ask(gateway.process, trust=shown).status, 200, mode)
            if mode == "need":
                self.assertRaises(OSError, self.ask, gateway.process)
            else:
                self.assertEqual(self.ask(gateway.process).status, 200, mode)
