"""Clients that come through the doorway: over a socket in memory, and over HTTP when they are sent there."""

from __future__ import annotations

import socket
from functools import partial
from typing import Any, cast

from OpenSSL.SSL import Connection
from twisted.internet.address import IPv4Address

from apiml_ws.proxy.accepted import Accepted
from apiml_ws.proxy.doorway import Doorway
from apiml_ws.proxy.poller import READ
from tests.proxy.doubles_handshake import Client, ClientTransport, Gateway
from tests.proxy.doubles_sockets import HandPoller, MemorySocket

ADDRESS = IPv4Address("TCP", "127.0.0.1", 51234)


class MemoryAccepted:
    """A connection that was accepted; ``protocol`` is what it is given to as a transport."""

    peer = (ADDRESS.host, ADDRESS.port)

    def __init__(self, transport: ClientTransport) -> None:
        self.sock = MemorySocket()
        self.socket = cast(socket.socket, self.sock)
        self.protocol: Any = None
        self._transport = transport

    def connect(self, protocol: Any) -> None:
        """See Accepted."""
        self.protocol = protocol
        protocol.makeConnection(self._transport)


class Tls:
    """Gives ``connection`` to whoever comes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def connection(self) -> Connection:
        """That one."""
        return self._connection


class DoorClient(Client):
    """A client that meets the doorway first; ``early`` is what it said before it was accepted."""

    def __init__(self, door: Door, *early: bytes) -> None:
        self.transport = ClientTransport()
        self._poller = door.poller
        self._turn = partial(door.clock.advance, 0)
        self.accepted = MemoryAccepted(self.transport)
        self.sock = self.accepted.sock
        self.sock.peer_sends(*early)
        self.visitor = door.doorway.buildProtocol(ADDRESS)
        self.visitor.makeConnection(cast(Accepted, self.accepted))
        self._turn()

    @property
    def served(self) -> bool:
        """Whether it is over HTTP."""
        return self.accepted.protocol is not None

    @property
    def channel(self) -> Any:  # type: ignore[override]  # is there when it is served
        """What serves it."""
        return self.accepted.protocol

    def send(self, *data: bytes) -> DoorClient:
        """Deliver each piece as one read."""
        for piece in data:
            if self.served:
                self.accepted.protocol.dataReceived(piece)
            else:
                self.sock.peer_sends(piece)
                self._poller.report(self.sock, READ)
                self._turn()
        return self


class Door:
    """The way into ``gateway``; with ``connection`` over TLS."""

    def __init__(self, gateway: Gateway, connection: Connection | None = None) -> None:
        self.poller = HandPoller()
        self.clock = gateway.clock
        self.doorway = Doorway(
            gateway.site,
            gateway.root.entrance,
            self.poller,
            gateway.clock,
            gateway.clock,
            None if connection is None else Tls(connection),
        )

    def connect(self, *early: bytes) -> DoorClient:
        """A new client."""
        return DoorClient(self, *early)


class DoorGateway(Gateway):
    """A gateway whose clients come through its door."""

    def __post_init__(self) -> None:
        """With a door."""
        super().__post_init__()
        self.door = Door(self)

    def connect(self) -> DoorClient:
        """A new client."""
        return self.door.connect()

    @property
    def entered(self) -> int:
        """How many came in, or are about to."""
        return super().entered + len(self.sessions.started)
