"""TLS wires: records over a socket pair, with a peer that is pyOpenSSL too."""

from __future__ import annotations

import socket
from unittest import mock

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.proxy import records
from apiml_ws.proxy.wire import TlsWire, WireLost
from tests.proxy.doubles_wire import TlsPeer, connected, connection, drained, socket_pair, tcp_pair, user_timeout


class Tls(SynchronousTestCase):
    """The newest TLS."""

    newest = SSL.TLS1_3_VERSION

    def setUp(self) -> None:
        """A wire of a server, and a client at its other end."""
        server, client = connected(self.newest)
        self.sock, sock = socket_pair(small=True)
        self.addCleanup(sock.close)
        self.addCleanup(self.sock.close)
        self.released: list[str] = []
        self.wire = TlsWire(self.sock, server, lambda: self.released.append("released"))
        self.peer = TlsPeer(sock, client)
        self.buffer = memoryview(bytearray(1 << 18))
        self.assertIsNone(self.wire.receive_into(self.buffer))

    def received(self) -> bytes | None:
        """What one read gives."""
        count = self.wire.receive_into(self.buffer)
        return None if count is None else bytes(self.buffer[:count])

    def sent(self, data: bytes) -> bytes:
        """What the peer got when all of ``data`` was sent."""
        self.wire.send(data)
        received = b""
        while self.wire.pending:
            received += self.peer.receive()
            self.wire.flush()
        return received + self.peer.receive()

    def test_both_ways(self) -> None:
        """Small and large, several records at a time."""
        self.assertEqual(self.sock.fileno(), self.wire.fileno())
        for data in (b"hello", bytes(range(256)) * 64, bytes(range(256)) * 300):
            self.assertEqual(data, self.sent(data))
        self.assertIsNone(self.received())
        self.peer.send(b"one")
        self.peer.send(b"two")
        self.assertEqual(b"onetwo", self.received())
        self.assertIsNone(self.received())

    def test_what_is_there_when_it_settles(self) -> None:
        """Is there afterwards: what was read and not opened, and what was sealed and not sent; and all goes on."""
        self.peer.send(b"early")
        self.wire.connection.bio_write(self.sock.recv(65536))
        self.wire.connection.send(b"late")
        self.wire.readable = True
        for _ in range(2):
            self.wire.settle()
        self.assertEqual(b"early", self.received())
        self.assertEqual(b"late" + bytes(20000), self.sent(bytes(20000)))
        self.peer.send(b"more")
        self.assertEqual(b"more", self.received())

    def test_handshake(self) -> None:
        """Between two wires; then both ways, and nothing of the handshake is lost."""
        near, far = socket_pair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        client, server = TlsWire(near, connection(False, self.newest)), TlsWire(far, connection(True, self.newest))
        while not client.shake(more=True):
            server.shake()
        if self.newest == SSL.TLS1_3_VERSION:
            self.assertEqual(b"", drained(far))
        client.send(b"c")
        while not server.shake():
            pass
        self.assertEqual(server.receive_into(self.buffer), 1)
        server.send(b"s")
        self.assertEqual(client.receive_into(self.buffer), 1)

    def test_handshake_that_fails(self) -> None:
        """The other end hears of it."""
        near, far = socket_pair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        near.send(b"this is no TLS at all")
        with self.assertRaises(SSL.Error):
            TlsWire(far, connection(True, self.newest)).shake()
        near.close()
        with self.assertRaises(WireLost):
            TlsWire(far, connection(True, self.newest)).shake()

    def test_patience(self) -> None:
        """The kernel is told while something is kept."""
        near, far = tcp_pair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        wire = TlsWire(near, connected(self.newest)[0], self.fail)
        wire.set_patience(60.0)
        wire.send(b"x" * (1 << 24))
        self.assertEqual(user_timeout(near), 65000)

    def test_part_of_a_record_is_nothing_yet(self) -> None:
        """Until the rest comes."""
        self.peer.connection.send(b"hello")
        record = self.peer.connection.bio_read(1000)
        for i in range(len(record) - 1):
            self.peer.sock.send(record[i : i + 1])
            self.assertIsNone(self.received())
        self.peer.sock.send(record[-1:])
        self.assertEqual(b"hello", self.received())

    def test_what_the_connection_read_before_is_there(self) -> None:
        """Though the socket has nothing."""
        server, client = connected(self.newest)
        client.send(b"early")
        server.bio_write(client.bio_read(1000))
        wire = TlsWire(self.sock, server, self.fail)
        self.assertTrue(wire.readable)
        self.assertEqual(5, wire.receive_into(self.buffer))
        self.assertFalse(wire.readable)

    def test_a_short_buffer_leaves_something_to_read(self) -> None:
        """Which the descriptor does not tell of."""
        self.peer.send(b"0123456789")
        small = self.buffer[:4]
        while self.wire.receive_into(small) is None:
            pass
        self.assertTrue(self.wire.readable)
        self.assertEqual(b"456789", self.received())
        self.assertFalse(self.wire.readable)

    def test_close_notify_is_the_end(self) -> None:
        """After what came before it."""
        self.peer.send(b"last")
        self.peer.connection.shutdown()
        self.peer.speak()
        self.assertEqual(b"last", self.received())
        self.assertTrue(self.wire.readable)
        self.assertEqual(b"", self.received())

    def test_an_end_without_close_notify_is_a_loss(self) -> None:
        """Somebody may have cut the stream."""
        self.peer.send(b"last")
        self.peer.sock.shutdown(socket.SHUT_WR)
        self.assertEqual(b"last", self.received())
        self.assertRaises(WireLost, self.received)

    def test_a_broken_socket_is_a_loss(self) -> None:
        """In reading and in sending."""
        self.wire.send(b"unread")
        self.peer.sock.close()
        self.assertRaises(WireLost, self.received)
        self.assertRaises(WireLost, self.wire.send, b"abc")

    def test_garbage_is_a_loss_and_the_peer_hears_of_it(self) -> None:
        """By an alert; what came before is read first."""
        self.peer.send(b"good")
        self.peer.sock.send(b"\x17\x03\x03\x00\x20" + bytes(32))
        self.assertEqual(b"good", self.received())
        self.assertRaises(WireLost, self.received)
        self.assertRaises(SSL.Error, self.peer.receive)
        self.assertRaises(WireLost, self.wire.send, b"x")

    def test_garbage_alone(self) -> None:
        """Is a loss at once."""
        self.peer.sock.send(b"\x17\x03\x03\x00\x20" + bytes(32))
        self.assertRaises(WireLost, self.received)

    def test_unsent_counts_the_records_that_cannot_be_opened(self) -> None:
        """A record of which a byte is missing is worth nothing."""
        self.wire.send(bytes(100000))
        raw = drained(self.peer.sock)
        opened = 0
        while len(raw) > 5 and len(raw) >= 5 + int.from_bytes(raw[3:5], "big"):
            raw = raw[5 + int.from_bytes(raw[3:5], "big") :]
            opened += 16384
        self.assertEqual(100000 - opened, self.wire.unsent)
        self.wire.send(b"more")
        self.assertEqual(100004 - opened, self.wire.unsent)

    def test_all_taken_is_nothing_unsent(self) -> None:
        """And the next send begins anew."""
        self.sent(bytes(100000))
        self.assertEqual(0, self.wire.unsent)

    def test_records_of_another_kind_make_no_count(self) -> None:
        """What cannot be told apart counts as received."""
        self.wire.send(bytes(1 << 18))
        unsent = self.wire.unsent
        # An alert of the server's own, in front of the next record.
        self.wire._connection.shutdown()
        with self.assertRaises(WireLost):
            self.wire.send(b"after close_notify")
        self.assertEqual(unsent, self.wire.unsent)

    def test_finish_is_close_notify_and_fin(self) -> None:
        """After what is kept."""
        self.wire.send(bytes(100000))
        self.wire.finish()
        received = b""
        with self.assertRaises(SSL.ZeroReturnError):
            while True:
                received += self.peer.receive()
                self.wire.flush()
        self.assertEqual(b"", self.peer.sock.recv(1))

    def test_close_releases(self) -> None:
        """And ends the connection."""
        self.wire.close()
        self.assertEqual(["released"], self.released)
        self.assertEqual(b"", self.peer.sock.recv(1))


class OlderTls(Tls):
    """TLS 1.2."""

    newest = SSL.TLS1_2_VERSION


class PlainTls(Tls):
    """Where pyOpenSSL has other names for OpenSSL's functions."""

    def setUp(self) -> None:
        """It has none."""
        patch = mock.patch.object(records, "_LIBRARY", None)
        patch.start()
        self.addCleanup(patch.stop)
        super().setUp()
        self.assertIsInstance(records.records_of(connected(self.newest)[0]), records.PlainRecords)


class RecordsTests(SynchronousTestCase):
    """Tests of :mod:`apiml_ws.proxy.records`."""

    def test_this_pyopenssl_is_known(self) -> None:
        """Fails when it has other names, and small records get dearer."""
        self.assertIsInstance(records.records_of(connected(SSL.TLS1_3_VERSION)[0]), records.StraightRecords)

    def test_what_goes_wrong(self) -> None:
        """Is said as pyOpenSSL says it, whichever way it is called."""
        for make in (records.StraightRecords, records.PlainRecords):
            server, client = connected(SSL.TLS1_3_VERSION)
            opened, room = make(server), memoryview(bytearray(100))
            while True:
                try:
                    opened.take(1000)
                except SSL.WantReadError:
                    break
            self.assertRaises(SSL.WantReadError, opened.open_into, room)
            client.shutdown()
            opened.put(memoryview(client.bio_read(1000)))
            self.assertRaises(SSL.ZeroReturnError, opened.open_into, room)
            opened.put(memoryview(bytes(100)))
            server.shutdown()
            self.assertRaises(SSL.Error, opened.seal, b"too late")
