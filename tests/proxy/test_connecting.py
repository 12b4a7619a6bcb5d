"""Tests of connections over TCP on their way."""

from __future__ import annotations

import errno
import socket
from typing import Any, cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.proxy.connecting import STAGGER, Connecting, Connector, UnknownHostError
from apiml_ws.proxy.names import Names
from apiml_ws.proxy.options import OPTIONS
from apiml_ws.proxy.poller import WRITE
from tests.proxy.doubles_sockets import HandPoller, MemorySocket, Sockets
from tests.proxy.test_names import V4, V6, Resolver


class Waiting:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self.errors: list[OSError] = []

    def connected(self, sock: socket.socket) -> None:
        """See Waiting."""
        self.sockets.append(sock)

    def not_connected(self, error: OSError) -> None:
        """See Waiting."""
        self.errors.append(error)


class ConnectingCase(SynchronousTestCase):
    """A network in memory."""

    def setUp(self) -> None:
        """Nobody is connected to yet."""
        self.clock = Clock()
        self.poller = HandPoller()
        self.sockets = Sockets()
        self.resolver = Resolver()
        names = Names(cast(Any, self.resolver), self.clock)
        self.connector = Connector(names, self.poller, self.clock, self.sockets)
        self.waiting = Waiting()

    def connect(self, host: str = "127.0.0.1") -> Connecting:
        """Begin."""
        return self.connector.connect(host, 10012, self.waiting)

    def refuse(self, sock: MemorySocket, problem: int = errno.ECONNREFUSED) -> None:
        """Let the system say that it came to nothing."""
        sock.problem = problem
        self.poller.report(sock)

    def assert_nothing_left(self) -> None:
        """No socket, no timer, nothing watched."""
        self.assertEqual((self.sockets.open, self.poller.watched), ([], {}))
        self.clock.advance(100)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class OneAddressTests(ConnectingCase):
    """A host that is an address."""

    def test_connected(self) -> None:
        """The socket does not block, has the options of all connections, and is nobody's else."""
        self.connect()
        (sock,) = self.sockets.made
        self.assertEqual((sock.family, sock.address), (socket.AF_INET, ("127.0.0.1", 10012)))
        self.assertEqual(
            (sock.blocking, sock.options), (False, {(level, name): value for level, name, value in OPTIONS})
        )
        self.assertEqual((self.poller.events(sock), self.waiting.sockets), (WRITE, []))
        self.poller.report(sock)
        self.assertEqual((self.waiting.sockets, self.poller.watched), ([cast(socket.socket, sock)], {}))
        self.assertEqual((sock.closed, self.clock.getDelayedCalls()), (False, []))

    def test_failures(self) -> None:
        """As the system says, in a later turn, even when it says so at once."""
        for problem, kind in (
            (errno.ECONNREFUSED, ConnectionRefusedError),
            (errno.ETIMEDOUT, TimeoutError),
            (errno.EHOSTUNREACH, OSError),
        ):
            self.setUp()
            self.connect()
            self.refuse(self.sockets.made[0], problem)
            self.setUp()
            self.sockets.prepare = lambda made, problem=problem: setattr(made, "problem", problem)  # type: ignore[misc]  # bound early
            self.connect("::1")
            self.assertEqual(self.waiting.errors, [])
            self.clock.advance(0)
            (error,) = self.waiting.errors
            self.assertIsInstance(error, kind)
            self.assertEqual(error.errno, problem)
            self.assert_nothing_left()

    def test_host_of_this_machine(self) -> None:
        """It is connected at once, which is told in a later turn, unless it was given up."""
        self.sockets.prepare = lambda made: setattr(made, "near", True)
        self.connect()
        self.connect().cancel()
        first, second = self.sockets.made
        self.assertEqual((self.waiting.sockets, self.poller.watched), ([], {}))
        self.clock.advance(0)
        self.assertEqual(self.waiting.sockets, [cast(socket.socket, first)])
        self.assertEqual((first.closed, second.closed, self.clock.getDelayedCalls()), (False, True, []))

    def test_cancelled(self) -> None:
        """At every stage; nobody hears of it."""
        self.connect().cancel()
        self.assert_nothing_left()
        connecting = self.connect()
        self.refuse(self.sockets.open[0])
        connecting.cancel()
        self.assert_nothing_left()
        self.assertEqual((self.waiting.sockets, self.waiting.errors), ([], []))

    def test_cancelled_too_late(self) -> None:
        """The socket is its receiver's."""
        connecting = self.connect()
        self.poller.report(self.sockets.made[0])
        connecting.cancel()
        self.assertFalse(self.sockets.made[0].closed)

    def test_receiver_that_fails(self) -> None:
        """Whoever has the socket is not taken it away."""
        self.connect()
        listener = self.poller.watched[self.sockets.made[0].fileno()][1]
        self.poller.report(self.sockets.made[0])
        listener.crashed()
        self.assertFalse(self.sockets.made[0].closed)


class SeveralAddressesTests(ConnectingCase):
    """A name of two hosts."""

    def setUp(self) -> None:
        """The name is looked up."""
        super().setUp()
        self.connecting = self.connect("service.test")
        self.assertEqual(self.sockets.made, [])

    def _answer(self) -> None:
        receiver = self.resolver.asked[-1][0]
        receiver._addresses = [V6, V4]
        receiver.resolutionComplete()

    def test_the_second_when_the_first_fails(self) -> None:
        """At once."""
        self._answer()
        self.refuse(self.sockets.made[0])
        first, second = self.sockets.made
        self.assertEqual((first.family, second.family, first.closed), (socket.AF_INET6, socket.AF_INET, True))
        self.poller.report(second)
        self.assertEqual(self.waiting.sockets, [cast(socket.socket, second)])
        self.assertEqual(self.sockets.open, [second])
        self.clock.advance(100)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_second_when_the_first_is_silent(self) -> None:
        """After a while, and whichever answers first is taken."""
        for winner in (0, 1):
            self.setUp()
            self._answer()
            self.clock.advance(STAGGER)
            self.poller.report(self.sockets.made[winner])
            self.assertEqual(self.waiting.sockets, [cast(socket.socket, self.sockets.made[winner])])
            self.assertEqual((self.sockets.open, self.poller.watched), ([self.sockets.made[winner]], {}))

    def test_all_fail(self) -> None:
        """The last error is told, once."""
        self._answer()
        self.clock.advance(STAGGER)
        first, second = self.sockets.made
        self.refuse(second)
        self.clock.advance(0)
        self.assertEqual(self.waiting.errors, [])
        self.refuse(first, errno.EHOSTUNREACH)
        self.clock.advance(0)
        self.assertEqual([error.errno for error in self.waiting.errors], [errno.EHOSTUNREACH])
        self.assert_nothing_left()

    def test_all_fail_at_once(self) -> None:
        """Without a socket to wait for."""
        self.sockets.prepare = lambda made: setattr(made, "problem", errno.ENETUNREACH)
        self._answer()
        self.clock.advance(0)
        self.assertEqual([error.errno for error in self.waiting.errors], [errno.ENETUNREACH])
        self.assert_nothing_left()

    def test_unknown(self) -> None:
        """A name without an address."""
        self.resolver.answer()
        self.clock.advance(0)
        self.assertIsInstance(self.waiting.errors[0], UnknownHostError)
        self.assert_nothing_left()

    def test_cancelled_while_it_is_looked_up(self) -> None:
        """Nobody is connected to."""
        self.connecting.cancel()
        self._answer()
        self.assertEqual(self.sockets.made, [])

    def test_cancelled_while_two_are_tried(self) -> None:
        """Both are given up."""
        self._answer()
        self.clock.advance(STAGGER)
        self.connecting.cancel()
        self.assert_nothing_left()
