"""Netflix's Eureka server in processes of its own."""

from __future__ import annotations

import atexit
import json
import socket
import ssl
from collections.abc import Mapping
from functools import cache
from http.client import HTTPConnection, HTTPSConnection
from typing import Any

from tests.discovery.doubles_registrations import instance_json
from tests.discovery.registry_behaviour import Answered
from tests.e2e.processes import Process, eventually
from tests.integration.needed import JAR

#: What makes the server start sooner; it is not here long enough to be optimised.
JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m")
#: Seconds for a server to start on a busy machine.
START = 120.0


class EurekaServer:
    """A server on the loopback, on ``port`` or any free one; ``settings`` are Spring's, as ``name=value``."""

    def __init__(self, *settings: str, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        options = (f"--{each}" for each in (f"server.port={port}", *settings))
        self.process = Process(["java", *JVM, "-jar", str(JAR), *options])
        self._tls = tls
        self._port = port

    @property
    def port(self) -> int:
        """Its port, as soon as it is open."""
        if not self._port:
            self._port = int(self.process.wait_for(r"Tomcat started on port (\d+)", START)[1])
        return self._port

    @property
    def url(self) -> str:
        """Its base URL, as ``discoveryServiceUrls`` wants it."""
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}/eureka/"

    def ready(self) -> EurekaServer:
        """Itself, once it answers."""
        eventually(self._answers, START)
        return self

    def inhabited(self) -> EurekaServer:
        """Itself, with a service that stays: a registry whose last service leaves is not believed."""
        lease = {"renewalIntervalInSecs": 30, "durationInSecs": 3600}
        self.register("http://localhost:1", "STAYING", "localhost:staying:1", leaseInfo=lease)
        return self

    def _answers(self) -> bool:
        try:
            return self.ask("GET", "/apps").status == 200
        except OSError:
            return False

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """The answer to a request below ``/eureka``; JSON is accepted unless ``headers`` says otherwise."""
        connection = (
            HTTPSConnection("localhost", self.port, timeout=START, context=self._tls)
            if self._tls
            else HTTPConnection("localhost", self.port, timeout=START)
        )
        try:
            sent = {"Accept": "application/json", **(headers or {})}
            connection.request(method, f"/eureka{path}", body, sent)
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answered(response.status, fields, response.read())
        finally:
            connection.close()

    def register(self, url: str, app: str, instance_id: str, **members: Any) -> None:
        """Register a service at ``url`` with route ws/v1 -> /discoverableclient/ws, for 90 s."""
        body = json.dumps({"instance": service_json(url, app, instance_id, **members)}).encode()
        status = self.ask("POST", f"/apps/{app}", body, {"Content-Type": "application/json"}).status
        assert status == 204, status

    def instance(self, app: str, instance_id: str) -> Any:
        """An instance as the server shows it; None if it does not know it."""
        answered = self.ask("GET", f"/apps/{app}/{instance_id}")
        return answered.json["instance"] if answered.status == 200 else None

    def status(self, app: str, instance_id: str) -> str | None:
        """An instance's status; None if it is unknown."""
        found = self.instance(app, instance_id)
        return None if found is None else str(found["status"])

    def end(self) -> None:
        """Be gone."""
        self.process.end()


def service_json(url: str, app: str, instance_id: str, **members: Any) -> dict[str, Any]:
    """A registration of the service at ``url``."""
    port = int(url.rpartition(":")[2])
    secure = url.startswith("https")
    told: dict[str, Any] = {
        **instance_json(instance_id, app),
        "port": {"$": port, "@enabled": str(not secure).lower()},
        "securePort": {"$": port, "@enabled": str(secure).lower()},
        "vipAddress": app.lower(),
        "metadata": {
            "apiml.routes.ws_v1.gatewayUrl": "ws/v1",
            "apiml.routes.ws_v1.serviceUrl": "/discoverableclient/ws",
        },
    }
    for name in ("overriddenStatus", "lastUpdatedTimestamp", "lastDirtyTimestamp", "actionType"):
        told.pop(name)
    return {**told, **members}


@cache
def shared() -> EurekaServer:
    """One server for all tests that leave it as they found it; it ends with the process."""
    server = EurekaServer()
    atexit.register(server.end)
    return server.ready().inhabited()


def free_port() -> int:
    """A port of the loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
