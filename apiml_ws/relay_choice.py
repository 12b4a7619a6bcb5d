"""Which relay serves, as ``server.relay`` asks and this machine can."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apiml_ws.actuator.views import RelayChoice
from apiml_ws.core.config import Config, RelayKind
from apiml_ws.core.interfaces import Clock, RelayMaker
from apiml_ws.precedence import Precedence
from apiml_ws.proxy.poller import Poller
from apiml_ws.proxy.pump.library import NoPump
from apiml_ws.proxy.pump.relay import NativeRelays
from apiml_ws.proxy.pump.threads import PumpThreads
from apiml_ws.proxy.relay import PortableRelays


@dataclass(frozen=True, slots=True)
class Relays:
    """The relays of a gateway, what is said about them, and how they end after the last session.

    ``begin`` comes before the first session, when the process is what it will be.  ``descriptors``: how many they open for
    themselves.
    """

    maker: RelayMaker
    choice: RelayChoice
    begin: Callable[[], None]
    stop: Callable[[], None]
    descriptors: int


def choose_relays(config: Config, reactor: Any, poller: Poller, clock: Clock) -> Relays:
    """The relays that ``config`` asks for; ``clock`` tells the time of ``reactor``, the system's monotonic one.

    :raises NoPump: it insists on the native ones, which cannot be had here.
    """
    kind = config.relay_kind
    asked = f"server.relay.kind is {kind.value}"
    if kind is RelayKind.PORTABLE:
        return _portable(poller, clock, asked)
    try:
        threads = PumpThreads(reactor, config.relay_threads)
    except NoPump as error:
        if kind is RelayKind.NATIVE:
            raise
        return _portable(poller, clock, f"{asked}, and the native one cannot be had: {error}")
    threads.begun = Precedence(config.relay_precedence).give
    maker = NativeRelays(threads, poller, clock, os.urandom, at_once=False)
    choice = RelayChoice("native", f"{asked}; {threads.count} threads")
    return Relays(maker, choice, threads.begin, maker.stop, threads.descriptors)


def _portable(poller: Poller, clock: Clock, reason: str) -> Relays:
    maker = PortableRelays(poller, clock, os.urandom)
    return Relays(maker, RelayChoice("portable", reason), lambda: None, lambda: None, 0)
