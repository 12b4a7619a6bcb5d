"""How a connection leaves Twisted: from its transport to a :class:`~apiml_ws.proxy.wire.Wire`.

After a handshake nobody needs the protocols that made it.  The transport is paused, so that nothing comes any more;
one turn passes, in which TLS delivers what it read already and what it had put together to write is written; what the
transport still has to send is waited for, since records of TLS must not overtake one another.  Then the socket, and
for TLS the connection of OpenSSL, make a wire.  The transport stays alone behind it, to close the socket in the end.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Protocol

from OpenSSL.SSL import Connection
from twisted.internet import protocol
from twisted.internet.interfaces import IPullProducer
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from apiml_ws.core.interfaces import Clock, Timer
from apiml_ws.proxy.options import set_options
from apiml_ws.proxy.wire import SocketWire, TlsWire, Wire


class TcpTransport(Protocol):
    """What is used of Twisted's TCP transports, all of it public there."""

    protocol: Any
    disconnecting: bool | int

    def getHandle(self) -> socket.socket:
        """The socket."""

    def pauseProducing(self) -> None:
        """Read no more."""

    def resumeProducing(self) -> None:
        """Read again."""

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """Ask ``producer`` for more whenever all was sent."""

    def unregisterProducer(self) -> None:
        """Ask no more."""

    def startWriting(self) -> None:
        """Watch for when the socket takes something."""

    def loseConnection(self) -> None:
        """Close the socket when all was sent."""


class Pending(Protocol):
    """A hand-over under way."""

    def cancel(self) -> None:
        """Leave the connection where it is, and read it again.  Idempotent, and nothing once it was taken."""


#: Takes a connection out of a transport, and gives the wire in a later turn, never after the connection was lost.
HandOver = Callable[[Any, Callable[[Wire], None]], Pending]


@implementer(IPullProducer)
class Handover:
    """One connection on its way from ``transport`` (TCP, or TLS over it) to ``taken``.

    Until then its protocol gets what was read before; that is its own business.  If the connection is lost meanwhile the
    protocol hears of it as ever, and ``taken`` is not called.
    """

    def __init__(self, clock: Clock, transport: Any, taken: Callable[[Wire], None]) -> None:
        self._tls = transport if isinstance(transport, TLSMemoryBIOProtocol) else None
        self._tcp: TcpTransport = transport if self._tls is None else transport.transport
        self._taken: Callable[[Wire], None] | None = taken
        self._asked = False
        self._tcp.pauseProducing()
        self._turn: Timer | None = clock.callLater(0, self._wait_until_sent)

    def cancel(self) -> None:
        """Leave the connection to its protocol."""
        if self._taken is None:
            return
        self._taken = None
        if self._turn is not None:
            self._turn.cancel()
        else:
            self._tcp.unregisterProducer()
        self._tcp.resumeProducing()

    def _wait_until_sent(self) -> None:
        self._turn = None
        if self._tls is not None:
            self._tls.unregisterProducer()
        self._tcp.unregisterProducer()
        self._tcp.registerProducer(self, False)
        self._tcp.startWriting()

    def resumeProducing(self) -> None:
        """All was sent.  The first call is only the transport's welcome."""
        if self._asked:
            self._take()
        self._asked = True

    def stopProducing(self) -> None:
        """The connection was lost."""
        self._taken = None

    def _take(self) -> None:
        taken, self._taken = self._taken, None
        self._tcp.unregisterProducer()
        if taken is None or self._tcp.disconnecting:
            return
        self._tcp.protocol = _Gone()
        sock = self._tcp.getHandle()
        set_options(sock)
        if self._tls is None:
            taken(SocketWire(sock, self._tcp.loseConnection))
        else:
            taken(TlsWire(sock, _without_twisted(self._tls), self._tcp.loseConnection))


class _Gone(protocol.Protocol):
    """Stands in a transport where the protocols stood, so that they can be forgotten."""


def _without_twisted(tls: TLSMemoryBIOProtocol) -> Connection:
    """The connection of OpenSSL, freed from the protocol that drove it and that its factory knows."""
    connection: Connection = tls.getHandle()
    connection.set_app_data(None)
    tls.factory.unregisterProtocol(tls)
    tls.wrappedProtocol = _Gone()
    tls.transport = None
    return connection
