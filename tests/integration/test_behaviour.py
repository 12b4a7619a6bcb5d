"""Netflix's server does what is asked of every registry: the tests that our own one passes are true."""

from __future__ import annotations

import time
from collections.abc import Mapping

from tests.discovery import registry_behaviour
from tests.discovery.registry_behaviour import Answered
from tests.integration.needed import demand_registry
from tests.integration.servers import shared


class NetflixBehaviourTests(registry_behaviour.RegistryBehaviour):
    """The shared server; leases last two durations there, and eviction has its timer."""

    lease_factor = 2.0
    lease_extra = 3.0

    def setUp(self) -> None:
        """The server is up."""
        demand_registry()
        super().setUp()
        self.server = shared()

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """Ask over a socket."""
        return self.server.ask(method, path, body, headers)

    def pass_time(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
