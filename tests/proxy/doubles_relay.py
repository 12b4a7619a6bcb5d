"""Legs in memory: wires with a peer at the other end, a poller that knows them, and a witness of a relay's events."""

from __future__ import annotations

from collections import deque
from itertools import count

from apiml_ws.core.closing import Close
from apiml_ws.core.interfaces import Boundary, Side, Violation
from apiml_ws.proxy.poller import GONE, HANGUP, READ, WRITE, Ready
from apiml_ws.proxy.wire import WireLost

_descriptors = count(100)


class MemoryWire:
    """A wire, and the peer's end of it.

    The peer's: :meth:`peer_sends`, :meth:`peer_ends`, :meth:`peer_breaks`, ``received``, and ``takes``, how many bytes more
    its kernel takes (None: any).  ``chunk`` bounds one read.
    """

    def __init__(self) -> None:
        self._descriptor = next(_descriptors)
        self._incoming: deque[bytes] = deque()
        self._kept = bytearray()
        self.received = bytearray()
        self.takes: int | None = None
        self.chunk = 1 << 18
        self.ended = False
        self.broken = False
        self.finished = False
        self.closed = False
        self.hidden = False
        self.reads = 0
        self.patience: float | None = None

    # The peer's end.

    def peer_sends(self, *frames: bytes) -> None:
        """Bytes that may be read together."""
        self._incoming.append(b"".join(frames))

    def peer_ends(self) -> None:
        """FIN."""
        self.ended = True

    def peer_breaks(self) -> None:
        """RST."""
        self.broken = True

    def state(self) -> int:
        """What a poller would say."""
        if self.broken:
            return GONE | READ | WRITE | HANGUP
        events = HANGUP if self.ended else 0
        if (self._incoming and not self.hidden) or self.ended:
            events |= READ
        return events if self.takes == 0 else events | WRITE

    # A wire's.

    def fileno(self) -> int:
        """See Wire."""
        return self._descriptor

    def settle(self) -> None:
        """See Wire."""

    def set_patience(self, seconds: float) -> None:
        """See Wire."""
        self.patience = seconds

    def receive_into(self, buffer: memoryview) -> int | None:
        """See Wire."""
        self.reads += 1
        if self._incoming:
            data = self._incoming.popleft()
            size = min(len(data), len(buffer), self.chunk)
            buffer[:size] = data[:size]
            if data[size:]:
                self._incoming.appendleft(data[size:])
            return size
        if self.broken:
            raise WireLost("reset")
        return 0 if self.ended else None

    def send(self, data: bytes | memoryview) -> int:
        """See Wire."""
        assert not self.closed, "sent after it was closed"
        assert not self.finished, "sent after its end"
        self._kept += data
        self.flush()
        return self.pending

    def flush(self) -> None:
        """See Wire."""
        if self.broken:
            raise WireLost("reset")
        size = len(self._kept) if self.takes is None else min(self.takes, len(self._kept))
        self.received += self._kept[:size]
        del self._kept[:size]
        if self.takes is not None:
            self.takes -= size

    @property
    def pending(self) -> int:
        """See Wire."""
        return len(self._kept)

    @property
    def unsent(self) -> int:
        """See Wire."""
        return len(self._kept)

    @property
    def readable(self) -> bool:
        """See Wire; what is ``hidden`` the descriptor does not tell of."""
        return self.hidden and bool(self._incoming)

    def finish(self) -> None:
        """See Wire."""
        self.finished = True
        if self.broken:
            raise WireLost("reset")

    def close(self) -> None:
        """See Wire."""
        assert not self.closed, "closed twice"
        self.closed = True


class MemoryPoller:
    """A poller over memory wires, run by hand."""

    def __init__(self) -> None:
        self._wires: dict[int, MemoryWire] = {}
        self.watched: dict[int, tuple[int, Ready]] = {}

    def know(self, wire: MemoryWire) -> None:
        """A wire that will be watched."""
        self._wires[wire.fileno()] = wire

    def events(self, wire: MemoryWire) -> int | None:
        """What is waited for on ``wire``, None if it is not watched."""
        watched = self.watched.get(wire.fileno())
        return None if watched is None else watched[0]

    def add(self, descriptor: int, events: int, listener: Ready) -> None:
        """See Poller."""
        assert descriptor not in self.watched, "watched twice"
        self.watched[descriptor] = (events, listener)

    def modify(self, descriptor: int, events: int) -> None:
        """See Poller."""
        self.watched[descriptor] = (events, self.watched[descriptor][1])

    def remove(self, descriptor: int) -> None:
        """See Poller."""
        del self.watched[descriptor]

    def turn(self) -> bool:
        """Report once what is so; whether there was anything."""
        reports = [
            (listener, self._wires[descriptor].state() & (events | GONE))
            for descriptor, (events, listener) in self.watched.items()
        ]
        reports = [(listener, events) for listener, events in reports if events]
        for listener, events in reports:
            listener.ready(events)
        return bool(reports)


Event = tuple[object, ...]


class Witness:
    """Hears a relay's events.  ``react`` is called with each of them, as a session would act on them."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self.fails = False

    def taken(self) -> list[Event]:
        """What was heard since the last call."""
        heard, self.heard = self.heard, []
        return heard

    def _hear(self, *event: object) -> None:
        self.heard.append(event)
        if self.fails:
            raise ValueError("a session's fault")

    def close_received(self, side: Side, close: Close) -> None:
        """See RelayEvents."""
        self._hear("close", side, close)

    def lost(self, side: Side, where: Boundary) -> None:
        """See RelayEvents."""
        self._hear("lost", side, where)

    def broken(self, side: Side, violation: Violation) -> None:
        """See RelayEvents."""
        self._hear("broken", side, violation.code)

    def stalled(self, side: Side) -> None:
        """See RelayEvents."""
        self._hear("stalled", side)

    def ended(self, side: Side) -> None:
        """See RelayEvents."""
        self._hear("ended", side)

    def retired(self, told: bool) -> None:
        """See RelayEvents."""
        self._hear("retired", told)
