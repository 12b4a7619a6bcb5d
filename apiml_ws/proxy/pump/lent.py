"""What the portable relay has of a leg, lent to the pump and taken back."""

from __future__ import annotations

from typing import Any, Final, Protocol, cast

from apiml_ws.core.interfaces import Limits
from apiml_ws.proxy.line import Line
from apiml_ws.proxy.passage import Passage
from apiml_ws.proxy.phases import Hearing, Saying
from apiml_ws.proxy.pump.library import handles
from apiml_ws.proxy.wire import SocketWire, TlsWire

#: The pump's clock counts nanoseconds.
NANOSECONDS: Final = 1_000_000_000
#: The most that the pump holds back of a header (``HELD_LIMIT`` of ``walker.h``).
_HELD_LIMIT: Final = 13
#: A session that carries more in one direction is not over in a moment: messages, and bytes.
_FEW: Final = 1
_LITTLE: Final = 65536


class Lender(Protocol):
    """Whoever lends what a passage is a part of."""

    def lend(self) -> None:
        """Do so now, if that can be."""


class LentLine(Line):
    """A line that does not watch its wire while the pump has it."""

    __slots__ = ()

    @property
    def calm(self) -> bool:
        """Whether there is nothing to do on it but to pass frames on."""
        over = self.gone or self.eof or self.hung or self.dead or self.cut
        busy = self.queued or self.wire.pending
        open_ = self.hearing is Hearing.PASSING and self.saying is Saying.OPEN
        return open_ and not over and not busy and isinstance(self.wire, SocketWire | TlsWire)

    @property
    def lasting(self) -> bool:
        """Whether it may be calm again."""
        return (
            not (self.gone or self.eof or self.hung) and self.saying is Saying.OPEN and self.hearing is Hearing.PASSING
        )

    def fill(self, leg: Any, ffi: Any) -> None:
        """Tell the pump's ``leg`` of the connection."""
        leg.fd = self.wire.fileno()
        if isinstance(self.wire, TlsWire):
            leg.ssl, leg.incoming, leg.outgoing = (ffi.cast("void *", each) for each in handles(self.wire.connection))
            leg.unread = self.wire.readable

    def lend(self) -> None:
        """Watch no more."""
        for timer in (self._again, self._stall):
            if timer is not None:
                timer.cancel()
        self._again = self._stall = None
        self._unwatch()
        self._watched = 0

    def take_back(self, leg: Any, ffi: Any, hung: bool) -> None:
        """Go on where the pump stopped; it is watched again when somebody asks for it."""
        kept = bytes(ffi.buffer(leg.kept, leg.kept_size)) if leg.kept_size else b""
        pending = kept[leg.kept_taken :]
        if isinstance(self.wire, TlsWire):
            self.wire.resume(pending, kept[: leg.kept_sealed], leg.kept_plain)
        elif isinstance(self.wire, SocketWire):
            self.wire.resume(pending)
        self.hung = hung
        if pending:
            self.took = leg.took / NANOSECONDS
            if self._limits.async_write_timeout:
                left = self.took + self._limits.async_write_timeout - self._clock.seconds()
                self._stall = self._clock.callLater(max(left, 0), self._look_for_stall)


class LentPassage(Passage):
    """One direction, of which the pump knows how far it is."""

    __slots__ = ()

    def read(self) -> None:
        """See :class:`~apiml_ws.proxy.passage.Passage`; a session that has more than a little to carry is lent for it."""
        super().read()
        if self.reader.messages > _FEW or self._octets > _LITTLE:
            cast(Lender, self._coupling).lend()

    @property
    def calm(self) -> bool:
        """Whether frames just pass; a longer rest is a part of a close frame."""
        return not (self.stores or self.held or self.last or self.bridge) and len(self._rest) <= _HELD_LIMIT

    def fill(self, leg: Any, limits: Limits) -> None:
        """Tell the pump's ``leg`` how the stream from it stands."""
        walker, reader = leg.walker, self.reader
        walker.left, walker.message = reader.left, reader.message
        walker.frames, walker.messages = reader.frames, reader.messages
        walker.max_frame, walker.max_message = limits.max_frame_size, limits.max_message_size
        walker.fragmented, walker.masked, walker.reserved = reader.fragmented, reader.masked << 7, reader.reserved
        leg.bytes, leg.seen = self._octets, int(self._seen * NANOSECONDS)
        leg.held[0 : len(self._rest)] = self._rest
        leg.held_size = len(self._rest)

    def note(self, tally: Any) -> None:
        """What came so far."""
        self.reader.frames, self.reader.messages = tally.frames, tally.messages
        self._octets, self._seen = tally.bytes, tally.seen / NANOSECONDS

    def take_back(self, leg: Any) -> None:
        """Go on where the pump stopped, but for :meth:`resume`."""
        walker, reader = leg.walker, self.reader
        reader.left, reader.message, reader.fragmented = walker.left, walker.message, bool(walker.fragmented)
        self._rest = b""
        if self.target is not None:
            self.target.inside = reader.left

    def resume(self, leg: Any, ffi: Any) -> None:
        """Look at what the pump read and did not pass on; it is counted already."""
        rest = ffi.buffer(leg.tail, leg.tail_size) if leg.tail_size else ffi.buffer(leg.held, leg.held_size)
        if len(rest) and not self.source.gone:
            self._accept(self, memoryview(bytes(rest)))
