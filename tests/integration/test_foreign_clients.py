"""Services that register with libraries which others wrote, at Netflix's server and at ours; the gateway finds them."""

from __future__ import annotations

import atexit
import json
import shutil
import ssl
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from tests.certificates import leaf, write_pem, write_trust
from tests.e2e.harness import EndToEnd, Gateway, merged
from tests.e2e.processes import Process, eventually
from tests.e2e.services import TIMEOUT, Service, echo
from tests.integration.needed import FOLDER, demand_node, demand_python_client, demand_registry
from tests.integration.servers import EurekaServer, shared

FOREIGN = FOLDER / "foreign"
#: What a service says of its sessions.
METADATA = {
    "apiml.routes.ws_v1.gatewayUrl": "ws/v1",
    "apiml.routes.ws_v1.serviceUrl": "/discoverableclient/ws",
}


@cache
def guarded() -> EurekaServer:
    """A server that wants certificates, as Zowe's has it."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    certificate, key = write_pem(folder, leaf())
    authority = write_trust(folder)
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    settings = (f"tls.certificate={certificate}", f"tls.key={key}", f"tls.authority={authority}")
    server = EurekaServer("spring.profiles.active=mtls", *settings, tls=context)
    atexit.register(server.end)
    return server.ready().inhabited()


class ForeignClients(EndToEnd):
    """A gateway, a registry, and clients that register there."""

    def setUp(self) -> None:
        """Another name in every test."""
        self.unique = uuid4().hex[:12]
        super().setUp()

    def reading(self, url: str, *, secure: bool = False) -> tuple[Gateway, str]:
        """A gateway with the routes of the registry at ``url``, which it says as well."""
        settings = {
            "apiml": {"service": {"discoveryServiceUrls": url, "hostname": "localhost"}},
            "eureka": {
                "client": {"registryFetchIntervalSeconds": 1},
                "instance": {"leaseRenewalIntervalInSeconds": 1, "leaseExpirationDurationInSeconds": 5},
            },
        }
        return self.gateway(settings, secure=secure), url

    def embedding(self, *, secure: bool = False) -> tuple[Gateway, str]:
        """A gateway with a registry of its own, and the URL of that."""
        settings: dict[str, Any] = {"apiml": {"discovery": {"embedded": {"enabled": True, "port": 0}}}}
        if secure:
            settings = merged(settings, {"server": {"ssl": {"clientAuth": "need"}}})
        gateway = self.gateway(settings, secure=secure)
        port = gateway.process.wait_for(r"registry listening on \S+:(\d+)")[1]
        return gateway, f"{'https' if secure else 'http'}://localhost:{port}/eureka/"

    def assert_routed(self, gateway: Gateway, service: Service, name: str, client: Process) -> None:
        """Sessions go to the service as long as its client has it registered."""
        trust = self.trust((self.certificate, self.key))
        eventually(lambda: name in gateway.services(trust))
        with gateway.session(f"/{name}/ws/v1/echo", **({"trust": trust} if gateway.secure else {})) as session:
            session.send(name)
            self.assertEqual(session.recv(timeout=TIMEOUT), name)
        self.assertEqual(len(service.sessions), 1)
        client.close_input()
        self.assertEqual(client.exit_status(), 0)
        eventually(lambda: name not in gateway.services(trust))

    # Plain HTTP

    def assert_clients(self, gateway: Gateway, url: str) -> None:
        """Clients for Python and JavaScript register at ``url``, see each other, renew and leave."""
        python, script = [sys.executable, str(FOREIGN / "py_client.py")], ["node", str(FOREIGN / "js_client.cjs")]
        for command, name in ((python, f"py-{self.unique}"), (script, f"js-{self.unique}")):
            service = self.service({"echo": echo})
            client = self.start([*command, url, name, str(service.port), json.dumps(METADATA)])
            client.wait_for("registered")
            other = self.start([*python, url, f"see-{name}", str(service.port), "{}"])
            self.assertIn(name.upper(), other.wait_for("registered; sees (.*)")[1].split())
            other.close_input()
            self.assert_routed(gateway, service, name, client)

    def test_at_netflix(self) -> None:
        """With Netflix's server between them."""
        demand_registry()
        demand_python_client()
        demand_node()
        self.assert_clients(*self.reading(shared().url))

    def test_at_ours(self) -> None:
        """With the gateway's own registry."""
        demand_python_client()
        demand_node()
        self.assert_clients(*self.embedding())

    # Client certificates

    def assert_enabler(self, gateway: Gateway, url: str) -> None:
        """Zowe's enabler registers over TLS, with a certificate that is asked for."""
        service = self.service({"echo": echo}, tls=self.serving_tls())
        name = f"zowe-{self.unique}"
        self.configure(name, service.port, int(url.split(":")[2].partition("/")[0]))
        client = self.start(["node", str(FOREIGN / "zowe_client.mjs")])
        self.assert_routed(gateway, service, name, client)

    def configure(self, name: str, port: int, registry: int) -> None:
        """Write what the enabler reads in its current folder."""
        instance = {
            "app": name,
            "vipAddress": name,
            "instanceId": f"localhost:{name}:{port}",
            "homePageUrl": f"https://localhost:{port}/",
            "hostName": "localhost",
            "ipAddr": "127.0.0.1",
            "port": {"$": port, "@enabled": False},
            "securePort": {"$": port, "@enabled": True},
            "dataCenterInfo": {"@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", "name": "MyOwn"},
            "metadata": METADATA,
        }
        eureka = {
            "ssl": True,
            "host": "localhost",
            "port": registry,
            "servicePath": "/eureka/apps/",
            "heartbeatInterval": 1000,
            "registryFetchInterval": 1000,
        }
        tls = {"certificate": self.certificate, "keystore": self.key, "caFile": self.authorities, "keyPassword": ""}
        file = self.folder / "config" / "service-configuration.yml"
        file.parent.mkdir()
        file.write_text(yaml.safe_dump({"ssl": tls, "eureka": eureka, "instance": instance}), encoding="utf-8")

    def test_enabler_at_netflix(self) -> None:
        """At a server that wants certificates, of the gateway as well, which is registered there too."""
        demand_registry()
        demand_node()
        server = guarded()
        gateway, url = self.reading(server.url, secure=True)
        instance_id = f"localhost:gateway:{gateway.port}"
        eventually(lambda: server.status("GATEWAY", instance_id) == "UP")
        self.assert_enabler(gateway, url)

    def test_enabler_at_ours(self) -> None:
        """At the gateway's own registry, when that wants certificates."""
        demand_node()
        self.assert_enabler(*self.embedding(secure=True))
