"""The portable relay, over memory wires: every suite of a relay's behaviour, and what is its own."""

from __future__ import annotations

from apiml_ws.core.interfaces import RelayMaker
from apiml_ws.proxy.relay import PortableRelays
from tests.proxy import (
    relay_bridging,
    relay_case,
    relay_closing,
    relay_forwarding,
    relay_holding,
    relay_losing,
    relay_moving,
    relay_parting,
    relay_random,
    relay_retiring,
)


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


class ClosingHandshake(Portable, relay_closing.ClosingHandshake):
    """See the suite."""


class Losing(Portable, relay_losing.Losing):
    """See the suite."""


class Breaking(Portable, relay_losing.Breaking):
    """See the suite."""


class Crashing(Portable, relay_losing.Crashing):
    """See the suite."""


class Moving(Portable, relay_moving.Moving):
    """See the suite."""


class Holding(Portable, relay_holding.Holding):
    """See the suite."""


class Retiring(Portable, relay_retiring.Retiring):
    """See the suite."""


class Parting(Portable, relay_parting.Parting):
    """See the suite."""


class PartingRandom(Portable, relay_parting.PartingRandom):
    """See the suite."""


class PartingBridged(Portable, relay_parting.PartingBridged):
    """See the suite."""


class Bridging(Portable, relay_bridging.Bridging):
    """See the suite."""


class Random(Portable, relay_random.Random):
    """See the suite."""
