"""What the suites over real sockets stand on; they run over each kind of relay, with TLS and without."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.interfaces import Limits, Relay, RelayMaker
from apiml_ws.proxy.leg import Leg
from apiml_ws.proxy.poller import NestedEpoll
from apiml_ws.proxy.pump.library import NoPump, load
from apiml_ws.proxy.pump.relay import NativeRelays
from apiml_ws.proxy.pump.threads import PumpThreads
from apiml_ws.proxy.relay import PortableRelays
from tests.proxy.doubles_relay import Event, Witness
from tests.proxy.pump.doubles_sockets import Loop, Peer, plain_leg, tls_leg
from tests.proxy.relay_case import CLIENT, OURS, SERVICE

try:
    load()
except NoPump as error:
    _missing: str | None = str(error)
else:
    _missing = None
#: Why tests of the pump are skipped here, if they are.
NO_PUMP = _missing
_EXTENSION = "apiml_ws.proxy.pump._pump"


def hide_pump(test: SynchronousTestCase) -> None:
    """Until ``test`` is over, be on a machine without a compiler."""
    built = sys.modules.get(_EXTENSION)
    sys.modules[_EXTENSION] = cast(Any, None)
    test.addCleanup(lambda: sys.modules.pop(_EXTENSION) if built is None else sys.modules.update({_EXTENSION: built}))


def descriptors() -> set[tuple[str, str]]:
    """What this process has open: each number, and what is behind it."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # that of the listing itself
            found.add((number, os.readlink(f"/proc/self/fd/{number}")))
    return found


def ours(size: int) -> bytes:
    """No random at all."""
    return OURS[:size]


class SocketsCase(SynchronousTestCase):
    """Sessions over sockets.  However a test ends, no descriptor, no timer and no reader of the loop is left."""

    limits = Limits(close_timeout=1.0, async_write_timeout=60.0, waiting_limit=1000)

    def make_relays(self) -> RelayMaker:
        """The kind of relay that the suite runs over."""
        raise NotImplementedError

    def make_leg(self, **agreed: Any) -> tuple[Leg, Peer]:
        """The kind of leg."""
        raise NotImplementedError

    def setUp(self) -> None:
        gc.collect()  # what an earlier test left would be closed within this one
        self.descriptors = descriptors()
        self.loop = Loop()
        self.poller = NestedEpoll(self.loop)
        self.witness = Witness()
        self.peers: list[Peer] = []
        self.sessions: list[Relay] = []
        self.relays = self.make_relays()

    def tearDown(self) -> None:
        for relay in self.sessions:
            relay.drop(CLIENT)
            relay.drop(SERVICE)
        for peer in self.peers:
            peer.close()
        if isinstance(self.relays, NativeRelays):
            self.relays.stop()
        self.loop.run_for(0.25)
        self.assertEqual(([], set()), (self.loop.getDelayedCalls(), self.loop.readers))
        self.poller.close()
        # Those of tests that ran before in this process may go meanwhile.
        self.assertEqual(set(), descriptors() - self.descriptors)

    def couple(self, limits: Limits | None = None, extensions: str = "", early: bytes = b"") -> Relay:
        """A session with both legs; ``self.client`` and ``self.service`` are their peers."""
        leg, self.client = self.make_leg(extensions=extensions)
        self.peers.append(self.client)
        self.relay = self.relays.open(leg, limits or self.limits, self.witness)
        self.sessions.append(self.relay)
        self.attach(extensions, early)
        return self.relay

    def attach(self, extensions: str = "", early: bytes = b"") -> Peer:
        """Give the session a service."""
        leg, self.service = self.make_leg(extensions=extensions, early=early)
        self.peers.append(self.service)
        self.relay.attach(leg)
        return self.service

    def until(self, what: Callable[[], object]) -> None:
        """Let everything go on until it is so."""
        self.loop.run(lambda: self._turned(what))

    def go_on(self, seconds: float) -> None:
        """Let everything go on for a while."""
        end = self.loop.seconds() + seconds
        self.until(lambda: self.loop.seconds() >= end)

    def _turned(self, what: Callable[[], object]) -> object:
        for peer in self.peers:
            peer.turn()
        return what()

    def heard(self, *events: Event) -> None:
        """Exactly these events come."""
        self.until(lambda: len(self.witness.heard) >= len(events))
        self.assertEqual(list(events), self.witness.taken())

    def arrives(self, peer: Peer, data: bytes) -> None:
        """``peer`` gets exactly that, from the beginning."""
        self.until(lambda: len(peer.received) >= len(data))
        self.assertEqual(data, bytes(peer.received))

    def assert_lent(self) -> None:
        """The session is with the pump, if there is one."""
        if isinstance(self.relays, NativeRelays):
            self.until(lambda: self.relays_lent == 1)

    @property
    def relays_lent(self) -> int:
        """How many sessions the pump has."""
        return self.relays.lent if isinstance(self.relays, NativeRelays) else 0


class Portable(SocketsCase):
    """Over the portable relay."""

    def make_relays(self) -> RelayMaker:
        """See SocketsCase."""
        return PortableRelays(self.poller, self.loop, ours)


class Native(SocketsCase):
    """Over the native relay, where there is one."""

    skip = NO_PUMP

    def make_relays(self) -> RelayMaker:
        """See SocketsCase."""
        return NativeRelays(PumpThreads(self.loop, 2), self.poller, self.loop, ours)


class Plain(SocketsCase):
    """Without TLS."""

    def make_leg(self, **agreed: Any) -> tuple[Leg, Peer]:
        """See SocketsCase."""
        return plain_leg(**agreed)


class Tls(SocketsCase):
    """With TLS."""

    def make_leg(self, **agreed: Any) -> tuple[Leg, Peer]:
        """See SocketsCase."""
        return tls_leg(**agreed)
