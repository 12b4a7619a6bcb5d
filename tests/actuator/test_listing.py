"""Tests of :mod:`apiml_ws.actuator.listing`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.actuator.listing import AT_ONCE, PATIENCE, Listing
from tests.actuator.doubles_http import Exchange


def chunks(body: bytes) -> list[bytes]:
    """What is in each chunk (RFC 9112 section 7.1), but for the last one, which is empty."""
    found = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        found.append(rest[: int(size, 16)])
        body = rest[int(size, 16) + 2 :]
    return found[:-1]


class Listings(SynchronousTestCase):
    """A list over HTTP."""

    def setUp(self) -> None:
        """So many rows as a test says."""
        self.clock = Clock()
        self.count = 0
        self.taken = 0
        self.root = Listing(self.rows, cast(Any, self.clock))
        self.addCleanup(lambda: self.assertEqual([], self.clock.getDelayedCalls()))

    def rows(self) -> Iterator[object]:
        """Rows that count how many of them were looked at."""
        for number in range(self.count):
            self.taken += 1
            yield {"number": number}

    def ask(self, count: int, method: str = "GET") -> Exchange:
        """Ask for so many."""
        self.count, self.taken = count, 0
        return Exchange(self.root, "/", method)

    def expected(self) -> list[dict[str, int]]:
        """All of them."""
        return [{"number": number} for number in range(self.count)]

    def test_few(self) -> None:
        """Are there at once, with their length."""
        for count in (0, 1, AT_ONCE):
            response = self.ask(count).response
            self.assertEqual((200, self.expected()), (response.status, response.json))
            self.assertEqual(str(len(response.body)), response.headers["content-length"])

    def test_many(self) -> None:
        """Come piece by piece, a turn for each; the whole is a list."""
        exchange = self.ask(3 * AT_ONCE + 1)
        self.assertEqual(AT_ONCE + 1, self.taken)
        self.clock.advance(0)
        response = exchange.response
        self.assertEqual((200, "chunked"), (response.status, response.headers["transfer-encoding"]))
        self.assertEqual("no-store", response.headers["cache-control"])
        pieces = chunks(response.body)
        self.assertEqual([AT_ONCE] * 3 + [1, 0], [piece.count(b"number") for piece in pieces])
        self.assertEqual(self.expected(), json.loads(b"".join(pieces)))

    def test_head(self) -> None:
        """Has no length, which nobody knows yet, and no body."""
        response = self.ask(AT_ONCE + 1, "HEAD").response
        self.assertEqual((200, b"", None), (response.status, response.body, response.headers.get("content-length")))

    def test_other_methods(self) -> None:
        """405."""
        self.assertEqual(405, self.ask(1, "DELETE").response.status)

    def test_a_client_that_reads_slowly(self) -> None:
        """Nothing is looked at that it does not take."""
        exchange = self.ask(3 * AT_ONCE)
        producer: Any = exchange.transport.producer
        producer.pauseProducing()
        self.clock.advance(1)
        self.assertEqual(AT_ONCE + 1, self.taken)
        producer.resumeProducing()
        producer.resumeProducing()
        self.clock.advance(0)
        self.assertEqual(self.expected(), json.loads(b"".join(chunks(exchange.response.body))))

    def test_a_client_that_goes(self) -> None:
        """Nothing more is looked at."""
        exchange = self.ask(3 * AT_ONCE)
        producer: Any = exchange.transport.producer
        producer.stopProducing()
        assert exchange.channel is not None
        exchange.channel.connectionLost(Failure(ConnectionError()))
        self.clock.advance(PATIENCE)
        self.assertEqual(AT_ONCE + 1, self.taken)

    def test_a_client_that_never_reads(self) -> None:
        """Is cut off."""
        exchange = self.ask(3 * AT_ONCE, "GET")
        producer: Any = exchange.transport.producer
        producer.pauseProducing()
        self.clock.advance(PATIENCE - 1)
        self.assertFalse(cut_off(exchange.transport))
        self.clock.advance(1)
        self.assertTrue(cut_off(exchange.transport))
        producer.stopProducing()


def cut_off(transport: StringTransport) -> bool:
    """Whether the server ended the connection without waiting."""
    return transport.disconnected
