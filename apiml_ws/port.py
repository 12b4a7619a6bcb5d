"""A port that waits when the system has no descriptor for one more connection.

Twisted's own port closes whatever comes then, with a line of log for each, or, where it is the whole system that has none
left, is told again and again of what it cannot accept, and spins.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any, Final, cast

from twisted.internet.interfaces import IDelayedCall, IListeningPort, IReactorTCP, IReactorTime
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import ServerFactory
from twisted.internet.tcp import Port
from twisted.logger import Logger
from twisted.python.failure import Failure

#: What accept says when there is nothing left to make a connection of.
_EXHAUSTED: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
#: Seconds in which nothing is accepted then, and for how long it has to go well until it is said to be over.
_PAUSE: Final = 1.0
_CALM: Final = 10.0
#: Seconds until it is asked again whether there is room.
_MOMENT: Final = 0.05
#: Connections accepted in one turn: those that are closed meanwhile are so in the next.
_AT_ONCE: Final = 32
#: Connections that wait to be accepted, if the system allows so many.
_BACKLOG: Final = 4096


Room = Callable[[], int]


class PatientSocket(socket.socket):
    """A listening socket to which what cannot be accepted is as nothing; ``exhausted`` hears of it."""

    exhausted: Callable[[OSError], None]

    def accept(self) -> tuple[socket.socket, Any]:
        """One connection.

        :raises BlockingIOError: there is none, or nothing to make it of.
        """
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self.exhausted(error)
            raise BlockingIOError(errno.EAGAIN, error.strerror) from error


class PatientPort(Port):
    """Accepts nothing for a while when it cannot, or when there is no :attr:`room`: whoever comes waits in the kernel."""

    _log = Logger()
    #: How many more may come in.
    room: Room = staticmethod(lambda: _AT_ONCE)
    _again: IDelayedCall | None = None
    _over: IDelayedCall | None = None

    def createInternetSocket(self) -> socket.socket:
        """See Twisted's BasePort."""
        made = super().createInternetSocket()
        patient = PatientSocket(made.family, made.type, made.proto, made.detach())
        patient.setblocking(False)
        patient.exhausted = self._exhausted
        return patient

    def doRead(self) -> None:
        """See IReadDescriptor."""
        room = min(self.room(), _AT_ONCE)
        if room:
            self.numberAccepts = min(self.numberAccepts, room)
            super().doRead()
        else:
            self._rest(_MOMENT)

    def connectionLost(self, reason: Failure) -> None:
        """See IReadDescriptor: the port is closed."""
        for call in (self._again, self._over):
            if call is not None and call.active():
                call.cancel()
        super().connectionLost(reason)

    @property
    def _clock(self) -> IReactorTime:
        return cast(IReactorTime, self.reactor)

    def _rest(self, seconds: float) -> None:
        self.stopReading()
        self._again = self._clock.callLater(seconds, self.startReading)

    def _exhausted(self, error: OSError) -> None:
        self._rest(_PAUSE)
        if self._over is not None and self._over.active():
            self._over.reset(_CALM)
            return
        self._over = self._clock.callLater(_CALM, self._log.info, "Connections are accepted again")
        self._log.error("Connections cannot be accepted for now: {reason}", reason=error.strerror)


def listen(
    reactor: IReactorTCP,
    port: int,
    factory: ServerFactory[Any],
    interface: str,
    room: Room | None = None,
    prepare: Callable[[Port], object] | None = None,
) -> IListeningPort:
    """Listen as :class:`PatientPort` does, if ports are this kind of thing to ``reactor``; ``prepare`` hears of it then.

    ``room`` says how many more connections there may be.

    :raises CannotListenError: as the reactor does.
    """
    if not isinstance(reactor, PosixReactorBase):
        return reactor.listenTCP(port, factory, backlog=_BACKLOG, interface=interface)
    patient = PatientPort(port, factory, _BACKLOG, interface, reactor)
    if room is not None:
        patient.room = room
    patient.startListening()
    if prepare is not None:
        prepare(patient)
    return patient
