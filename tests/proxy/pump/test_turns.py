"""What one of the pump's threads does in a turn, taken turn by turn."""

from __future__ import annotations

import os
from collections.abc import Callable

from apiml_ws.core.interfaces import RelayMaker
from apiml_ws.proxy.pump import threads as pump_threads
from apiml_ws.proxy.pump.relay import NativeRelays
from apiml_ws.proxy.pump.threads import PumpThreads
from apiml_ws.proxy.wire import TlsWire
from tests.proxy.pump import sockets_case as case
from tests.proxy.pump.doubles_sockets import Peer, plain_leg, tls_leg
from tests.proxy.relay_case import answered

#: Reports that a thread takes in one turn (EVENTS of pump.c).
REPORTS = 64


class StandingThread:
    """A thread that does not run."""

    def __init__(self, target: Callable[..., object], args: tuple[object, ...], **_: object) -> None:
        self.handle = args[0]
        self.native_id = None

    def start(self) -> None:
        """Not now."""

    def join(self) -> None:
        """At once."""


class TurnTests(case.Native):
    """Sessions whose first reports do not all fit into one turn."""

    def make_relays(self) -> RelayMaker:
        """With one thread, which stands."""
        self.patch(pump_threads, "Thread", StandingThread)
        self.threads = PumpThreads(self.loop, 1)
        return NativeRelays(self.threads, self.poller, self.loop, case.ours)

    def turn(self) -> None:
        """One turn of the thread."""
        (worker,) = self.threads._workers
        self.threads.lib.thread_turn(worker.handle, 0)

    def session(self, *, tls: bool, held: bytes = b"") -> Peer:
        """Lend one whose client, and with ``tls`` its service too, OpenSSL may have something of; and has ``held``."""
        client_leg, client = tls_leg()
        service_leg, service = tls_leg() if tls else plain_leg()
        self.peers += (client, service)
        relay = self.relays.open(client_leg, self.limits, self.witness)
        self.sessions.append(relay)
        if held:
            service.send(held)
            wire = service_leg.wire
            assert isinstance(wire, TlsWire)
            wire.connection.bio_write(os.read(wire.fileno(), 65536))
        relay.attach(service_leg)
        return client

    def test_a_partner_that_is_served_a_turn_earlier(self) -> None:
        """What OpenSSL holds of a leg is not forgotten, though its partner's first report came in the turn before."""
        self.session(tls=False)
        for _ in range(REPORTS // 2 - 1):
            self.session(tls=True)
        client = self.session(tls=True, held=answered(b"held"))
        self.turn()
        client.turn()
        self.assertEqual(client.received, b"")
        self.turn()
        self.until(lambda: client.received == answered(b"held"))
