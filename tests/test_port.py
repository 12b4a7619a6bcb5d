"""A port that waits when nothing can be accepted.

The sockets here are real, listening on the loopback interface, since the port is one of Twisted's own; the reactor is not.
"""

from __future__ import annotations

import errno
import socket
from typing import Any, cast

from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactor
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.port import PatientPort, PatientSocket, listen


class Reactor(Clock):
    """Knows who reads, and turns."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[Any] = set()

    def addReader(self, reader: Any) -> None:
        """See IReactorFDSet."""
        self.readers.add(reader)

    def removeReader(self, reader: Any) -> None:
        """See IReactorFDSet."""
        self.readers.discard(reader)

    def removeWriter(self, writer: Any) -> None:
        """See IReactorFDSet: nobody writes."""


class Factory(ServerFactory):
    """Counts what it is asked for; with ``refuses`` it takes no connection."""

    noisy = False

    def __init__(self) -> None:
        self.count = 0

    def buildProtocol(self, addr: object) -> Protocol | None:
        """Close it at once."""
        self.count += 1
        return None


class PortTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.port.PatientPort`."""

    def setUp(self) -> None:
        """A port that listens; what is wrong with accept is in :attr:`error`."""
        self.error = 0
        self.calls = 0
        accept = socket.socket.accept

        def accepting(sock: socket.socket) -> object:
            self.calls += 1
            if self.error:
                raise OSError(self.error, "no more")
            return accept(sock)

        self.patch(socket.socket, "accept", accepting)
        self.reactor = Reactor()
        self.factory = Factory()
        self.port = PatientPort(0, self.factory, 50, "127.0.0.1", cast(Any, self.reactor))
        self.port.startListening()

    def tearDown(self) -> None:
        self.port.stopListening()
        self.reactor.advance(0)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def connect(self, count: int = 1) -> None:
        """So many connections wait to be accepted."""
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", self.port.getHost().port), 5)
            self.addCleanup(client.close)

    @property
    def listening(self) -> bool:
        """Whether the reactor looks for connections."""
        return self.port in self.reactor.readers

    def test_it_accepts(self) -> None:
        """All that wait, in turns of 32 at most."""
        self.connect(40)
        self.port.doRead()
        self.assertEqual(32, self.factory.count)
        self.port.doRead()
        self.assertEqual(40, self.factory.count)
        self.assertTrue(self.listening)

    def test_it_waits_while_there_is_no_room(self) -> None:
        """It asks again a moment later, and accepts no more than there is room for."""
        self.connect(5)
        room = 0
        self.port.room = lambda: room
        for _ in range(3):
            self.port.doRead()
            self.assertEqual((0, False), (self.calls, self.listening))
            self.reactor.advance(0.05)
            self.assertTrue(self.listening)
        room = 3
        self.port.doRead()
        self.assertEqual(3, self.factory.count)
        room = 32
        self.port.doRead()
        self.assertEqual(5, self.factory.count)

    def test_it_waits_when_there_is_nothing_left(self) -> None:
        """Whatever is short: it is tried once, the reactor is not asked for a second, and whoever waits is served then."""
        self.connect()
        for self.error in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
            self.calls = 0
            self.port.doRead()
            self.assertEqual((1, False), (self.calls, self.listening))
            self.reactor.advance(0.9)
            self.assertFalse(self.listening)
            self.reactor.advance(0.1)
            self.assertTrue(self.listening)
        self.error = 0
        self.port.doRead()
        self.assertEqual(1, self.factory.count)

    def test_what_is_said(self) -> None:
        """Once that it cannot, and once that it can: when it could for ten seconds."""
        with capturedLogs() as logs:
            self.error = errno.EMFILE
            for _ in range(20):
                self.port.doRead()
                self.reactor.advance(1)
            self.assertEqual([LogLevel.error], [event["log_level"] for event in logs])
            self.reactor.advance(9)
        self.assertEqual([LogLevel.error, LogLevel.info], [event["log_level"] for event in logs])

    def test_other_errors_are_twisteds(self) -> None:
        """A connection that is gone before it was accepted is no shortage."""
        with capturedLogs():
            self.error = errno.ECONNABORTED
            self.port.doRead()
        self.assertTrue(self.listening)

    def test_it_is_closed_while_it_waits(self) -> None:
        """Nothing is left of it."""
        self.error = errno.EMFILE
        with capturedLogs():
            self.port.doRead()
        self.port.stopListening()
        self.reactor.advance(0)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_the_socket_is_one_that_does_not_block(self) -> None:
        """With nothing to accept it says so; Twisted's port has it, so that nothing of Twisted changed there."""
        self.assertIsInstance(self.port.socket, PatientSocket)
        self.assertFalse(self.port.socket.getblocking())
        with self.assertRaises(BlockingIOError):
            self.port.socket.accept()


class ListenTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.port.listen`."""

    def test_reactors_over_sockets(self) -> None:
        """Have patient ports, on what is asked for."""

        class Real(Reactor, PosixReactorBase):  # type: ignore[misc]  # each spells its arguments its own way
            def __init__(self) -> None:
                Reactor.__init__(self)

        reactor = Real()
        prepared: list[Any] = []
        port = listen(reactor, 0, Factory(), "127.0.0.1", lambda: 7, prepared.append)
        self.assertIsInstance(port, PatientPort)
        self.assertEqual(([port], 7), (prepared, cast(PatientPort, port).room()))
        port.stopListening()
        port = listen(reactor, 0, Factory(), "127.0.0.1")
        self.assertGreater(cast(PatientPort, port).room(), 0)
        self.assertEqual("127.0.0.1", cast(Any, port.getHost()).host)
        port.stopListening()
        reactor.advance(0)

    def test_other_reactors(self) -> None:
        """Listen as they do."""
        reactor = MemoryReactor()
        factory = Factory()
        listen(reactor, 1, factory, "127.0.0.1")
        self.assertEqual([(1, factory, 4096, "127.0.0.1")], reactor.tcpServers)
