"""A client of a registry, over HTTP in memory, and what its registry may say."""

from __future__ import annotations

from typing import cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.directory import Directory
from apiml_ws.discovery.backup import Backup
from apiml_ws.discovery.calls import Calls, HttpClient
from apiml_ws.discovery.eureka import EurekaClient
from tests.discovery.doubles_registrations import applications_json, instance_json

ONE = applications_json(instance_json())
TWO = applications_json(instance_json(), instance_json("localhost:svc:9102"))


class EurekaTestCase(SynchronousTestCase):
    """A client with an interval of 30 s."""

    backup: Backup | None = None

    def setUp(self) -> None:
        """A clock that stands and a directory without services."""
        self.clock = Clock()
        self.directory = Directory(["eureka"], self.clock.seconds)

    def client(self, http: object, *urls: str, limit: int = 100_000) -> EurekaClient:
        """A client that is not started."""
        calls = Calls(cast(HttpClient, http), self.clock, timeout=10, limit=limit)
        servers = urls or ("http://one/eureka/",)
        return EurekaClient(
            servers,
            calls,
            self.clock,
            self.directory,
            interval=30,
            own="gateway",
            backup=self.backup,
            random=lambda: 0.0,
        )

    def started(self, http: object, *urls: str, limit: int = 100_000) -> EurekaClient:
        """A client that runs until the test ends and leaves nothing scheduled."""
        client = self.client(http, *urls, limit=limit)
        client.startService()
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))
        self.addCleanup(client.stopService)
        return client

    def ids(self) -> list[str]:
        """The instances that the directory has."""
        return [one.instance_id for each in self.directory.snapshot.services.values() for one in each.instances]
