"""What the suites of a relay's behaviour stand on: any relay over memory wires; the suites run over each kind of relay."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.closing import Close
from apiml_ws.core.frames import FIN, Opcode, frame
from apiml_ws.core.interfaces import Limits, Relay, RelayMaker, Side
from apiml_ws.proxy.leg import Leg
from tests.proxy.doubles_relay import MemoryPoller, MemoryWire, Witness

KEY = b"\x11\x22\x33\x44"
#: What :meth:`RelayCase.random` gives.
OURS = b"\xaa\xbb\xcc\xdd"
CLIENT, SERVICE = Side.CLIENT, Side.SERVICE
BYE = Close(1000, "bye")


def asked(payload: bytes = b"hello", opcode: int = Opcode.TEXT, first: int = FIN) -> bytes:
    """A frame of a client."""
    return frame(opcode, payload, KEY, first=first)


def answered(payload: bytes = b"HELLO", opcode: int = Opcode.TEXT, first: int = FIN) -> bytes:
    """A frame of a service."""
    return frame(opcode, payload, first=first)


def to_service(opcode: int, payload: bytes = b"") -> bytes:
    """A frame of the gateway's own for a service."""
    return frame(opcode, payload, OURS)


def to_client(opcode: int, payload: bytes = b"") -> bytes:
    """A frame of the gateway's own for a client."""
    return frame(opcode, payload)


class RelayCase(SynchronousTestCase):
    """One session.  However a test ends, nothing of it may be left: no timer, no watch, no open wire."""

    limits = Limits(close_timeout=5.0, async_write_timeout=60.0, waiting_limit=1000)

    def make_relays(self) -> RelayMaker:
        """The kind of relay that the suite runs over."""
        raise NotImplementedError

    def random(self, size: int) -> bytes:
        """No random at all."""
        return OURS[:size]

    def setUp(self) -> None:
        """A clock, a poller, a witness."""
        self.clock = Clock()
        self.poller = MemoryPoller()
        self.witness = Witness()
        self.relays = self.make_relays()
        self.wires: list[MemoryWire] = []
        self.sessions: list[Relay] = []

    def tearDown(self) -> None:
        """Nothing is left after both legs were dropped."""
        for relay in self.sessions:
            relay.drop(CLIENT)
            relay.drop(SERVICE)
        self.settle()
        self.assertEqual({}, self.poller.watched)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual([True] * len(self.wires), [wire.closed for wire in self.wires])

    def wire(self) -> MemoryWire:
        """One that the poller knows."""
        wire = MemoryWire()
        self.poller.know(wire)
        self.wires.append(wire)
        return wire

    def open(self, limits: Limits | None = None, extensions: str = "", early: bytes = b"") -> Relay:
        """Begin a session; its client is ``self.client``."""
        self.client = self.wire()
        leg = Leg(self.client, early=early, extensions=extensions)
        self.sessions.append(self.relays.open(leg, limits or self.limits, self.witness))
        return self.relay

    @property
    def relay(self) -> Relay:
        """The latest session's."""
        return self.sessions[-1]

    def attach(self, extensions: str = "", early: bytes = b"", takes: int | None = None) -> MemoryWire:
        """Give the session a service; it is ``self.service``."""
        self.service = self.wire()
        self.service.takes = takes
        self.relay.attach(Leg(self.service, early=early, extensions=extensions))
        return self.service

    def couple(self, limits: Limits | None = None, extensions: str = "") -> Relay:
        """A session with both legs."""
        relay = self.open(limits, extensions)
        self.attach(extensions)
        return relay

    def settle(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(10000):
            busy = self.poller.turn()
            if any(call.getTime() <= self.clock.seconds() for call in self.clock.getDelayedCalls()):
                self.clock.advance(0)
            elif not busy:
                return
        self.fail("it never came to rest")

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass, in small steps."""
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            self.settle()

    def heard(self, *events: tuple[object, ...]) -> None:
        """Exactly these events came since the last call."""
        self.settle()
        self.assertEqual(list(events), self.witness.taken())
