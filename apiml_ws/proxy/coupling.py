"""Two legs coupled: what becomes of one when something happens to the other.

Everything here follows from what a leg does.  What a session wants is in :mod:`apiml_ws.proxy.relay`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from twisted.logger import Logger

from apiml_ws.core.closing import Close
from apiml_ws.core.extensions import reserved_bits
from apiml_ws.core.frames import FrameReader, Taken
from apiml_ws.core.interfaces import Boundary, Clock, Counters, Limits, RelayEvents, Side, Violation
from apiml_ws.proxy.backlog import Backlog
from apiml_ws.proxy.leg import Leg
from apiml_ws.proxy.line import Line
from apiml_ws.proxy.passage import Passage
from apiml_ws.proxy.phases import Hearing, Saying
from apiml_ws.proxy.poller import READ, WRITE, Poller
from apiml_ws.proxy.reports import Reports
from apiml_ws.proxy.room import Room

_PROTOCOL_ERROR: Final = 1002
_INVALID_PAYLOAD: Final = 1007


class Surroundings(Protocol):
    """What all sessions share; ``random`` gives so many bytes, for the masks of frames of our own."""

    poller: Poller
    clock: Clock
    random: Callable[[int], bytes]
    room: Room


class Coupling:
    """The legs of one session.  A leg ends with exactly one of ``lost`` and ``ended``.

    ``lost`` tells where the partner was left: on a header of which nothing was passed on yet, it stands on a boundary.
    """

    _log = Logger()

    __slots__ = (
        "_backlog",
        "_client",
        "_downward",
        "_events",
        "_goodbye",
        "_limits",
        "_reports",
        "_service",
        "_shared",
        "_stranded",
        "_upward",
    )

    _line_type: type[Line] = Line
    _passage_type: type[Passage] = Passage

    def __init__(self, shared: Surroundings, client: Leg, limits: Limits, events: RelayEvents) -> None:
        self._shared = shared
        self._limits = limits
        self._events = events
        self._reports = Reports(shared.clock, self)
        self._backlog = Backlog(limits.waiting_limit)
        #: The lost service's bridge had something under way.
        self._stranded = False
        #: The close frame for a service that is to go when the client's message ends.
        self._goodbye = b""
        self._client = self._line(Side.CLIENT, client)
        self._service: Line | None = None
        self._upward = self._passage(self._client, client, self._backlog, None)
        self._downward: Passage | None = None
        self.refresh()
        self._upward.accept(client.early)

    def _line(self, side: Side, leg: Leg) -> Line:
        shared = self._shared
        return self._line_type(side, leg.wire, self, shared.poller, shared.clock, self._limits)

    def _passage(self, line: Line, leg: Leg, backlog: Backlog | None, since: Counters | None) -> Passage:
        limits, shared = self._limits, self._shared
        from_client = line.side is Side.CLIENT
        reader = FrameReader(from_client, reserved_bits(leg.extensions), limits.max_message_size, limits.max_frame_size)
        return self._passage_type(line, reader, shared.room, shared.clock.seconds, self, backlog, since)

    def _open(self, side: Side) -> Line | None:
        line = self._client if side is Side.CLIENT else self._service
        return None if line is None or line.gone else line

    @staticmethod
    def _unsent(service: Line) -> int:
        return max(service.wire.unsent - service.extra, 0)

    def _under_way(self, service: Line) -> bool:
        """Whether a bridge would have to say something again, which it cannot."""
        bridge, reader = self._upward.bridge, self._upward.reader
        edge = self._upward.over or reader.boundary is Boundary.MESSAGE
        return bridge is not None and not (bridge.idle and edge and not service.wire.unsent)

    def _strand(self, service: Line) -> None:
        """The service gets nothing more of what the client sent: settle what another one has to get."""
        self._stranded = self._stranded or self._under_way(service)
        self._backlog.rewind(self._unsent(service))

    def found(self, line: Line, finding: Taken | Violation) -> None:
        """See :class:`~apiml_ws.proxy.passage.PassageOwner`."""
        if line.gone or line.hearing in (Hearing.DONE, Hearing.DEAF):
            return
        self._stay(line)
        if isinstance(finding, Violation):
            self._break(line, finding)
            return
        try:
            close = Close.parse(finding.payload)
        except UnicodeDecodeError:
            self._break(line, Violation(_INVALID_PAYLOAD, "close reason is not UTF-8"))
        except ValueError as error:
            self._break(line, Violation(_PROTOCOL_ERROR, str(error)))
        else:
            self._reports.add(line.side, self._events.close_received, close)
            self._hear_no_more(line, Hearing.DONE)

    def _break(self, line: Line, violation: Violation) -> None:
        """A leg that was told to close is not told of: it is only not understood any more."""
        if line.hearing is not Hearing.MUTED:
            self._reports.add(line.side, self._events.broken, violation)
        self._hear_no_more(line, Hearing.DEAF)

    def _hear_no_more(self, line: Line, hearing: Hearing) -> None:
        line.hearing = hearing
        if line.saying is Saying.SAID:
            line.expect(self._limits.close_timeout)
        self._advance(line)
        self.refresh()

    def ended(self, line: Line) -> None:
        """See :class:`~apiml_ws.proxy.passage.PassageOwner`: the end of the stream."""
        line.eof = True
        if line.hearing in (Hearing.PASSING, Hearing.MUTED):
            self.failed(line)
            return
        if line.saying is Saying.OPEN:
            # It may still read: our own close is worth a try, if it comes soon.
            line.expect(2 * self._limits.close_timeout)
        self._advance(line)
        self.refresh()

    def failed(self, line: Line) -> None:
        """The connection of ``line`` is gone."""
        if line.gone:
            return
        if line.hearing is Hearing.PASSING and line.saying is Saying.OPEN:
            passage = self._upward if line.side is Side.CLIENT else self._downward
            where = passage.boundary if passage else Boundary.MESSAGE
            self._end(line, lambda: self._reports.add(line.side, self._events.lost, where))
        else:
            self._end(line)

    def _end(self, line: Line, tell: Callable[[], None] | None = None) -> None:
        if line.side is Side.SERVICE:
            self._stay(line)
            self._strand(line)
        if line.saying is Saying.SAID and not line.wire.pending:
            line.finish()
        # Told whatever comes of it, since it is told later.
        if tell:
            tell()
        else:
            self._reports.add(line.side, self._events.ended)
        line.end()
        partner = self._open(line.side.other)
        if partner is not None:
            self._advance(partner)
        self.refresh()

    def edge(self, line: Line) -> None:
        """See :class:`~apiml_ws.proxy.passage.PassageOwner`."""
        self._advance(line)
        self.refresh()

    def _advance(self, line: Line) -> None:
        """Go as far as possible with the closing handshake that was begun on ``line``."""
        if line.gone or line.saying is Saying.OPEN:
            return
        if line.saying is Saying.CLOSING:
            passage = self._downward if line.side is Side.CLIENT else self._upward
            if line.cut or (line.inside and not (passage and passage.coming)):
                self._end(line)
            elif not line.inside and not (passage and passage.busy):
                line.say_close()
                if not line.gone:
                    line.expect(self._limits.close_timeout)
        if line.saying is Saying.SAID and not line.gone and line.hearing in (Hearing.DONE, Hearing.DEAF):
            self._part(line)

    def _part(self, line: Line) -> None:
        """Both close frames passed, or the other one will never be understood.

        A client's connection is ended by us, a service's by the service (RFC 6455 section 7.1.1); an offender's by us.
        """
        if line.eof and not line.wire.pending:
            self._end(line)
        elif line.side is Side.CLIENT or line.hearing is Hearing.DEAF:
            line.finish()

    def drained(self, line: Line) -> None:
        """See :class:`~apiml_ws.proxy.line.LineOwner`."""
        passage = self._downward if line.side is Side.CLIENT else self._upward
        if passage is not None:
            if passage.backlog is not None:
                passage.backlog.settle()
            passage.pump()
        self._advance(line)
        self.refresh()

    def blocked(self, line: Line) -> None:
        """See :class:`~apiml_ws.proxy.line.LineOwner`."""
        self.refresh()

    def hung_up(self, line: Line) -> None:
        """See :class:`~apiml_ws.proxy.line.LineOwner`."""
        if line.dead and line.eof:
            self.failed(line)
        else:
            self.refresh()

    def overdue(self, line: Line) -> None:
        """See :class:`~apiml_ws.proxy.line.LineOwner`."""
        if line.saying is Saying.OPEN and self._goodbye:
            self._stay(line)
        elif self._still_talks(line):
            line.expect(self._limits.close_timeout)
        else:
            self._end(line)

    def _still_talks(self, line: Line) -> bool:
        """Whether a service that was told to go is inside a message that comes to the client bit by bit."""
        downward = self._downward
        if line.side is Side.CLIENT or line.hearing is not Hearing.PASSING or downward is None:
            return False
        if downward.boundary is Boundary.MESSAGE and not downward.busy:
            return False
        quiet = self._shared.clock.seconds() - max(downward.counters.last_frame, self._client.took)
        return quiet < self._limits.close_timeout

    def message_ended(self) -> None:
        """See :class:`~apiml_ws.proxy.passage.PassageOwner`: time to tell the service to go."""
        line = self._open(Side.SERVICE)
        if line is None or not self._goodbye:
            return
        line.begin_close(self._goodbye)
        line.expect(self._limits.close_timeout)
        self._goodbye = b""
        self._upward.answers = True
        self._tell_retired(True)
        self._advance(line)
        self.refresh()

    def _stay(self, line: Line) -> None:
        """A service that was to be told to go is not, since something else happened to it, or the time is over."""
        if line.side is Side.SERVICE and self._goodbye:
            self._goodbye = b""
            self._upward.last = False
            line.expect_nothing()
            self._tell_retired(False)
            self.refresh()

    def _tell_retired(self, told: bool) -> None:
        self._reports.add(Side.SERVICE, lambda _side: self._events.retired(told))

    def stalled(self, line: Line) -> None:
        """See :class:`~apiml_ws.proxy.line.LineOwner`."""
        self._reports.add(line.side, self._events.stalled)

    def crashed(self) -> None:
        """See :class:`~apiml_ws.proxy.line.LineOwner`: the session is not to be trusted any more."""
        for line in (self._client, self._service):
            if line is not None and not line.gone:
                self._give_up(line)

    def _give_up(self, line: Line) -> None:
        """Each leg for itself, whatever is wrong with the other one."""
        try:
            self._end(line)
        except Exception:
            self._log.failure("A leg of a session that failed could not be let go of")

    def forget(self) -> None:
        """See :class:`~apiml_ws.core.interfaces.Relay`; what is not gone, after an error, is left to the garbage collector."""
        if not self._client.gone or self._open(Side.SERVICE) is not None:
            return
        for line, passage in ((self._client, self._upward), (self._service, self._downward)):
            if line is not None and passage is not None:
                line.forget()
                passage.forget()
        self._reports.end()
        del self._events

    def refresh(self) -> None:
        """See :class:`~apiml_ws.proxy.passage.PassageOwner`."""
        for line, incoming, outgoing in (
            (self._client, self._upward, self._downward),
            (self._service, self._downward, self._upward),
        ):
            if line is None or line.gone or incoming is None:
                continue
            events = READ if incoming.choose() else 0
            if not line.cut and (line.wire.pending or (outgoing is not None and outgoing.busy)):
                events |= WRITE
            line.watch(events)
