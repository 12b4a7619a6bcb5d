"""A gateway in a process of its own, on a free port, with everything around it; the base of all tests in this folder.

Tests here are plain functions that block: peers are written with the ``websockets`` library and run in threads, the
gateway is a real twistd.  Whatever a test starts ends with it, and what the processes printed is part of a failure.
"""

from __future__ import annotations

import gc
import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import yaml
from twisted.trial.unittest import SkipTest, SynchronousTestCase
from websockets.sync.client import ClientConnection

from tests.certificates import leaf, write_pem, write_trust
from tests.e2e.processes import Process, eventually, twistd
from tests.e2e.serial_tls import serial
from tests.e2e.services import TIMEOUT, Service, open_session

LISTENING = r"[Gg]ateway listening on (https?)://(\S+):(\d+)"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP request gave; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Gateway:
    """A gateway that runs."""

    def __init__(self, process: Process, trust: ssl.SSLContext) -> None:
        self.process = process
        self._trust = trust
        found = process.wait_for(LISTENING)
        self.secure = found[1] == "https"
        self.port = int(found[3])

    def uri(self, path: str) -> str:
        """The WebSocket URI of a path."""
        return f"{'wss' if self.secure else 'ws'}://localhost:{self.port}{path}"

    def session(self, path: str, **options: Any) -> ClientConnection:
        """Open a session; ``options`` are those of :func:`tests.e2e.services.open_session`."""
        trust = options.pop("trust", self._trust) if self.secure else None
        return open_session(self.uri(path), trust, **options)

    def request(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> Answer:
        """One HTTP request on a connection of its own."""
        connection = (
            HTTPSConnection("localhost", self.port, timeout=TIMEOUT, context=trust or self._trust)
            if self.secure
            else HTTPConnection("localhost", self.port, timeout=TIMEOUT)
        )
        try:
            connection.request(method, path, headers=dict(headers or {}))
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, fields, response.read())
        finally:
            connection.close()

    def discovery(self, trust: ssl.SSLContext | None = None) -> Any:
        """What it says of its sources of routes, by their names, in its health."""
        health = self.request("/application/health", trust=trust).json
        return health["components"]["discoveryComposite"]["components"]

    def services(self, trust: ssl.SSLContext | None = None) -> list[str]:
        """The services that it knows."""
        found: list[str] = self.discovery(trust)["discoveryClient"]["details"]["services"]
        return found

    def wait_until_up(self) -> None:
        """Until it has read its routes."""
        eventually(lambda: self.request("/application/health").status == 200)


class EndToEnd(SynchronousTestCase):
    """Starts what a test needs, and ends it."""

    def setUp(self) -> None:
        """A folder with certificates, and a look at the processes' output when the test fails."""
        # Peers are rings of objects that hold sockets; tests that count descriptors run in the same process.
        self.addCleanup(gc.collect)
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)
        self.certificate, self.key = write_pem(self.folder, leaf())
        self.authorities = write_trust(self.folder)
        self._processes: list[Process] = []
        self._explain_failures()

    def _explain_failures(self) -> None:
        name = self._testMethodName
        test = getattr(self, name)

        def explained() -> None:
            try:
                test()
            except SkipTest:
                raise
            except Exception as error:
                for each in self._processes:
                    each.dump()
                logs = "".join(f"\n--- output of process {each.pid}\n{each.log}" for each in self._processes)
                raise self.failureException(f"{type(error).__name__}: {error}{logs}").with_traceback(
                    error.__traceback__
                ) from None

        setattr(self, name, explained)

    # Processes

    def start(self, command: list[str], environment: Mapping[str, str] | None = None) -> Process:
        """A process that ends with the test."""
        process = Process(command, self.folder, environment)
        self._processes.append(process)
        self.addCleanup(process.end)
        return process

    def launch(self, settings: Mapping[str, Any], *overrides: str, secure: bool = True) -> Process:
        """Start a gateway by a configuration file, on a free port of the loopback interface; do not wait for it."""
        tls: dict[str, Any] = {"enabled": False}
        if secure:
            tls = {"certificate": self.certificate, "privateKey": self.key, "trustStore": self.authorities}
        base = {"server": {"address": "127.0.0.1", "port": 0, "ssl": tls}}
        file = self.folder / "gateway.yml"
        file.write_text(yaml.safe_dump(merged(base, settings)), encoding="utf-8")
        sets = [argument for each in overrides for argument in ("--set", each)]
        return self.start(twistd("apiml-ws", "--config", str(file), *sets))

    def gateway(self, settings: Mapping[str, Any], *overrides: str, secure: bool = True) -> Gateway:
        """A gateway that listens."""
        return Gateway(self.launch(settings, *overrides, secure=secure), self.trust())

    def gateway_to(self, *services: Service, settings: Mapping[str, Any] | None = None, secure: bool = True) -> Gateway:
        """A gateway that knows ``services`` as the instances of ``discoverableclient``, by static definitions."""
        folder = self.define("discoverableclient", *(service.url for service in services))
        static = {"apiml": {"discovery": {"staticApiDefinitionsDirectories": folder}}}
        gateway = self.gateway(merged(static, settings or {}), secure=secure)
        gateway.wait_until_up()
        return gateway

    # What is around a gateway

    def define(self, service_id: str, *urls: str, metadata: Mapping[str, Any] | None = None) -> str:
        """A folder with a static definition of a service with route ws/v1 -> /discoverableclient/ws."""
        folder = self.folder / "definitions"
        folder.mkdir(exist_ok=True)
        service = {
            "serviceId": service_id,
            "instanceBaseUrls": [f"{url}/discoverableclient" for url in urls],
            "routes": [{"gatewayUrl": "ws/v1", "serviceRelativeUrl": "/ws"}],
            **({"customMetadata": metadata} if metadata else {}),
        }
        (folder / f"{service_id}.yml").write_text(yaml.safe_dump({"services": [service]}), encoding="utf-8")
        return str(folder)

    def service(self, conversations: dict[str, Any], **options: Any) -> Service:
        """A service that ends with the test; its paths are below /discoverableclient/ws/."""
        paths = {f"/discoverableclient/ws/{name}": talk for name, talk in conversations.items()}
        service = Service(paths, **options)
        self.addCleanup(service.end)
        return service

    def in_thread(self, talk: Callable[[], None]) -> None:
        """Let ``talk`` go on beside the test, which waits for its end."""
        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        self.addCleanup(thread.join, TIMEOUT)

    def trust(self, certificate: tuple[str, str] | None = None) -> ssl.SSLContext:
        """A client's TLS that trusts the test authority, and shows ``certificate`` (file, key file) if there is one."""
        context = ssl.create_default_context(cafile=self.authorities)
        if certificate:
            context.load_cert_chain(*certificate)
        return serial(context)

    def serving_tls(self, certificate: tuple[str, str] | None = None) -> ssl.SSLContext:
        """A server's TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*(certificate or (self.certificate, self.key)))
        return serial(context)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``over`` laid on it, section by section."""
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        result[key] = merged(known, value) if both and known is not None else value
    return result
