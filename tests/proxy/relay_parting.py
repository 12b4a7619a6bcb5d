"""How long any relay waits for a service that it told to go, and how it goes where messages are taken apart."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from apiml_ws.core.frames import FIN, RSV1, FrameReader, Opcode, frame
from apiml_ws.core.interfaces import Limits, Relay
from apiml_ws.proxy.deflate import Deflater
from tests.core.doubles_frames import cut, streams
from tests.proxy.doubles_relay import MemoryWire
from tests.proxy.relay_case import KEY, OURS, SERVICE, RelayCase, answered
from tests.proxy.relay_random import ROOMS, SIZES, arrived
from tests.proxy.relay_retiring import LEAVE, LEFT, MOVED

FRESH = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


class Parting(RelayCase):
    """A service that was told to go, and takes its time."""

    def retired(self) -> Relay:
        """It was told."""
        relay = self.couple()
        relay.retire(MOVED)
        self.heard(("retired", True))
        return relay

    def test_a_service_that_does_not_answer(self) -> None:
        """Its connection is ended after closeTimeout."""
        relay = self.retired()
        self.service.peer_sends(answered(b"late"))
        self.pass_time(4.9)
        self.heard()
        self.pass_time(0.2)
        self.heard(("ended", SERVICE))
        self.assertEqual(answered(b"late"), self.client.received)
        self.assertTrue(relay.movable)

    def test_a_service_inside_a_message(self) -> None:
        """May end it, as long as more of it comes; then it can be replaced."""
        relay = self.retired()
        message = answered(bytes(100))
        self.service.peer_sends(message[:10])
        for byte in message[10:14]:
            self.pass_time(4)
            self.service.peer_sends(bytes((byte,)))
        self.heard()
        self.service.peer_sends(message[14:])
        self.settle()
        self.pass_time(5)
        self.heard(("ended", SERVICE))
        self.assertEqual(message, self.client.received)
        self.assertTrue(relay.movable)

    def test_a_service_that_stops_inside_a_message(self) -> None:
        """Nobody can go on for it."""
        for part in (answered()[:4], answered(first=0)):
            relay = self.retired()
            self.service.peer_sends(part)
            self.pass_time(10.2)
            self.heard(("ended", SERVICE))
            self.assertFalse(relay.movable)

    def test_a_client_that_is_slow_to_take_the_last_message(self) -> None:
        """Is waited for, though nothing more is read meanwhile."""
        self.retired()
        self.client.takes = 50
        self.service.peer_sends(answered(bytes(120), first=0))
        for _ in range(10):
            self.pass_time(2)
            self.client.takes = 5
            self.settle()
        self.heard()
        self.client.takes = None
        self.service.peer_sends(answered(b"", Opcode.CONTINUATION) + LEFT)
        self.heard(("close", SERVICE, MOVED))


class PartingRandom(RelayCase):
    """Whatever is sent, cut and slowed down anyhow, and whenever services go."""

    @settings(max_examples=150, deadline=None)
    @given(streams(), SIZES, ROOMS, st.lists(st.integers(0, 20), max_size=4))
    def test_every_message_arrives_whole_and_once(
        self, frames: list[bytes], sizes: list[int], rooms: list[int], leaves: list[int]
    ) -> None:
        """In order, and behind none of them anything but the close frame."""
        self.couple(Limits(waiting_limit=65536))
        services = [self.service]
        stream = b"".join(frames)
        for i, chunk in enumerate(cut(stream, sizes)):
            self.client.peer_sends(chunk)
            self.service.takes = rooms[i % len(rooms)]
            if i in leaves:
                self.relay.retire(MOVED)
            self.settle()
            services += self.follow()
        self.service.takes = None
        self.settle()
        services += self.follow()
        passed = [bytes(service.received).removesuffix(LEAVE) for service in services]
        parts = [arrived(each)[0] for each in passed]
        self.assertEqual(arrived(stream)[0], [message for messages in parts for message in messages])
        self.assertEqual([len(each) for each in passed[:-1]], [FrameReader(True).feed(each) for each in passed[:-1]])

    def follow(self) -> list[MemoryWire]:
        """The next service, if the present one was told to go."""
        if ("retired", True) not in self.witness.taken():
            return []
        self.service.takes = None
        self.settle()
        self.assertTrue(self.service.received.endswith(LEAVE))
        self.service.peer_sends(LEFT)
        self.heard(("close", SERVICE, MOVED))
        self.assertTrue(self.relay.movable)
        following = self.attach()
        self.settle()
        return [following]


class PartingBridged(RelayCase):
    """The same where messages are taken apart."""

    def deflated(self, payload: bytes) -> bytes:
        """A message of a client in one frame."""
        deflater = Deflater(15, True)
        return frame(Opcode.BINARY, deflater.deflate(payload) + deflater.end(), KEY, first=FIN | RSV1)

    def test_all_of_the_last_message_goes_first(self) -> None:
        """However slow the service is to take it; what follows waits as it came."""
        relay = self.open(extensions=FRESH)
        self.attach("", takes=0)
        message, following = self.deflated(bytes(300000)), self.deflated(b"next")
        self.client.peer_sends(message[:50])
        self.settle()
        relay.retire(MOVED)
        self.client.peer_sends(message[50:] + following[:-1])
        self.heard(("retired", True))
        self.pass_time(4)
        self.assertEqual(b"", self.service.received)
        self.service.takes = None
        self.settle()
        self.assertTrue(self.service.received.endswith(LEAVE))
        self.assertGreater(len(self.service.received), 300000)
        self.service.peer_sends(LEFT)
        self.heard(("close", SERVICE, MOVED))
        self.assertTrue(relay.movable)
        self.attach("")
        self.client.peer_sends(following[-1:])
        self.settle()
        self.assertEqual(frame(Opcode.BINARY, b"next", OURS), self.service.received)

    def test_all_that_it_sent_comes_before_the_next(self) -> None:
        """However slow the client is to take it."""
        relay = self.open(extensions="")
        self.attach(FRESH)
        relay.retire(MOVED)
        self.heard(("retired", True))
        self.client.takes = 0
        deflater = Deflater(15, True)
        message = deflater.deflate(bytes(300000)) + deflater.end()
        self.service.peer_sends(frame(Opcode.BINARY, message, first=FIN | RSV1) * 2 + LEFT)
        self.heard(("close", SERVICE, MOVED))
        self.assertTrue(relay.movable)
        self.attach(FRESH, early=answered(b"next"))
        self.client.takes = None
        self.settle()
        self.assertGreater(len(self.client.received), 600000)
        self.assertTrue(self.client.received.endswith(answered(b"next")))

    def test_a_service_that_left_a_message_unfinished(self) -> None:
        """The client has a part of it, or will have."""
        relay = self.open(extensions="")
        self.attach(FRESH)
        relay.retire(MOVED)
        self.heard(("retired", True))
        self.client.takes = 0
        deflater = Deflater(15, True)
        message = deflater.deflate(bytes(300000)) + deflater.end()
        self.service.peer_sends(frame(Opcode.BINARY, message, first=RSV1) + LEFT)
        self.heard(("close", SERVICE, MOVED))
        self.assertFalse(relay.movable)
