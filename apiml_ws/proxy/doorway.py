"""Where clients come in: a handshake without anything odd about it goes straight to a session, all else to HTTP.

A client's first words are read from its socket.  When they are a whole and plainly right handshake, the 101 is written
and the session has the socket: no HTTP server, no transport and no protocol ever knew of it.  When they are anything
else, the connection goes to the HTTP server as if it had just been accepted, with all that was read.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from OpenSSL.SSL import Connection
from OpenSSL.SSL import Error as TlsError
from twisted.internet.interfaces import IAddress, IOpenSSLServerConnectionCreator
from twisted.internet.protocol import ServerFactory
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

from apiml_ws.core.interfaces import Clock
from apiml_ws.proxy.accepted import Accepted
from apiml_ws.proxy.channel import GatewaySite
from apiml_ws.proxy.entry import Entrance
from apiml_ws.proxy.gateway import plainly_asked
from apiml_ws.proxy.options import reset_on_close
from apiml_ws.proxy.poller import READ, WRITE, Poller
from apiml_ws.proxy.wire import SocketWire, TlsWire, WireLost

#: Bytes that are read at once, as many as Twisted's transports read.
_READ: Final = 65536


class Tls(Protocol):
    """What is asked of :class:`apiml_ws.proxy.tls.ServerTls`."""

    def connection(self) -> Connection:
        """One that waits for a client's handshake."""


class Doorway(ServerFactory):
    """Meets clients for ``site``, over ``tls`` if there is any; ``reactor`` is what Twisted's side of it runs on."""

    noisy = False

    def __init__(
        self, site: GatewaySite, entrance: Entrance, poller: Poller, clock: Clock, reactor: Any, tls: Tls | None = None
    ) -> None:
        self.entrance = entrance
        self.poller = poller
        self.clock = clock
        self.tls = tls
        self.scheme = "http" if tls is None else "https"
        self.timeout = site.handshake_timeout
        self.head_limit = site.header_limit
        self.lobby = site.lobby
        self.room = memoryview(bytearray(_READ))
        self._site = site
        self._begun = _Begun()
        self._sealed = TLSMemoryBIOFactory(self._begun, False, site, reactor)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Who waits for the first words from ``addr``."""
        return Visitor(self, addr) if self.tls is None else SealedVisitor(self, addr, self.tls.connection())

    def serve(self, accepted: Accepted, address: IAddress | None, heard: bytes, spent: float) -> None:
        """Let the HTTP server go on with a connection that said ``heard`` within ``spent`` seconds."""
        channel: Any = self._site.buildProtocol(address)
        channel.spent = spent
        accepted.connect(channel)
        if heard:
            channel.dataReceived(heard)

    def serve_sealed(
        self, accepted: Accepted, address: IAddress | None, heard: bytes, spent: float, connection: Connection
    ) -> None:
        """The same over TLS, whose ``connection`` has its handshake behind it."""
        self._begun.connection = connection
        sealed: Any = self._sealed.buildProtocol(address)
        sealed.wrappedProtocol.spent = spent
        accepted.connect(sealed)
        if heard:
            sealed.wrappedProtocol.dataReceived(heard)


@implementer(IOpenSSLServerConnectionCreator)
class _Begun:
    """Gives Twisted's TLS the connection that there is already."""

    connection: Connection

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:
        """That one."""
        return self.connection


class Visitor:
    """A client that has said nothing yet, with a seat in the lobby; to Twisted's port the protocol of the connection."""

    __slots__ = ("_accepted", "_address", "_arrived", "_deadline", "_doorway", "_watched", "_wire", "_words")

    _accepted: Accepted
    _wire: SocketWire | TlsWire
    _words: bytes

    def __init__(self, doorway: Doorway, address: IAddress | None) -> None:
        self._doorway = doorway
        self._address = address
        self._arrived = doorway.clock.seconds()
        self._deadline = doorway.clock.callLater(doorway.timeout, self._leave)
        self._watched = 0

    def makeConnection(self, accepted: Accepted) -> None:
        """Listen to what it says; more often than not it has spoken already."""
        accepted.socket.setblocking(False)
        self._accepted = accepted
        self._wire = self._wired(accepted)
        self._doorway.lobby.wait(self)
        self._listen()

    def _wired(self, accepted: Accepted) -> SocketWire | TlsWire:
        return SocketWire(accepted.socket)

    def ready(self, events: int) -> None:
        """See :class:`~apiml_ws.proxy.poller.Ready`."""
        self._listen()

    def crashed(self) -> None:
        """See :class:`~apiml_ws.proxy.poller.Ready`."""
        self._leave()

    def _listen(self) -> None:
        try:
            heard = self._heard()
        except (WireLost, TlsError):
            self._leave()
            return
        if heard is None:
            self._wait()
        else:
            self._be_done()
            self._words = heard
            self._doorway.entrance.stages.put(Visitor.enter, self)

    def _heard(self) -> bytes | None:
        """The first words, None as long as there are none.

        :raises WireLost: at the end of the stream too.
        """
        room = self._doorway.room
        count = self._wire.receive_into(room)
        if count == 0:
            raise WireLost("nothing was said")
        return None if count is None else bytes(room[:count])

    def _wait(self) -> None:
        events = (READ | WRITE) if self._wire.pending else READ
        if not self._watched:
            self._doorway.poller.add(self._wire.fileno(), events, self)
        elif events != self._watched:
            self._doorway.poller.modify(self._wire.fileno(), events)
        self._watched = events

    def turn_out(self) -> None:
        """See :class:`~apiml_ws.core.lobby.Guest`."""
        reset_on_close(self._accepted.socket)
        self._leave()

    def _be_done(self) -> None:
        if self._deadline.active():
            self._deadline.cancel()
        self._doorway.lobby.leave(self)
        if self._watched:
            self._watched = 0
            self._doorway.poller.remove(self._wire.fileno())

    def _leave(self) -> None:
        self._be_done()
        self._wire.close()

    def enter(self) -> None:
        """What it said is there: to a session with it, or to the HTTP server."""
        heard, doorway = self._words, self._doorway
        short = len(heard) <= doorway.head_limit
        asked = plainly_asked(heard, self._accepted.peer, doorway.scheme) if short else None
        if asked is None or not doorway.entrance.let_in(asked, self._wire):
            self._serve(heard, doorway.clock.seconds() - self._arrived)

    def _serve(self, heard: bytes, spent: float) -> None:
        self._doorway.serve(self._accepted, self._address, heard, spent)


class SealedVisitor(Visitor):
    """One that has to agree on TLS first."""

    __slots__ = ("_connection", "_shaken")

    def __init__(self, doorway: Doorway, address: IAddress | None, connection: Connection) -> None:
        super().__init__(doorway, address)
        self._connection = connection
        self._shaken = False

    def _wired(self, accepted: Accepted) -> SocketWire | TlsWire:
        return TlsWire(accepted.socket, self._connection)

    def _heard(self) -> bytes | None:
        wire = self._wire
        assert isinstance(wire, TlsWire), "made so"
        if wire.pending:
            wire.flush()
        if not self._shaken:
            self._shaken = wire.shake()
        return super()._heard() if self._shaken and not wire.pending else None

    def _serve(self, heard: bytes, spent: float) -> None:
        self._doorway.serve_sealed(self._accepted, self._address, heard, spent, self._connection)
