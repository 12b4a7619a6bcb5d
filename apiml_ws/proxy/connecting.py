"""Connections over TCP on their way, without Twisted's transports: a socket is all that comes of them.

A host with several addresses is connected to at whichever answers first: the next one is tried when one failed, and when a
while has passed without an answer (RFC 8305 section 5).
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from typing import Final, Protocol

from apiml_ws.core.interfaces import Clock, Timer
from apiml_ws.proxy.names import Address, Asking, Names
from apiml_ws.proxy.options import set_options
from apiml_ws.proxy.poller import WRITE, Poller

#: Seconds until another address is tried beside one that has not answered yet.
STAGGER: Final = 0.3
_UNDER_WAY: Final = frozenset((0, errno.EINPROGRESS))
_KIND: Final = socket.SOCK_STREAM | getattr(socket, "SOCK_NONBLOCK", 0) | getattr(socket, "SOCK_CLOEXEC", 0)


class UnknownHostError(OSError):
    """There is no such host."""


class Waiting(Protocol):
    """Who wants a connection."""

    def connected(self, sock: socket.socket) -> None:
        """There it is, not blocking; it is the receiver's from now."""

    def not_connected(self, error: OSError) -> None:
        """It could not be had."""


class Connector:
    """Makes connections.  ``sockets`` makes a socket of a family and a kind."""

    def __init__(
        self,
        names: Names,
        poller: Poller,
        clock: Clock,
        sockets: Callable[[int, int], socket.socket] = socket.socket,
    ) -> None:
        self.names = names
        self.poller = poller
        self.clock = clock
        self.sockets = sockets

    def connect(self, host: str, port: int, waiting: Waiting) -> Connecting:
        """Connect to ``port`` of ``host``; ``waiting`` hears of it in a later turn."""
        return Connecting(self, host, port, waiting)


class Connecting:
    """One connection on its way."""

    __slots__ = ("_asking", "_connector", "_host", "_left", "_port", "_problem", "_timer", "_tries", "_waiting")

    def __init__(self, connector: Connector, host: str, port: int, waiting: Waiting) -> None:
        self._connector = connector
        self._host = host
        self._port = port
        self._waiting = waiting
        self._left: list[Address] = []
        self._tries: list[_Try] = []
        self._timer: Timer | None = None
        self._problem: OSError | None = None
        self._asking: Asking | None = None
        self._asking = connector.names.look_up(host, self._found)

    def cancel(self) -> None:
        """Give it up; ``waiting`` hears nothing any more."""
        if self._asking is not None:
            self._asking.cancel()
        self._stop_clock()
        for each in self._tries:
            each.give_up()
        self._tries, self._left = [], []

    def _found(self, addresses: tuple[Address, ...]) -> None:
        self._asking = None
        self._left = list(addresses)
        self._next()

    def _next(self) -> None:
        """Try the next address that can be tried."""
        self._timer = None
        while self._left:
            family, host = self._left.pop(0)
            try:
                self._tries.append(_Try(self, self._connector, family, (host, self._port)))
            except OSError as error:
                self._problem = error
                continue
            if self._left:
                self._timer = self._connector.clock.callLater(STAGGER, self._next)
            return
        if not self._tries:
            problem = self._problem or UnknownHostError(f"unknown host {self._host}")
            self._timer = self._connector.clock.callLater(0, self._waiting.not_connected, problem)

    def answered(self, one: _Try, sock: socket.socket) -> None:
        """``one`` was first."""
        self._tries.remove(one)
        self.cancel()
        self._waiting.connected(sock)

    def failed(self, one: _Try, error: OSError) -> None:
        """``one`` came to nothing."""
        self._tries.remove(one)
        self._problem = error
        self._stop_clock()
        self._next()

    def _stop_clock(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()


class _Try:
    """One address.  Hosts of this machine, and they alone, are connected by the time that :func:`connect` returns."""

    __slots__ = ("_owner", "_poller", "_socket", "_turn")

    def __init__(self, owner: Connecting, connector: Connector, family: int, address: tuple[str, int]) -> None:
        self._owner = owner
        self._poller = connector.poller
        self._socket = sock = connector.sockets(family, _KIND)
        try:
            sock.setblocking(False)
            set_options(sock)
            _raise_for(sock.connect_ex(address))
        except OSError:
            sock.close()
            raise
        self._turn: Timer | None = None
        if _is_connected(sock):
            self._turn = connector.clock.callLater(0, owner.answered, self, sock)
        else:
            self._poller.add(sock.fileno(), WRITE, self)

    def ready(self, events: int) -> None:
        """See :class:`~apiml_ws.proxy.poller.Ready`: there is an answer."""
        sock = self._socket
        self._poller.remove(sock.fileno())
        try:
            _raise_for(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        except OSError as error:
            sock.close()
            self._owner.failed(self, error)
        else:
            self._owner.answered(self, sock)

    def crashed(self) -> None:
        """See :class:`~apiml_ws.proxy.poller.Ready`: whoever failed at the connection has it."""

    def give_up(self) -> None:
        """It is not waited for any more."""
        if self._turn is None:
            self._poller.remove(self._socket.fileno())
        elif self._turn.active():
            self._turn.cancel()
        self._socket.close()


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _raise_for(code: int) -> None:
    if code not in _UNDER_WAY:
        raise OSError(code, os.strerror(code))
