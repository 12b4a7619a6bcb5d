"""The portable relay, over memory wires: every suite of a relay's behaviour, and what is its own."""

from __future__ import annotations

from apiml_ws.core.interfaces import RelayMaker
from apiml_ws.proxy.relay import PortableRelays
from tests.proxy import relay_case, relay_forwarding


class Portable(relay_case.RelayCase):
    """Runs a suite over the portable relay."""

    def make_relays(self) -> RelayMaker:
        """See RelayCase."""
        return PortableRelays(self.poller, self.clock, self.random)


class Forwarding(Portable, relay_forwarding.Forwarding):
    """See the suite."""


class Pressure(Portable, relay_forwarding.Pressure):
    """See the suite."""


class Waiting(Portable, relay_forwarding.Waiting):
    """See the suite."""
