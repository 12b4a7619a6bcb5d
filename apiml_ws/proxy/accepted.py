"""What a port of Twisted's accepts, as a socket and no transport yet."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import tcp
from twisted.internet.interfaces import IProtocol

from apiml_ws.proxy.options import set_options


class Accepted:
    """A connection that was accepted; Twisted's port makes it in place of a transport, with the same arguments."""

    __slots__ = ("_number", "_peer", "_port", "_reactor", "socket")

    def __init__(
        self, sock: socket.socket, protocol: IProtocol, peer: tuple[Any, ...], port: tcp.Port, number: int, reactor: Any
    ) -> None:
        self.socket = sock
        self._peer = peer
        self._port = port
        self._number = number
        self._reactor = reactor

    @property
    def peer(self) -> tuple[str, int]:
        """Address and port of the client."""
        return self._peer[0], self._peer[1]

    def connect(self, protocol: IProtocol) -> None:
        """Become a transport after all, of ``protocol``."""
        protocol.makeConnection(tcp.Server(self.socket, protocol, self._peer, self._port, self._number, self._reactor))


def as_sockets(port: tcp.Port) -> None:
    """Have ``port``, which listens, give what it accepts as sockets; what is asked of the kernel for it holds for those.

    Twisted says that a port's ``transport`` may be replaced.
    """
    port.transport = Accepted  # type: ignore[assignment]  # its types do not say so
    set_options(port.socket)
