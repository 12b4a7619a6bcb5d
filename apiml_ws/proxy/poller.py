"""Who says that a descriptor is ready: an epoll that is itself one reader of the reactor, or the reactor.

Twisted's dispatch of one event costs about as much as a recv of a small frame, and a change of what is waited for two system
calls.  So where there is epoll all wires share one, nested in the reactor, and what it reports goes straight to the legs.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final, Protocol

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor, IReadWriteDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

#: What is waited for, and what is reported; the values are epoll's.
READ: Final = 0x1
WRITE: Final = 0x4
#: The peer sends no more, which a leg that is not read would not notice.
HANGUP: Final = 0x2000
#: Broken, or ended both ways; reported without being waited for.
GONE: Final = 0x8 | 0x10

#: Events in one go, and goes in one turn of the reactor, though none after so many seconds: what a turn costs stays bounded.
_EVENTS: Final = 64
_ROUNDS: Final = 4
_TURN: Final = 0.002


class Ready(Protocol):
    """Who wants to know."""

    def ready(self, events: int) -> None:
        """Something of what was waited for is there, or :data:`GONE`."""

    def crashed(self) -> None:
        """:meth:`ready` raised; it was logged.  The descriptor should be given up."""


class Poller(Protocol):
    """Reports as long as it is so (level-triggered), and never from within a method of this."""

    def add(self, descriptor: int, events: int, listener: Ready) -> None:
        """From now on report ``events`` of ``descriptor``."""

    def modify(self, descriptor: int, events: int) -> None:
        """Report these instead; 0 for none but :data:`GONE`, where it is known."""

    def remove(self, descriptor: int) -> None:
        """Report nothing more; before the descriptor is closed."""


class _Guard:
    """An exception costs the listener that raised it, and nobody else."""

    _log = Logger()

    def call(self, listener: Ready, events: int) -> None:
        try:
            listener.ready(events)
        except Exception:
            self.failed(listener)

    def failed(self, listener: Ready) -> None:
        """Whatever comes of it: an exception here would end the reader that serves all legs."""
        self._log.failure("A leg failed while it was served")
        try:
            listener.crashed()
        except Exception:
            self._log.failure("A leg that failed could not be given up")


@implementer(IReadDescriptor)
class NestedEpoll:
    """A :class:`Poller` by an epoll of its own that is one reader of ``reactor`` while it has anything to watch.

    It is kept until :meth:`close`: when it is wanted again there may be no descriptor for another one.
    """

    def __init__(self, reactor: IReactorFDSet, seconds: Callable[[], float] = monotonic) -> None:
        self._reactor = reactor
        self._seconds = seconds
        self._epoll: select.epoll | None = None
        self._listeners: dict[int, Ready] = {}
        self._guard = _Guard()

    def add(self, descriptor: int, events: int, listener: Ready) -> None:
        """See :class:`Poller`."""
        epoll = self._epoll
        if epoll is None:
            # Not before it is needed: twistd forks after it made its services.
            epoll = self._epoll = select.epoll()
        epoll.register(descriptor, events)
        if not self._listeners:
            self._reactor.addReader(self)
        self._listeners[descriptor] = listener

    def modify(self, descriptor: int, events: int) -> None:
        """See :class:`Poller`."""
        if self._epoll is not None:
            self._epoll.modify(descriptor, events)

    def remove(self, descriptor: int) -> None:
        """See :class:`Poller`."""
        if self._listeners.pop(descriptor, None) is not None and self._epoll is not None:
            with suppress(OSError):
                # Somebody may have closed it.
                self._epoll.unregister(descriptor)
            if not self._listeners:
                self._reactor.removeReader(self)

    def close(self) -> None:
        """Let go of the epoll; nothing is watched any more."""
        if self._epoll is not None:
            self._epoll.close()
            self._epoll = None

    def fileno(self) -> int:
        """For the reactor."""
        return -1 if self._epoll is None else self._epoll.fileno()

    def doRead(self) -> None:
        """Serve whoever is ready; the rest in the next turn."""
        listeners = self._listeners
        until = self._seconds() + _TURN
        for _ in range(_ROUNDS):
            if self._epoll is None:
                return
            ready = self._epoll.poll(0, _EVENTS)
            for descriptor, events in ready:
                listener = listeners.get(descriptor)
                # Given up by what an earlier event of this go brought about.
                if listener is not None:
                    # As the guard calls, which would be one call more for each frame.
                    try:
                        listener.ready(events)
                    except Exception:
                        self._guard.failed(listener)
            if not ready or self._seconds() >= until:
                return

    def connectionLost(self, reason: Failure) -> None:
        """The reactor ends; nothing depends on it any more."""

    def logPrefix(self) -> str:
        """See ILoggingContext."""
        return "relay"


class ReactorPoller:
    """A :class:`Poller` by the reactor's own means, where there is no epoll.

    A leg that is neither read nor written is not watched: its loss shows when it is read again.
    """

    def __init__(self, reactor: IReactorFDSet) -> None:
        self._reactor = reactor
        self._watched: dict[int, _Watched] = {}

    def add(self, descriptor: int, events: int, listener: Ready) -> None:
        """See :class:`Poller`."""
        self._watched[descriptor] = _Watched(descriptor, listener)
        self.modify(descriptor, events)

    def modify(self, descriptor: int, events: int) -> None:
        """See :class:`Poller`."""
        watched = self._watched[descriptor]
        (self._reactor.addReader if events & READ else self._reactor.removeReader)(watched)
        (self._reactor.addWriter if events & WRITE else self._reactor.removeWriter)(watched)

    def remove(self, descriptor: int) -> None:
        """See :class:`Poller`."""
        watched = self._watched.pop(descriptor, None)
        if watched is not None:
            self._reactor.removeReader(watched)
            self._reactor.removeWriter(watched)


@implementer(IReadWriteDescriptor)
class _Watched:
    """One descriptor as the reactor wants it."""

    def __init__(self, descriptor: int, listener: Ready) -> None:
        self._descriptor = descriptor
        self._listener = listener
        self._guard = _Guard()

    def fileno(self) -> int:
        return self._descriptor

    def doRead(self) -> None:
        self._guard.call(self._listener, READ)

    def doWrite(self) -> None:
        self._guard.call(self._listener, WRITE)

    def connectionLost(self, reason: Failure) -> None:
        self._guard.call(self._listener, GONE)

    def logPrefix(self) -> str:
        return "relay"


def poller_for(reactor: IReactorFDSet) -> Poller:
    """The best that this system has."""
    return NestedEpoll(reactor) if hasattr(select, "epoll") else ReactorPoller(reactor)
