"""The portable relay: two legs coupled in Python (section 7 of the design has the interface).

Frames pass as they arrived, each at once to the other socket; a leg is not read while its partner has not taken what was
read before, so that a session holds one read at most in each direction.  Nothing is told from within a command, and a
leg ends with exactly one of ``lost`` and ``ended``.
"""

from __future__ import annotations

from collections.abc import Callable

from apiml_ws.core.closing import Close
from apiml_ws.core.extensions import same_bytes
from apiml_ws.core.frames import Opcode, frame
from apiml_ws.core.interfaces import (
    Boundary,
    Clock,
    Counters,
    Limits,
    OpenLeg,
    Relay,
    RelayEvents,
    Side,
)
from apiml_ws.proxy.bridge import Bridge, Decoder, Encoder
from apiml_ws.proxy.coupling import Coupling, Surroundings
from apiml_ws.proxy.leg import Leg
from apiml_ws.proxy.passage import Passage
from apiml_ws.proxy.phases import Hearing, Saying
from apiml_ws.proxy.poller import Poller
from apiml_ws.proxy.room import Room


class PortableRelays:
    """A :class:`~apiml_ws.core.interfaces.RelayMaker` over legs of this process's own.

    ``random`` gives so many bytes, for the masks of frames of our own.
    """

    def __init__(self, poller: Poller, clock: Clock, random: Callable[[int], bytes]) -> None:
        self.poller = poller
        self.clock = clock
        self.random = random
        self.room = Room()

    def open(self, client: OpenLeg, limits: Limits, events: RelayEvents) -> Relay:
        """See :class:`~apiml_ws.core.interfaces.RelayMaker`."""
        return PortableRelay(self, own(client), limits, events)


def own(leg: OpenLeg) -> Leg:
    """``leg`` as this process knows its legs.

    :raises TypeError: it is not of this process.
    """
    if not isinstance(leg, Leg):
        raise TypeError(f"not a leg of this process: {leg!r}")
    return leg


class PortableRelay(Coupling):
    """The relay of one session; see :class:`~apiml_ws.core.interfaces.Relay`.

    :meth:`attach` lets go of the connection of the former service, if it is still there, without a further event of it.
    """

    __slots__ = ("_codec", "_extensions")

    def __init__(self, shared: Surroundings, client: Leg, limits: Limits, events: RelayEvents) -> None:
        self._extensions = client.extensions
        #: The client's halves of a bridge, whose contexts outlive a service.
        self._codec: tuple[Decoder, Encoder] | None = None
        super().__init__(shared, client, limits, events)

    def attach(self, leg: OpenLeg) -> None:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        service = own(leg)
        former = self._downward.bridge if self._downward is not None and self._downward.busy else None
        self._forget_service()
        line = self._service = self._line(Side.SERVICE, service)
        since = self._downward.counters if self._downward is not None else None
        downward = self._downward = self._passage(line, service, None, since)
        upward = self._upward
        upward.target, downward.target = line, self._client
        upward.held = upward.answers = upward.last = upward.over = False
        self._goodbye = b""
        upward.bridge = downward.bridge = None
        if former is not None or not same_bytes(self._extensions, service.extensions):
            self._build_bridge(service.extensions, upward, downward).inherit(former)
        self._stranded = False
        upward.deliver()
        self.refresh()
        if not line.gone:
            downward.accept(service.early)

    def _forget_service(self) -> None:
        """Nothing of the former service is told any more."""
        former = self._service
        if former is not None and not former.gone:
            self._strand(former)
            if former.hearing is Hearing.DONE and former.saying is Saying.SAID:
                former.finish()
            former.end()
        self._reports.forget(Side.SERVICE)

    def _build_bridge(self, extensions: str, upward: Passage, downward: Passage) -> Bridge:
        """Both ways; the one that goes down may have something to do first that a former one left."""
        limit, random = self._limits.max_message_size, self._shared.random
        if self._codec is None:
            self._codec = Decoder(self._extensions, True, limit), Encoder(self._extensions, True, random)
        decoder, encoder = self._codec
        upward.bridge = Bridge(decoder, Encoder(extensions, False, random))
        downward.bridge = Bridge(Decoder(extensions, False, limit), encoder)
        return downward.bridge

    def close(self, side: Side, close: Close) -> None:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        line = self._open(side)
        if line is None:
            return
        self._stay(line)
        if line.hearing is Hearing.PASSING:
            line.hearing = Hearing.MUTED
        if line.saying is not Saying.OPEN:
            self.refresh()
            return
        line.begin_close(self._frame(side, Opcode.CLOSE, close.payload()))
        line.expect(self._limits.close_timeout)
        self._advance(line)
        self.refresh()

    def drop(self, side: Side) -> None:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        line = self._open(side)
        if line is not None:
            self._end(line)

    def control(self, side: Side, opcode: int, payload: bytes) -> None:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        line = self._open(side)
        if line is not None:
            line.insert(self._frame(side, opcode, payload))

    def hold(self) -> None:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        line = self._open(Side.SERVICE)
        if line is not None:
            self._stay(line)
            self._strand(line)
            line.cut = bool(line.inside or line.wire.pending)
            self._advance(line)
        self._upward.held = self._upward.answers = True
        self.refresh()

    def retire(self, close: Close) -> None:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        line, upward = self._open(Side.SERVICE), self._upward
        busy = upward.held or self._goodbye
        if line is None or busy or line.saying is not Saying.OPEN or line.hearing is not Hearing.PASSING:
            self._tell_retired(False)
            return
        self._goodbye = self._frame(Side.SERVICE, Opcode.CLOSE, close.payload())
        line.expect(self._limits.close_timeout)
        upward.end_with_message()
        if upward.over:
            self.message_ended()
        self.refresh()

    def counters(self, side: Side) -> Counters:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        passage = self._upward if side is Side.CLIENT else self._downward
        return passage.counters if passage else Counters()

    @property
    def waiting(self) -> bool:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        return bool(self._backlog.waiting or self._backlog.unpassed)

    @property
    def movable(self) -> bool:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        service, downward = self._service, self._downward
        if service is None or downward is None:
            return True
        if self._upward.bridge and (self._stranded or (not service.gone and self._under_way(service))):
            return False
        return downward.boundary is Boundary.MESSAGE and self._backlog.resumable(self._unsent(service))

    def _frame(self, side: Side, opcode: int, payload: bytes) -> bytes:
        return frame(opcode, payload, self._shared.random(4) if side is Side.SERVICE else None)
