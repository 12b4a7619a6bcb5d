"""A service with two instances, each a process, behind a gateway: the base of all tests of high availability."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from http.client import HTTPConnection
from itertools import count
from typing import Any

from tests.e2e.harness import EndToEnd, Gateway, merged
from tests.e2e.instances import Instance, here
from tests.e2e.numbered import Client, Tally, clients
from tests.e2e.registries import instance as registration
from tests.e2e.services import TIMEOUT

ROOT = "/discoverableclient/ws/v1/"
PATH = ROOT + "numbered"
REGISTRY = r"registry listening on http://127\.0\.0\.1:(\d+)"
_OWNER = {"@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", "name": "MyOwn"}


def show(what: str, figures: object) -> None:
    """For whoever repeats the measurement (``make ha``)."""
    print(f"\n{what}: {figures}", flush=True)


class HighAvailabilityCase(EndToEnd):
    """Both instances run."""

    def setUp(self) -> None:
        """Two of them, ``one`` and ``two``."""
        super().setUp()
        self._keys = (f"c{number}" for number in count())
        self.one, self.two = (self.instance(name) for name in ("one", "two"))

    def instance(self, name: str, *subprotocols: str) -> Instance:
        """An instance that runs."""
        instance = Instance(name, self.folder, here(self.start), *subprotocols)
        instance.start()
        return instance

    def named(self, name: str) -> Instance:
        """The instance that calls itself so."""
        return self.one if name == "one" else self.two

    def through(self, *instances: Instance, secure: bool = False, **settings: Any) -> Gateway:
        """A gateway that knows ``instances``; ``settings`` are those of server.webSocket."""
        folder = self.define("discoverableclient", *(each.url for each in instances))
        static = {"apiml": {"discovery": {"staticApiDefinitionsDirectories": folder}}}
        gateway = self.gateway(merged(static, {"server": {"webSocket": settings}}), secure=secure)
        gateway.wait_until_up()
        return gateway

    async def open(self, gateway: Gateway, number: int) -> list[Client]:
        """So many sessions, each answered once."""
        trust = self.trust() if gateway.secure else None
        talkers = await clients(gateway.uri(PATH), [next(self._keys) for _ in range(number)], trust)
        await asyncio.gather(*(each.ask() for each in talkers))
        return talkers

    def run_to_end(self, scenario: Coroutine[Any, Any, None]) -> None:
        """A scenario of many clients."""
        asyncio.run(scenario)

    async def close(self, talkers: list[Client]) -> None:
        """All in good order."""
        await asyncio.gather(*(each.close() for each in talkers))
        self.assertEqual({each.code for each in talkers}, {1000})

    def assert_only_in_flight(self, found: Tally) -> None:
        """No session was lost, and no message came twice or out of order."""
        self.assertEqual((found.lost, found.doubled, found.reordered), (0, 0, 0), str(found))


class RegistryCase(HighAvailabilityCase):
    """The instances are registered at the gateway's embedded registry, where an operator takes them off."""

    def registered(self, metadata: dict[str, str], **settings: Any) -> Gateway:
        """A gateway whose registry knows both, with ``metadata``; ``settings`` are those of server.webSocket."""
        embedded = {"apiml": {"discovery": {"embedded": {"enabled": True, "port": 0}}}}
        gateway = self.gateway(merged(embedded, {"server": {"webSocket": settings}}), secure=False)
        self._registry = int(gateway.process.wait_for(REGISTRY)[1])
        for each in (self.one, self.two):
            said = {**registration(each.url, each.name, metadata=metadata), "dataCenterInfo": _OWNER}
            self._tell("POST", "/eureka/apps/DISCOVERABLECLIENT", 204, {"instance": said})
        gateway.wait_until_up()
        return gateway

    def put_status(self, instance: Instance, status: str) -> None:
        """As Eureka has it."""
        name = f"127.0.0.1:discoverableclient:{instance.name}"
        self._tell("PUT", f"/eureka/apps/DISCOVERABLECLIENT/{name}/status?value={status}", 200)

    def _tell(self, method: str, path: str, expected: int, body: object = None) -> None:
        connection = HTTPConnection("127.0.0.1", self._registry, timeout=TIMEOUT)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            self.assertEqual(connection.getresponse().status, expected)
        finally:
            connection.close()
