"""Tests of what a port of Twisted's accepts."""

from __future__ import annotations

import socket
from typing import Any, cast

from twisted.internet import tcp
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.proxy.accepted import Accepted, as_sockets
from apiml_ws.proxy.options import OPTIONS
from tests.proxy.doubles_wire import socket_pair


class AcceptedTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.proxy.accepted.Accepted`."""

    def test_becomes_a_transport(self) -> None:
        """One of Twisted's, which reads from then on."""
        reactor = MemoryReactorClock()
        ours, theirs = socket_pair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        protocol = Protocol()
        accepted = Accepted(ours, protocol, ("127.0.0.1", 51234), cast(Any, None), 1, reactor)
        self.assertEqual((accepted.peer, accepted.socket, reactor.readers), (("127.0.0.1", 51234), ours, set()))
        accepted.connect(protocol)
        self.assertIsInstance(protocol.transport, tcp.Server)
        self.assertEqual(len(reactor.readers), 1)

    def test_port_gives_sockets(self) -> None:
        """A port of Twisted's makes what it is told to in place of a transport: fails when Twisted no longer does."""
        seen: list[Any] = []

        class Newcomer:
            """Takes what it is connected with."""

            def makeConnection(self, transport: Any) -> None:
                """Keep it."""
                seen.append(transport)

        class Doorway(ServerFactory):
            """Gives everybody the same."""

            noisy = False

            def buildProtocol(self, addr: object) -> Any:
                """One."""
                return Newcomer()

        port = tcp.Port(0, Doorway(), interface="127.0.0.1", reactor=MemoryReactorClock())
        listening = socket.socket()
        self.addCleanup(listening.close)
        port.socket = _Listening(listening)
        as_sockets(port)
        port.numberAccepts = 1
        port.doRead()
        ((accepted,), options) = (
            seen,
            {option: listening.getsockopt(*option) for option in (each[:2] for each in OPTIONS)},
        )
        self.addCleanup(accepted.socket.close)
        self.assertIsInstance(accepted, Accepted)
        self.assertEqual(accepted.peer, ("127.0.0.1", 51234))
        self.assertEqual(options, {(level, name): value for level, name, value in OPTIONS})


class _Listening:
    """A listening socket that one connection waits at."""

    def __init__(self, sock: socket.socket) -> None:
        self.setsockopt = sock.setsockopt

    def accept(self) -> tuple[socket.socket, tuple[str, int]]:
        """That one."""
        ours, theirs = socket_pair()
        theirs.close()
        return ours, ("127.0.0.1", 51234)
