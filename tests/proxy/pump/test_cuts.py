"""Connections that are cut at any byte of any frame leave nothing behind, on either relay.

``CUTS=10000`` in the environment makes so many of each kind; the figures of a long run are in ``tests/fuzz/README.md``.
"""

from __future__ import annotations

import os
import random

from apiml_ws.core.closing import Close
from apiml_ws.core.frames import FrameReader, Opcode, frame
from apiml_ws.core.interfaces import Boundary, Limits, Side, Violation
from tests.proxy.pump.doubles_sockets import Peer
from tests.proxy.pump.sockets_case import Native, Plain, Portable, SocketsCase, Tls
from tests.proxy.relay_case import CLIENT, KEY, SERVICE

CUTS = int(os.environ.get("CUTS", "60"))
LEFT = Close(1001, "The other end is gone")


class Reacting:
    """A session that closes the leg that is left when the other one is lost."""

    def __init__(self, case: Cutting) -> None:
        self._case = case
        self.events: list[tuple[str, Side, object]] = []

    def lost(self, side: Side, where: Boundary) -> None:
        """See RelayEvents."""
        self.events.append(("lost", side, where))
        self._case.relay.close(side.other, LEFT)

    def ended(self, side: Side) -> None:
        """See RelayEvents."""
        self.events.append(("ended", side, None))

    def close_received(self, side: Side, close: Close) -> None:
        """See RelayEvents."""
        self.events.append(("close", side, close))

    def broken(self, side: Side, violation: Violation) -> None:
        """See RelayEvents."""
        self.events.append(("broken", side, violation))

    def stalled(self, side: Side) -> None:
        """See RelayEvents."""
        self.events.append(("stalled", side, None))

    def retired(self, told: bool) -> None:
        """See RelayEvents."""


class Cutting(SocketsCase):
    """Cuts one connection after another."""

    limits = Limits(close_timeout=0.2)

    def cut(self, seed: int) -> None:
        """One session, one of whose peers vanishes somewhere; the other one hears of it and answers, or is dropped."""
        draw = random.Random(seed)
        reacting = Reacting(self)
        self.witness = reacting  # type: ignore[assignment]
        self.couple()
        side = draw.choice((CLIENT, SERVICE))
        victim, other = (self.client, self.service) if side is CLIENT else (self.service, self.client)
        sent = self._stream(draw, KEY if side is CLIENT else None)
        sent = sent[: draw.randrange(len(sent) + 1)]
        victim.send(sent)
        if draw.randrange(2):
            other.send(frame(Opcode.PING, b"x", None if side is CLIENT else KEY))
        if draw.randrange(2):
            self.until(lambda: victim.idle)
        if draw.randrange(4):
            self.go_on(0.001)
        victim.vanish()
        self.until(lambda: reacting.events)
        self._answer(side, other)
        self.until(lambda: any(event[0] == "ended" for event in reacting.events))
        told = [event[:2] for event in reacting.events if event[0] != "close"]
        self.assertEqual([("lost", side), ("ended", side.other)], told, f"seed {seed}")
        self._check(bytes(other.received), sent, side)
        self.assertEqual(0, self.relays_lent)
        for peer in self.peers:
            peer.close()
        self.peers.clear()
        self.sessions.clear()

    def _answer(self, side: Side, other: Peer) -> None:
        """The end that is left answers our close, if it got one."""
        closing = frame(Opcode.CLOSE, LEFT.payload(), None if side is CLIENT else KEY)
        self.go_on(0.002)
        other.send(closing)
        other.end()

    def _check(self, received: bytes, sent: bytes, side: Side) -> None:
        """What arrived is the beginning of what was sent, and perhaps our close between two frames of it."""
        reader = FrameReader(side is CLIENT)
        passed = received[: reader.feed(received)]
        self.assertTrue(sent.startswith(passed))

    @staticmethod
    def _stream(draw: random.Random, key: bytes | None) -> bytes:
        sizes = (0, 1, 125, 126, 5_000, 70_000)
        parts = [draw.randbytes(draw.choice(sizes)) for _ in range(1 + draw.randrange(4))]
        return b"".join(frame(Opcode.BINARY, part, key) for part in parts)

    def cut_all(self) -> None:
        """So many as are asked for."""
        for seed in range(CUTS):
            self.cut(seed)


class NativePlain(Native, Plain, Cutting):
    """The native relay, without TLS."""

    def test_cuts_anywhere(self) -> None:
        """See Cutting."""
        self.cut_all()


class NativeTls(Native, Tls, Cutting):
    """The native relay, with TLS."""

    def test_cuts_anywhere(self) -> None:
        """See Cutting."""
        self.cut_all()


class PortablePlain(Portable, Plain, Cutting):
    """The portable relay, without TLS."""

    def test_cuts_anywhere(self) -> None:
        """See Cutting."""
        self.cut_all()


class PortableTls(Portable, Tls, Cutting):
    """The portable relay, with TLS."""

    def test_cuts_anywhere(self) -> None:
        """See Cutting."""
        self.cut_all()
