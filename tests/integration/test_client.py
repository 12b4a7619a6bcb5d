"""Our client and our keeper of leases against Netflix's server, over sockets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import cast
from uuid import uuid4

from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, HTTPConnectionPool

from apiml_ws.core.directory import Directory
from apiml_ws.core.registry import Status
from apiml_ws.discovery.calls import Calls, HttpClient
from apiml_ws.discovery.eureka import EurekaClient
from apiml_ws.discovery.lease import LeaseKeeper
from apiml_ws.discovery.registration import LeaseInfo, Registration
from apiml_ws.discovery.servers import Server
from tests.discovery.doubles_registrations import registration
from tests.integration.needed import demand_registry
from tests.integration.servers import shared

#: Seconds after which the server has forgotten a change and made a new delta, as its application.yml has it.
FORGETTING = 7.0


class NotedCalls(Calls):
    """Calls that are remembered by what they asked for."""

    asked: list[str]

    async def call(
        self,
        server: Server,
        method: str,
        *segments: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        """Note it, and make it."""
        self.asked.append("/".join(segments))
        return await super().call(server, method, *segments, query=query, body=body)


class ClientTests(TestCase):
    """A client and an instance of a service that nobody else has; another instance is there all the while."""

    timeout = 60

    def setUp(self) -> None:
        """The server is up."""
        demand_registry()
        self.server = shared()
        self.service = f"client-{uuid4().hex[:12]}"
        self.directory = Directory(["eureka"], reactor.seconds)
        agent = Agent(reactor, pool=HTTPConnectionPool(reactor, persistent=False))
        self.calls = NotedCalls(cast(HttpClient, HTTPClient(agent)), reactor)
        self.calls.asked = []
        self.server.register("http://localhost:1", self.service.upper(), f"localhost:{self.service}:other")

    def client(self) -> EurekaClient:
        """A client that fetches when it is told to."""
        client = EurekaClient([self.server.url], self.calls, reactor, self.directory, interval=3600)
        client.startService()
        self.addCleanup(client.stopService)
        return client

    def keeper(self, duration: int = 90, said: Registration | None = None) -> LeaseKeeper:
        """Something that keeps an instance registered, renewing it every second."""
        said = said or registration(
            f"localhost:{self.service}:9101",
            self.service.upper(),
            lease=LeaseInfo(renewal_interval=1, duration=duration),
        )
        keeper = LeaseKeeper(said, [self.server.url], self.calls, reactor, lambda: time.time_ns() // 1_000_000)
        keeper.startService()
        self.addCleanup(keeper.stopService)
        return keeper

    def known(self) -> dict[str, Status]:
        """The instances of the service that the directory has, by the ends of their ids."""
        found = self.directory.snapshot.services.get(self.service)
        return {} if found is None else {one.instance_id.rpartition(":")[2]: one.status for one in found.instances}

    def at_the_server(self) -> str | None:
        """The status of the instance there."""
        return self.server.status(self.service.upper(), f"localhost:{self.service}:9101")

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until it is true."""
        while not condition():
            await deferLater(reactor, 0.05)

    async def test_life_of_an_instance(self) -> None:
        """What happens to an instance is read, by deltas alone: the hash of what they make is the server's own."""
        client = self.client()
        await client.fetch_now()
        self.assertEqual(self.known(), {"other": Status.UP})
        keeper = self.keeper()
        await self.until(lambda: keeper.registered)
        for happens, status in (
            (lambda: None, Status.UP),
            (lambda: keeper.say(Status.DOWN), Status.DOWN),
            (lambda: keeper.say(Status.UP), Status.UP),
            (keeper.withdraw, Status.OUT_OF_SERVICE),
        ):
            happens()
            await self.until(lambda status=status: self.at_the_server() == status.value)  # type: ignore[misc]  # mypy infers no lambda with a default
            await client.fetch_now()
            self.assertEqual(self.known(), {"other": Status.UP, "9101": status})
        await keeper.stopService()
        await client.fetch_now()
        self.assertEqual(self.known(), {"other": Status.UP})
        self.assertEqual([each for each in self.calls.asked if each == "apps"], ["apps"])

    async def test_idle_for_longer_than_changes_are_told(self) -> None:
        """A change that no delta tells any more is found out by the hash, and all is read."""
        client = self.client()
        await client.fetch_now()
        self.server.register("http://localhost:2", self.service.upper(), f"localhost:{self.service}:missed")
        await deferLater(reactor, FORGETTING)
        # A delta is made anew when something changes.
        self.server.register("http://localhost:3", self.service.upper(), f"localhost:{self.service}:told")
        delta = self.server.ask("GET", "/apps/delta").body.decode()
        self.assertNotIn(f"localhost:{self.service}:missed", delta)
        self.calls.asked.clear()
        await client.fetch_now()
        self.assertEqual(set(self.known()), {"other", "missed", "told"})
        self.assertEqual(self.calls.asked, ["apps/delta", "apps"])

    async def test_forgotten(self) -> None:
        """An instance that the server lost is registered again with the next renewal."""
        keeper = self.keeper()
        await self.until(lambda: keeper.registered)
        self.server.ask("DELETE", f"/apps/{self.service.upper()}/localhost:{self.service}:9101")
        self.assertIsNone(self.at_the_server())
        await self.until(lambda: self.at_the_server() == "UP")

    async def test_override_of_a_former_life(self) -> None:
        """What a process that was killed while it was withdrawn left behind is undone when it registers again."""
        said = registration(f"localhost:{self.service}:9101", self.service.upper())
        self.server.register("http://localhost:9101", said.app, said.key)
        self.server.ask("PUT", f"/apps/{said.app}/{said.key}/status?value=OUT_OF_SERVICE")
        self.assertEqual(self.at_the_server(), "OUT_OF_SERVICE")
        self.keeper(said=said)
        await self.until(lambda: self.at_the_server() == "UP")

    async def test_expiry(self) -> None:
        """A lease that is renewed lives longer than its duration; one that is not is gone, and read as gone."""
        client = self.client()
        keeper = self.keeper(duration=2)
        self.server.register(
            "http://localhost:4",
            self.service.upper(),
            f"localhost:{self.service}:mortal",
            leaseInfo={"renewalIntervalInSecs": 1, "durationInSecs": 2},
        )
        await self.until(lambda: keeper.registered)
        await client.fetch_now()
        self.assertEqual(set(self.known()), {"other", "9101", "mortal"})
        while "mortal" in self.known():
            await client.fetch_now()
        self.assertEqual(set(self.known()), {"other", "9101"})
