"""Any relay on streams that nobody thought of, cut and slowed down anyhow."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from apiml_ws.core.frames import RSV1, FrameReader, Opcode, frame
from apiml_ws.core.interfaces import Limits
from apiml_ws.core.pieces import spans
from tests.core.doubles_frames import Read, cut, read, streams
from tests.proxy.doubles_relay import MemoryWire
from tests.proxy.relay_case import BYE, CLIENT, SERVICE, RelayCase

SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=8)
ROOMS = st.lists(st.integers(0, 300), min_size=1, max_size=8)


def unmasked(frames: list[bytes]) -> list[bytes]:
    """The same as a service sends them."""
    made = []
    for each in frames:
        (span,) = spans(each)
        made.append(frame(span.opcode, each[span.payload :], first=each[0] & 0xF0))
    return made


def arrived(received: bytes) -> tuple[list[bytes], list[bytes]]:
    """The complete data messages, each in its frames, and the complete control frames."""
    messages, controls, message = [], [], b""
    for span in spans(received[: FrameReader(True).feed(received)]):
        if span.end > len(received):
            break
        each = received[span.start : span.end]
        if span.control:
            controls.append(each)
            continue
        message += each
        if span.final:
            messages.append(message)
            message = b""
    return messages, controls


class Random(RelayCase):
    """Properties."""

    def send(self, wire: MemoryWire, chunks: list[bytes], to: MemoryWire, rooms: list[int]) -> None:
        """``wire``'s peer sends ``chunks``, while ``to``'s takes only so much between them, and all in the end."""
        for i, chunk in enumerate(chunks):
            wire.peer_sends(chunk)
            to.takes = rooms[i % len(rooms)]
            self.settle()
        to.takes = None
        self.settle()

    @settings(max_examples=60, deadline=None)
    @given(streams(), streams(), SIZES, SIZES, ROOMS, st.booleans())
    def test_what_is_legal_arrives_as_it_was(
        self, up: list[bytes], down: list[bytes], sizes: list[int], others: list[int], rooms: list[int], closes: bool
    ) -> None:
        """Both ways, in order, with a close at the end or a loss."""
        self.couple()
        close = frame(Opcode.CLOSE, BYE.payload(), b"abcd") if closes else b""
        sent, back = b"".join(up), b"".join(unmasked(down))
        self.send(self.client, cut(sent + close, sizes), self.service, rooms)
        self.send(self.service, cut(back, others), self.client, rooms)
        self.client.peer_ends()
        self.settle()
        self.assertEqual((sent, back), (self.service.received, self.client.received))
        self.assertEqual([("close", CLIENT, BYE)] if closes else ["lost"], self._told(closes))
        self.assertEqual(len(up) + closes, self.relay.counters(CLIENT).frames)

    def _told(self, closes: bool) -> list[object]:
        heard = self.witness.taken()
        return list(heard) if closes else [event[0] for event in heard]

    @settings(max_examples=80, deadline=None)
    @given(streams(), st.binary(max_size=40), st.integers(0, 3000), SIZES, ROOMS)
    def test_what_is_broken_ends_where_it_breaks(
        self, frames: list[bytes], noise: bytes, where: int, sizes: list[int], rooms: list[int]
    ) -> None:
        """Exactly what a reader alone lets pass arrives, and its finding is told."""
        limits = Limits(max_message_size=500, max_frame_size=250)
        stream = b"".join(frames)
        broken = stream[:where] + noise + stream[where:]
        self.open(limits, "permessage-deflate")
        self.attach("permessage-deflate")
        self.send(self.client, cut(broken, sizes), self.service, rooms)
        expected = self._alone(broken)
        self.assertEqual(expected.passed, self.service.received)
        told = [event[0] for event in self.witness.taken()]
        if expected.violation is not None:
            self.assertEqual(["broken"], told)
        else:
            self.assertIn(told, [["close"], ["broken"]] if expected.taken else [[]])

    @staticmethod
    def _alone(stream: bytes) -> Read:
        return read(FrameReader(True, RSV1, 500, 250), [stream])

    @settings(max_examples=80, deadline=None)
    @given(streams(), SIZES, ROOMS, st.lists(st.integers(0, 20), max_size=4))
    def test_a_session_that_moves_loses_nothing_and_says_nothing_twice(
        self, frames: list[bytes], sizes: list[int], rooms: list[int], losses: list[int]
    ) -> None:
        """Over all services, each message and each control frame arrives whole exactly once, in order."""
        self.couple(Limits(waiting_limit=65536))
        services = [self.service]
        stream = b"".join(frames)
        for i, chunk in enumerate(cut(stream, sizes)):
            self.client.peer_sends(chunk)
            self.service.takes = rooms[i % len(rooms)]
            self.settle()
            if i in losses:
                self.service.peer_breaks()
                self.settle()
                self.assertTrue(self.relay.movable)
                services.append(self.attach(takes=rooms[i % len(rooms)]))
        self.service.takes = None
        self.settle()
        self.assertTrue(all(event[:2] == ("lost", SERVICE) for event in self.witness.taken()))
        parts = [arrived(bytes(service.received)) for service in services]
        whole = arrived(stream)
        self.assertEqual(whole[0], [message for messages, _ in parts for message in messages])
        self.assertEqual(whole[1], [control for _, controls in parts for control in controls])
