"""The same random streams through both relays, chunked at random: the same bytes and events come of them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from apiml_ws.core.frames import Opcode, frame
from apiml_ws.core.interfaces import Limits
from apiml_ws.proxy.relay import PortableRelays
from tests.proxy.pump.sockets_case import Native, Plain, SocketsCase, Tls, ours
from tests.proxy.relay_case import CLIENT, KEY, SERVICE

#: Set to try more; each is some hundredths of a second.
ROUNDS = 25
#: Of payloads: each form of a length, and what takes several reads or is over the limits.
SIZES = (0, 1, 5, 125, 126, 900, 17_000, 40_000)
LIMITS = Limits(max_frame_size=60_000, max_message_size=100_000, waiting_limit=65536)


#: Hundredths of a second without a change that count as rest.
CALM = 6


@dataclass(frozen=True)
class Outcome:
    """What both peers and the session saw of a script."""

    up: bytes
    down: bytes
    events: tuple[Any, ...]
    counted: tuple[tuple[int, int, int], ...]

    @property
    def summary(self) -> tuple[Any, ...]:
        """What is short enough to be shown."""
        return len(self.up), len(self.down), self.events, self.counted


class Script:
    """What a client and a service send, in chunks; all that may be different is decided by ``seed``."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.steps = self._steps()

    def _steps(self) -> list[tuple[bool, bytes]]:
        streams = [self._chunks(self._stream(True)), self._chunks(self._stream(False))]
        steps = []
        while any(streams):
            upward = self.random.choice([i for i, chunks in enumerate(streams) if chunks])
            steps.append((upward == 0, streams[upward].pop(0)))
        return steps

    def _stream(self, client: bool) -> bytes:
        draw = self.random
        key = KEY if client else None
        frames = []
        for _ in range(draw.randrange(12)):
            parts = [
                draw.randbytes(draw.choice((0, 1, 5, 125, 126, 900, 17_000, 40_000)))
                for _ in range(draw.choice((1, 1, 2)))
            ]
            for i, part in enumerate(parts):
                opcode = Opcode.CONTINUATION if i else draw.choice((Opcode.TEXT, Opcode.BINARY))
                frames.append(frame(opcode, part, key, first=0x80 if i == len(parts) - 1 else 0))
                if not draw.randrange(3):
                    frames.append(frame(Opcode.PING, draw.randbytes(4), key))
        stream = b"".join(frames)
        if client and not draw.randrange(3):
            where = draw.randrange(len(stream) + 1)
            stream = stream[:where] + draw.randbytes(2) + stream[where:]
        if client and not draw.randrange(3):
            stream += self._close(key)
        return stream

    def _close(self, key: bytes | None) -> bytes:
        return frame(Opcode.CLOSE, b"\x03\xe8" + self.random.choice((b"", b"bye", b"\xff")), key)

    def last_word(self) -> bytes:
        """Of the service, when all else is done: from its close on it gets nothing more, so that the moment matters."""
        draw = self.random
        return draw.choice((b"", self._close(None) + b"late", draw.randbytes(3), frame(Opcode.TEXT, b"", KEY)))

    def _chunks(self, stream: bytes) -> list[bytes]:
        chunks = []
        while stream:
            size = self.random.choice((1, 2, 7, 100, 5_000, 100_000))
            chunks.append(stream[:size])
            stream = stream[size:]
        return chunks


class Differential(SocketsCase):
    """Runs scripts over one kind of relay; those that compare run two of them."""

    def outcome(self, seed: int) -> Outcome:
        """What comes of the script of ``seed``."""
        self.couple(LIMITS)
        script = Script(seed)
        for upward, chunk in script.steps:
            (self.client if upward else self.service).send(chunk)
            if script.random.randrange(2):
                self.go_on(0.001)
        self._come_to_rest()
        self.service.send(script.last_word())
        self._come_to_rest()
        for peer, side in ((self.client, CLIENT), (self.service, SERVICE)):
            if not any(event[1] is side for event in self.witness.heard):
                peer.end()
        self._come_to_rest()
        events = tuple(sorted(map(repr, self.witness.taken())))
        counted = tuple(
            (counters.frames, counters.messages, counters.bytes)
            for counters in map(self.relay.counters, (CLIENT, SERVICE))
        )
        self._forget()
        return Outcome(bytes(self.service.received), bytes(self.client.received), events, counted)

    def _forget(self) -> None:
        """What an earlier session still says is not what the next one does."""
        for side in (CLIENT, SERVICE):
            self.relay.drop(side)
        for peer in self.peers:
            peer.close()
        self.loop.run_for(0.01)
        self.peers.clear()
        self.sessions.clear()
        self.witness.taken()

    def _come_to_rest(self) -> None:
        """Nothing has changed for long enough, on a busy machine too."""
        states: list[object] = []
        while len(states) < CALM or any(state != states[-1] for state in states[-CALM:]):
            states.append(self._state())
            self.go_on(0.01)

    def _state(self) -> object:
        peers = (self.client, self.service)
        return [len(peer.received) for peer in peers], [peer.idle for peer in peers], len(self.witness.heard)


class Compared(Differential):
    """Runs each script over both."""

    def compare(self) -> None:
        """Whatever comes, however it is cut."""
        kinds = (self.relays, PortableRelays(self.poller, self.loop, ours))
        for seed in range(ROUNDS):
            outcomes = []
            for self.relays in kinds:
                outcomes.append(self.outcome(seed))
            self.relays = kinds[0]
            native, portable = outcomes
            self.assertEqual(portable.summary, native.summary, f"seed {seed}")
            self.assertEqual(portable, native, f"seed {seed}")


class OverPlain(Native, Plain, Compared):
    """Without TLS."""

    def test_both_relays_do_the_same(self) -> None:
        """See Compared."""
        self.compare()


class OverTls(Native, Tls, Compared):
    """With TLS."""

    def test_both_relays_do_the_same(self) -> None:
        """See Compared."""
        self.compare()
