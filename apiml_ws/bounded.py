"""A factory whose connections are bounded in number: when one comes too many, the one that was silent longest is dropped."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import ServerFactory, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure

from apiml_ws.core.lobby import Lobby


class _Bounded(ProtocolWrapper):
    """One connection; see :class:`Bounded`."""

    factory: Bounded

    def connectionMade(self) -> None:
        """It takes a seat."""
        self.factory.lobby.wait(self)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        """It is not silent."""
        self.factory.lobby.wait(self)
        super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Its seat is free."""
        self.factory.lobby.leave(self)
        super().connectionLost(reason)

    def turn_out(self) -> None:
        """See :class:`~apiml_ws.core.lobby.Guest`."""
        transport: Any = self.transport
        transport.abortConnection()


class Bounded(WrappingFactory):
    """Connections as ``factory`` makes them, as many as ``lobby`` has seats."""

    noisy = False
    protocol = _Bounded

    def __init__(self, factory: ServerFactory[Any], lobby: Lobby) -> None:
        super().__init__(factory)
        self.lobby = lobby
