"""Pollers: an epoll nested in a reactor, and the reactor itself."""

from __future__ import annotations

import os
import resource
import select
import socket
from collections.abc import Callable
from unittest import skipUnless

from twisted.internet.interfaces import IReadDescriptor, IReadWriteDescriptor
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from apiml_ws.proxy import poller as module
from apiml_ws.proxy.poller import GONE, HANGUP, READ, WRITE, NestedEpoll, ReactorPoller, poller_for
from tests.proxy.doubles_wire import drained, socket_pair


class MemoryReactor:
    """Knows its readers and writers."""

    def __init__(self) -> None:
        self.readers: set[object] = set()
        self.writers: set[object] = set()

    def addReader(self, reader: object) -> None:
        """See IReactorFDSet."""
        self.readers.add(reader)

    def removeReader(self, reader: object) -> None:
        """See IReactorFDSet."""
        self.readers.discard(reader)

    def addWriter(self, writer: object) -> None:
        """See IReactorFDSet."""
        self.writers.add(writer)

    def removeWriter(self, writer: object) -> None:
        """See IReactorFDSet."""
        self.writers.discard(writer)


class Listener:
    """Notes what is reported."""

    def __init__(self, then: Callable[[], object] | None = None) -> None:
        self.events: list[int] = []
        self.crashes = 0
        self._then = then

    def ready(self, events: int) -> None:
        """See Ready."""
        self.events.append(events)
        if self._then is not None:
            self._then()

    def crashed(self) -> None:
        """See Ready."""
        self.crashes += 1


@skipUnless(hasattr(select, "epoll"), "no epoll here")
class Nested(SynchronousTestCase):
    """The nested epoll."""

    def setUp(self) -> None:
        """A poller and two connected sockets."""
        self.reactor = MemoryReactor()
        self.clock = Clock()
        self.poller = NestedEpoll(self.reactor, self.clock.seconds)  # type: ignore[arg-type]  # a part of IReactorFDSet
        self.sock, self.peer = socket_pair(small=True)
        self.addCleanup(self.sock.close)
        self.addCleanup(self.peer.close)
        self.descriptor = self.sock.fileno()

    def test_it_is_one_reader_while_it_watches_anything(self) -> None:
        """The epoll is made with the first descriptor, and kept, for there may be no room for another one."""
        verifyObject(IReadDescriptor, self.poller)
        self.assertEqual(-1, self.poller.fileno())
        self.assertEqual("relay", self.poller.logPrefix())
        self.poller.add(self.descriptor, READ, Listener())
        self.assertEqual({self.poller}, self.reactor.readers)
        descriptor = self.poller.fileno()
        os.fstat(descriptor)
        self.poller.remove(self.descriptor)
        self.assertEqual(set(), self.reactor.readers)
        self.poller.remove(self.descriptor)
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limit[1]))
        try:
            self.poller.add(self.descriptor, READ, Listener())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        self.assertEqual({self.poller}, self.reactor.readers)
        self.poller.remove(self.descriptor)
        self.poller.close()
        self.assertRaises(OSError, os.fstat, descriptor)
        self.poller.close()
        self.poller.modify(self.descriptor, READ)
        self.poller.doRead()
        self.poller.connectionLost(Failure(ValueError()))

    def test_it_reports_what_is_waited_for(self) -> None:
        """As long as it is so, some rounds in a turn; nothing else."""
        listener = Listener(lambda: self.sock.recv(1))
        self.poller.add(self.descriptor, READ, listener)
        self.poller.doRead()
        self.assertEqual([], listener.events)
        self.peer.send(b"abcdefgh")
        self.poller.doRead()
        self.assertEqual([READ] * 4, listener.events)
        self.poller.modify(self.descriptor, HANGUP)
        self.poller.doRead()
        self.assertEqual([READ] * 4, listener.events)
        self.poller.modify(self.descriptor, WRITE)
        self.poller.doRead()
        self.assertEqual(WRITE, listener.events[-1])

    def test_a_turn_that_took_its_time_is_over(self) -> None:
        """After two milliseconds there is no further round."""
        listener = Listener(lambda: self.clock.advance(0.0011))
        self.poller.add(self.descriptor, READ, listener)
        self.peer.send(b"a")
        self.poller.doRead()
        self.assertEqual([READ] * 2, listener.events)

    def test_the_reactor_sees_that_something_is_ready(self) -> None:
        """The epoll's own descriptor is readable."""
        self.poller.add(self.descriptor, READ, Listener())
        self.assertEqual([], select.select([self.poller], [], [], 0)[0])
        self.peer.send(b"a")
        self.assertEqual([self.poller], select.select([self.poller], [], [], 0)[0])

    def test_a_peer_that_left_is_reported_without_reading(self) -> None:
        """Once for the end of its sending, and for the end of all whatever is waited for."""
        listener = Listener(lambda: self.poller.modify(self.descriptor, 0))
        self.poller.add(self.descriptor, HANGUP, listener)
        self.peer.send(b"unread")
        self.peer.shutdown(socket.SHUT_WR)
        self.poller.doRead()
        self.assertEqual([HANGUP], listener.events)
        self.peer.close()
        self.poller.doRead()
        self.assertTrue(listener.events[-1] & GONE)

    def test_whoever_was_removed_in_the_same_go_hears_nothing(self) -> None:
        """An earlier event may end a later one's leg."""
        listeners = []
        for sock in (self.sock, self.peer):
            other = self.peer if sock is self.sock else self.sock
            listener = Listener(lambda other=other: self.poller.remove(other.fileno()))  # type: ignore[misc]
            listeners.append(listener)
            sock.send(b"x")
            self.poller.add(sock.fileno(), READ, listener)
        self.poller.doRead()
        self.assertEqual(1, sum(bool(listener.events) for listener in listeners))

    def test_a_crash_costs_one_listener(self) -> None:
        """It is logged and told to it; the others are served."""
        failing = Listener(lambda: drained(self.sock) and 1 // 0)
        serving = Listener(lambda: drained(self.peer))
        self.poller.add(self.descriptor, READ, failing)
        self.poller.add(self.peer.fileno(), READ, serving)
        self.peer.send(b"x")
        self.sock.send(b"x")
        self.poller.doRead()
        self.assertEqual((1, [READ]), (failing.crashes, serving.events))
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))

    def test_a_crash_of_giving_up_is_only_logged(self) -> None:
        """It must not end the reader that serves all."""
        failing = Listener(lambda: drained(self.sock) and 1 // 0)
        self.patch(failing, "crashed", None)
        self.poller.add(self.descriptor, READ, failing)
        self.peer.send(b"x")
        self.poller.doRead()
        self.assertEqual(2, len(self.flushLoggedErrors(ZeroDivisionError, TypeError)))

    def test_a_descriptor_that_somebody_closed(self) -> None:
        """Is forgotten all the same."""
        self.poller.add(self.descriptor, READ, Listener())
        self.sock.close()
        self.poller.remove(self.descriptor)
        self.assertEqual(set(), self.reactor.readers)

    def test_it_is_chosen_where_it_can_be(self) -> None:
        """And the reactor where there is no epoll."""
        self.assertIsInstance(poller_for(self.reactor), NestedEpoll)  # type: ignore[arg-type]  # a part of it
        self.patch(module, "select", object())
        self.assertIsInstance(poller_for(self.reactor), ReactorPoller)  # type: ignore[arg-type]  # a part of it


class ByReactor(SynchronousTestCase):
    """The reactor's own means."""

    def setUp(self) -> None:
        """One descriptor."""
        self.reactor = MemoryReactor()
        self.poller = ReactorPoller(self.reactor)  # type: ignore[arg-type]  # a part of IReactorFDSet
        self.listener = Listener()

    def test_it_waits_for_what_it_is_told(self) -> None:
        """Reading, writing, both, nothing."""
        self.poller.add(7, READ, self.listener)
        (watched,) = self.reactor.readers
        assert verifyObject(IReadWriteDescriptor, watched)
        self.assertEqual((7, "relay"), (watched.fileno(), watched.logPrefix()))  # type: ignore[attr-defined]  # verified
        for events, reads, writes in ((WRITE, 0, 1), (READ | WRITE, 1, 1), (HANGUP, 0, 0)):
            self.poller.modify(7, events)
            self.assertEqual((reads, writes), (len(self.reactor.readers), len(self.reactor.writers)))
        self.poller.modify(7, READ | WRITE)
        self.poller.remove(7)
        self.poller.remove(7)
        self.assertEqual((set(), set()), (self.reactor.readers, self.reactor.writers))

    def test_it_passes_on_what_the_reactor_reports(self) -> None:
        """A lost connection too."""
        self.poller.add(7, READ, self.listener)
        (watched,) = self.reactor.readers
        watched.doRead()  # type: ignore[attr-defined]  # an IReadWriteDescriptor
        watched.doWrite()  # type: ignore[attr-defined]  # an IReadWriteDescriptor
        watched.connectionLost(Failure(ValueError()))  # type: ignore[attr-defined]  # an IReadWriteDescriptor
        self.assertEqual([READ, WRITE, GONE], self.listener.events)

    def test_a_crash_costs_one_listener(self) -> None:
        """It is logged and told to it."""
        failing = Listener(lambda: 1 // 0)
        self.poller.add(8, WRITE, failing)
        (watched,) = self.reactor.writers
        watched.doWrite()  # type: ignore[attr-defined]  # an IReadWriteDescriptor
        self.assertEqual(1, failing.crashes)
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
