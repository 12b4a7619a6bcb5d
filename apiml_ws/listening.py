"""One port, opened with the service and closed with it; a port that cannot be had ends the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.application.service import Service
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorTCP
from twisted.internet.protocol import ServerFactory
from twisted.internet.tcp import Port
from twisted.logger import Logger

from apiml_ws.port import Room, listen


class CannotListen(SystemExit):
    """The address is not to be had; as a ``SystemExit`` it ends the start with its text and status 1."""


class Listening(Service):
    """Listens on ``address`` and ``port`` (0: any free one) with ``factory``.

    ``scheme`` and ``what`` are for the log line that names the port which was opened.  ``room`` says how many more
    connections there may be; ``prepare`` is called with the port before anybody comes.  Both are for ports over sockets.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: IReactorTCP,
        address: str,
        port: int,
        factory: ServerFactory[Any],
        scheme: str,
        what: str,
        room: Room | None = None,
        prepare: Callable[[Port], object] | None = None,
    ) -> None:
        self._reactor = reactor
        self._room, self._prepare = room, prepare
        self._address, self._wanted = address, port
        self._factory = factory
        self._scheme, self._what = scheme, what
        self._port: IListeningPort | None = None

    @property
    def port(self) -> int:
        """The port that is open; an error before it is."""
        assert self._port is not None, "not listening"
        return cast(IPv4Address, self._port.getHost()).port

    def privilegedStartService(self) -> None:
        """Open the port while the process may still open any.

        :raises CannotListen: it is taken, or the address is not ours.
        """
        super().privilegedStartService()
        self._open()

    def startService(self) -> None:
        """Open the port if that was not done with privileges."""
        super().startService()
        self._open()

    def _open(self) -> None:
        if self._port is not None:
            return
        try:
            self._port = listen(self._reactor, self._wanted, self._factory, self._address, self._room, self._prepare)
        except (OSError, CannotListenError) as error:
            raise CannotListen(self._sentence(getattr(error, "socketError", error))) from error
        host = f"[{self._address}]" if ":" in self._address else self._address
        self._log.info(
            "{what} listening on {scheme}://{host}:{port}",
            what=self._what,
            scheme=self._scheme,
            host=host,
            port=self.port,
        )

    def _sentence(self, error: object) -> str:
        return f"{self._what} cannot listen on {self._address}:{self._wanted}: {error}"

    def stopService(self) -> Deferred[object]:
        """Close the port; connections that it accepted are others' business."""
        super().stopService()
        port, self._port = self._port, None
        return maybeDeferred(port.stopListening if port is not None else lambda: None)
