"""How much is read at once."""

from __future__ import annotations

from apiml_ws.core.frames import Opcode
from apiml_ws.core.interfaces import RelayMaker
from apiml_ws.proxy.relay import PortableRelays
from apiml_ws.proxy.room import READ_SIZE, SMALL_READ
from tests.proxy.relay_case import CLIENT, RelayCase, asked


class ReadSizes(RelayCase):
    """By what comes from a client."""

    def make_relays(self) -> RelayMaker:
        """See RelayCase."""
        return PortableRelays(self.poller, self.clock, self.random)

    def sends(self, *frames: bytes) -> list[int]:
        """Send ``frames``; how much was read each time, at most."""
        sizes: list[int] = []
        receive = type(self.client).receive_into

        def receiving(buffer: memoryview) -> int | None:
            sizes.append(len(buffer))
            return receive(self.client, buffer)

        self.patch(self.client, "receive_into", receiving)
        self.client.peer_sends(*frames)
        self.settle()
        return sizes

    def test_a_stream_of_tiny_frames(self) -> None:
        """Is read in small pieces after the first, so that others get their turns; and in large ones when it is over."""
        self.couple()
        tiny = asked(b"") * 60_000
        sizes = self.sends(tiny)
        self.assertEqual(READ_SIZE, sizes[0])
        self.assertEqual({SMALL_READ}, set(sizes[1:]))
        self.assertEqual(60_000, self.relay.counters(CLIENT).frames)
        large = asked(b"x" * 100_000, Opcode.BINARY)
        sizes = self.sends(large, large)
        self.assertEqual(READ_SIZE, sizes[-1])
        self.assertEqual(tiny + large + large, self.service.received)

    def test_small_frames_one_by_one(self) -> None:
        """Are no stream."""
        self.couple()
        for _ in range(10):
            self.assertEqual({READ_SIZE}, set(self.sends(asked())))

    def test_middling_frames(self) -> None:
        """Change nothing, once the pieces are small."""
        self.couple()
        self.sends(asked(b"") * 60_000)
        self.assertEqual({SMALL_READ}, set(self.sends(asked(b"x" * 100) * 2000)))
