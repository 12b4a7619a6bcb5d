"""A factory whose connections are bounded in number."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.bounded import Bounded
from apiml_ws.core.lobby import Lobby

PEER = IPv4Address("TCP", "127.0.0.1", 1)


class Echo(Protocol):
    """Sends back what it gets."""

    def dataReceived(self, data: bytes) -> None:
        """Send it back."""
        cast(Any, self.transport).write(data)


class BoundedTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.bounded.Bounded`, with two seats."""

    def setUp(self) -> None:
        """Two connections."""
        inner: ServerFactory[Any] = ServerFactory()
        inner.protocol = Echo
        self.lobby = Lobby(2, "registry", lambda: 0.0)
        self.factory = Bounded(inner, self.lobby)
        self.first, self.second = self.connect(), self.connect()

    def connect(self) -> tuple[Any, StringTransport]:
        """One more."""
        protocol: Any = self.factory.buildProtocol(PEER)
        transport = StringTransport()
        protocol.makeConnection(transport)
        return protocol, transport

    def test_data_pass(self) -> None:
        """Both ways."""
        protocol, transport = self.first
        protocol.dataReceived(b"hello")
        self.assertEqual(b"hello", transport.value())

    def test_the_one_that_was_silent_longest_goes(self) -> None:
        """Whoever speaks is not silent."""
        self.first[0].dataReceived(b"still here")
        third = self.connect()
        aborted = [transport.disconnected for _, transport in (self.first, self.second, third)]
        self.assertEqual([False, True, False], aborted)

    def test_those_that_leave_make_room(self) -> None:
        """A connection that ended counts no more."""
        self.second[0].connectionLost(Failure(ConnectionDone()))
        self.connect()
        self.assertFalse(self.first[1].disconnected)
        self.assertEqual(2, len(self.lobby))
