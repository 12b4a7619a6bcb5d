"""Tests of how connections leave Twisted."""

from __future__ import annotations

import gc
import os
import socket
import weakref
from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.proxy.handover import Handover
from apiml_ws.proxy.wire import SocketWire, TlsWire, Wire
from tests import certificates
from tests.proxy.doubles_descriptor import MemoryDescriptor, SealedClient


class Listener(Protocol):
    """Keeps what comes."""

    transport: Any

    def __init__(self) -> None:
        self.at_first: Callable[[], object] = lambda: None
        self.received = b""
        self.lost = False

    def connectionMade(self) -> None:
        """Be the transport's producer, as an HTTP channel is."""
        self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        """Keep it, after what is to be done at first."""
        if not self.received:
            self.at_first()
        self.received += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Remember it."""
        self.lost = True

    def stopProducing(self) -> None:
        """The connection ends."""


class TcpTests(SynchronousTestCase):
    """Over TCP."""

    def setUp(self) -> None:
        """A connection under way."""
        self.reactor = MemoryReactorClock()
        self.listener = Listener()
        self.tcp = MemoryDescriptor(self.reactor, self.listener)
        self.wires: list[Wire] = []

    def _hand_over(self) -> Handover:
        return Handover(self.reactor, self.tcp, self.wires.append)

    def test_pauses_at_once_and_gives_a_wire_later(self) -> None:
        """Nothing is read from the first moment, and there is no timer left after the last."""
        self._hand_over()
        self.assertEqual((self.tcp.reading, self.wires), (False, []))
        self.tcp.turn()
        self.assertIsInstance(self.wires[0], SocketWire)
        self.assertIsNot(self.tcp.protocol, self.listener)
        self.assertIsNone(self.tcp.producer)
        self.assertEqual((self.reactor.getDelayedCalls(), self.reactor.writers), ([], set()))

    def test_what_was_written_before_goes_first(self) -> None:
        """The wire is given when the transport has sent all, however long that takes."""
        self.tcp.room = 4
        self.tcp.write(b"0123456789")
        self._hand_over()
        self.tcp.turn()
        self.tcp.turn()
        self.assertEqual((self.tcp.socket.sent, self.wires), (b"01234567", []))
        self.tcp.turn()
        self.wires[0].send(b"!")
        self.assertEqual(self.tcp.socket.sent, b"0123456789!")

    def test_sets_the_options(self) -> None:
        """15 s, 3 probes, 5 s apart; 30 s for what is sent; small frames at once."""
        self._hand_over()
        self.tcp.turn()
        self.assertEqual(
            self.tcp.socket.options,
            {
                (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
                (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): 15,
                (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): 3,
                (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 5,
                (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): 30000,
                (socket.IPPROTO_TCP, socket.TCP_NODELAY): 1,
            },
        )

    def test_closing_the_wire_closes_the_transport(self) -> None:
        """Its protocol of before hears nothing of it."""
        self._hand_over()
        self.tcp.turn()
        self.wires[0].close()
        self.tcp.turn()
        self.assertEqual((self.tcp.disconnected, self.listener.lost), (1, False))

    def test_cancelled_connection_stays(self) -> None:
        """Before and after the turn, it is read again by its protocol, and cancelling twice does nothing more."""
        for turns in (0, 1):
            pending = self._hand_over()
            self.tcp.room = 0
            self.tcp.write(b"x")
            for _ in range(turns):
                self.tcp.turn()
            pending.cancel()
            pending.cancel()
            self.assertTrue(self.tcp.reading)
            self.tcp.room = 9
            self.tcp.turn()
            self.tcp.arrive(b"a")
        self.assertEqual((self.listener.received, self.wires), (b"aa", []))

    def test_cancelling_after_the_end_does_nothing(self) -> None:
        """The wire is its taker's."""
        pending = self._hand_over()
        self.tcp.turn()
        pending.cancel()
        self.assertFalse(self.tcp.reading)

    def test_lost_connection_is_not_given(self) -> None:
        """Its protocol hears of it, before and after the turn."""
        for turns in (0, 1):
            self.setUp()
            self.tcp.room = 0
            self.tcp.write(b"x")
            pending = self._hand_over()
            for _ in range(turns):
                self.tcp.turn()
            self.tcp.connectionLost(Failure(ConnectionDone()))
            pending.cancel()
            self.reactor.advance(0)
            self.assertEqual((self.listener.lost, self.wires, self.reactor.getDelayedCalls()), (True, [], []))

    def test_connection_that_is_ending_is_not_given(self) -> None:
        """One that was told to end meanwhile ends."""
        self._hand_over()
        self.tcp.loseConnection()
        self.tcp.turn()
        self.tcp.turn()
        self.assertEqual((self.wires, self.listener.lost), ([], True))


class TlsTests(SynchronousTestCase):
    """Over TLS, with OpenSSL at both ends."""

    def setUp(self) -> None:
        """A server's end that is Twisted's, and a client's that is not, up to the client's request."""
        folder = self.mktemp()
        os.mkdir(folder)
        self.listener = Listener()
        listening = Factory.forProtocol(lambda: self.listener)
        self.client = SealedClient(certificates.tls_config(folder), listening)
        self.client.shake_hands()
        self.wires: list[Wire] = []

    def _hand_over(self) -> Handover:
        return Handover(self.client.reactor, self.client.tls, self.wires.append)

    def _request(self, *pieces: bytes) -> None:
        """Deliver the end of the handshake and ``pieces``, without a turn behind it."""
        for piece in pieces:
            self.client.end.send(piece)
        self.client.tcp.arrive(self.client.end.bio_read(1 << 20))

    def test_gives_the_connection_behind_the_handshake(self) -> None:
        """Tickets of the handshake that were not sent yet go first; then both ends understand one another."""
        self._request(b"request")
        self._hand_over()
        self.assertEqual(self.client.tcp.socket.sent, b"")
        self.client.tcp.turn()
        wire = self.wires[0]
        self.assertIsInstance(wire, TlsWire)
        self.assertEqual(self.listener.received, b"request")
        wire.send(b"101")
        self.client.turn()
        self.assertEqual(self.client.hear(), b"101")

    def test_waits_for_what_was_put_together(self) -> None:
        """What the protocol wrote in the same turn is written before the wire is given."""
        self._request(b"request")
        self.client.tls.write(b"before")
        self._hand_over()
        self.client.tcp.turn()
        self.wires[0].send(b"after")
        self.client.turn()
        self.assertEqual(self.client.hear(), b"beforeafter")

    def test_delivers_the_rest_of_what_was_read(self) -> None:
        """Records of the segment in hand reach the protocol though it is paused."""
        self.listener.at_first = self._hand_over
        self._request(b"one", b"two")
        self.assertEqual((self.listener.received, self.wires), (b"onetwo", []))
        self.client.turn()
        self.assertEqual(len(self.wires), 1)

    def test_nothing_of_twisteds_tls_stays(self) -> None:
        """Neither its protocol nor the one above it, nor in the factory that knows all protocols."""
        self._request(b"request")
        self._hand_over()
        self.client.turn()
        self.assertEqual(self.client.factory.protocols, {})
        gone = [weakref.ref(self.client.tls), weakref.ref(self.listener)]
        del self.client.tls, self.listener
        gc.collect()
        self.assertEqual([each() for each in gone], [None, None])
