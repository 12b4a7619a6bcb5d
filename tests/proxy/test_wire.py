"""Wires over sockets: what a kernel takes and gives, without a network."""

from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.proxy.wire import SocketWire, WireLost
from tests.proxy.doubles_wire import drained, socket_pair, tcp_pair, user_timeout


class Plain(SynchronousTestCase):
    """A wire over a plain socket."""

    def setUp(self) -> None:
        """A wire with little room, and its peer."""
        self.sock, self.peer = socket_pair(small=True)
        self.addCleanup(self.peer.close)
        self.addCleanup(self.sock.close)
        self.released: list[str] = []
        self.wire = SocketWire(self.sock, lambda: self.released.append("released"))
        self.buffer = memoryview(bytearray(1000))

    def test_it_reads_what_is_there(self) -> None:
        """At most a buffer full; None when nothing is there, 0 at the end."""
        self.assertEqual(self.sock.fileno(), self.wire.fileno())
        self.assertIsNone(self.wire.receive_into(self.buffer))
        self.peer.send(b"hello")
        self.assertEqual(3, self.wire.receive_into(self.buffer[:3]))
        self.assertEqual(2, self.wire.receive_into(self.buffer))
        self.assertEqual(b"lo", self.buffer[:2])
        self.peer.shutdown(socket.SHUT_WR)
        self.assertEqual(0, self.wire.receive_into(self.buffer))
        self.assertFalse(self.wire.readable)

    def test_patience(self) -> None:
        """While anything is kept the kernel is patient, a little longer than we are, so that we can say why; else 30 s."""
        near, far = tcp_pair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        table = ((60.0, 65000), (600.0, 605000), (1.0, 30000), (0.0, 0), (2147483.0, 2**31 - 1))
        for seconds, milliseconds in table:
            wire = SocketWire(near, self.fail)
            wire.set_patience(seconds)
            wire.send(b"x" * (1 << 24))
            self.assertEqual(user_timeout(near), milliseconds, seconds)
            while wire.pending:
                drained(far)
                wire.flush()
            self.assertEqual(user_timeout(near), 30000)
            drained(far)

    def test_patience_that_is_told_late(self) -> None:
        """With something kept already; where there is no such option, as on this socket, it goes without."""
        near, far = tcp_pair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        wire = SocketWire(near, self.fail)
        wire.send(b"x" * (1 << 24))
        wire.set_patience(60.0)
        self.assertEqual(user_timeout(near), 65000)
        self.wire.send(b"x" * (1 << 24))
        self.wire.set_patience(60.0)
        self.patch(socket, "TCP_USER_TIMEOUT", None)
        wire.set_patience(90.0)

    def test_what_the_kernel_does_not_take_is_kept(self) -> None:
        """And sent in order, by and by."""
        data = bytes(range(256)) * 1000
        self.wire.send(data)
        self.wire.send(b"more")
        pending = self.wire.pending
        self.assertGreater(pending, 4)
        self.assertEqual(pending, self.wire.unsent)
        self.wire.flush()
        self.assertEqual(pending, self.wire.pending)
        received = b""
        while self.wire.pending:
            received += drained(self.peer)
            self.wire.flush()
        self.assertEqual(data + b"more", received + drained(self.peer))

    def test_a_full_socket_keeps_all(self) -> None:
        """When the kernel takes nothing."""
        self.wire.send(bytes(1 << 20))
        other = SocketWire(self.sock, self.fail)
        other.send(b"abc")
        self.assertEqual(3, other.pending)

    def test_data_may_change_after_it_was_sent(self) -> None:
        """What is kept is a copy."""
        data = bytearray(b"x" * (1 << 20))
        self.wire.send(memoryview(data))
        data[:] = bytes(len(data))
        received = drained(self.peer)
        while self.wire.pending:
            self.wire.flush()
            received += drained(self.peer)
        self.assertEqual(b"x" * (1 << 20), received)

    def test_a_broken_connection(self) -> None:
        """Is lost in reading, sending and flushing; what was not sent counts as kept."""
        self.wire.send(bytes(1 << 20))
        self.peer.close()
        self.assertRaises(WireLost, self.wire.flush)
        self.assertRaises(WireLost, self.wire.receive_into, self.buffer)
        fresh = SocketWire(self.sock, self.fail)
        self.assertRaises(WireLost, fresh.send, b"abc")
        self.assertEqual(3, fresh.unsent)

    def test_finish_is_a_fin_after_what_is_kept(self) -> None:
        """Reading goes on."""
        self.wire.send(bytes(100000))
        self.wire.finish()
        count = 0
        while self.wire.pending:
            count += len(drained(self.peer))
            self.wire.flush()
        self.assertEqual(100000, count + len(drained(self.peer)))
        self.assertEqual(b"", self.peer.recv(1))
        self.peer.send(b"still")
        self.assertEqual(5, self.wire.receive_into(self.buffer))

    def test_finish_without_anything_kept(self) -> None:
        """At once; on a broken connection it is lost."""
        self.wire.finish()
        self.assertEqual(b"", self.peer.recv(1))
        self.sock.close()
        self.assertRaises(WireLost, SocketWire(self.sock, self.fail).finish)

    def test_close_releases(self) -> None:
        """Once, after the socket was shut, so that whoever closes it does not wait for room in it."""
        self.wire.send(bytes(1 << 20))
        self.wire.close()
        self.assertEqual(["released"], self.released)
        drained(self.peer)
        self.assertEqual(b"", self.peer.recv(1))

    def test_close_of_a_dead_socket(self) -> None:
        """Releases too."""
        self.sock.close()
        self.wire.close()
        self.assertEqual(["released"], self.released)
