"""What comes from one leg: read, and counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from apiml_ws.core.frames import FrameReader, Taken
from apiml_ws.core.interfaces import Counters, Violation
from apiml_ws.proxy.line import Line
from apiml_ws.proxy.room import MANY_FRAMES, READ_SIZE, SMALL_READ, SOME_FRAMES, Room
from apiml_ws.proxy.wire import WireLost


class IntakeOwner(Protocol):
    """Whoever wants to know what comes."""

    def failed(self, line: Line) -> None:
        """The connection broke."""

    def ended(self, line: Line) -> None:
        """The peer sends no more."""

    def found(self, line: Line, finding: Taken | Violation) -> None:
        """The peer sent a close frame, or what is not allowed."""


class Intake:
    """Reads ``source``, whose stream ``reader`` follows, and gives what came to :attr:`_accept`.

    ``stores``: whether what comes waits now.  ``since`` is what came before, if anything did, from another source.
    ``_body`` is the part of the room that is read into: a turn has to be short for a stream of tiny frames, too.
    """

    __slots__ = (
        "_accept",
        "_body",
        "_octets",
        "_owner",
        "_rest",
        "_room",
        "_seconds",
        "_seen",
        "_since",
        "reader",
        "source",
        "stores",
    )

    def __init__(
        self,
        source: Line,
        reader: FrameReader,
        room: Room,
        seconds: Callable[[], float],
        owner: IntakeOwner,
        since: Counters | None,
    ) -> None:
        self.source = source
        self.stores = False
        self.reader = reader
        self._owner = owner
        self._room = room
        self._seconds = seconds
        self._since = since
        self._octets = 0
        self._body = room.body
        self._seen = seconds()
        self._rest = b""
        #: A method of its class: a bound one would be a circle.
        self._accept: Callable[[Any, memoryview], None] = Intake._ignore
        source.reader = self

    @property
    def counters(self) -> Counters:
        """What came so far."""
        since, reader = self._since, self.reader
        if since is None:
            return Counters(reader.frames, reader.messages, self._octets, self._seen)
        return Counters(
            since.frames + reader.frames, since.messages + reader.messages, since.bytes + self._octets, self._seen
        )

    def read(self) -> None:
        """Take what is there, at most one buffer full, and of what has to wait no more than there is room for."""
        body = self._body[: self._storable] if self.stores else self._body
        source = self.source
        try:
            count = source.wire.receive_into(body)
        except WireLost:
            self._owner.failed(source)
            return
        if count:
            self._octets += count
            self._seen = self._seconds()
            frames = self.reader.frames
            self._accept(self, self._room.holding(self._rest, count) if self._rest else body[:count])
            if count > SOME_FRAMES:
                self._weigh(self.reader.frames - frames)
            if source.wire.readable and not source.gone:
                source.reread()
        elif count is not None:
            self._owner.ended(source)

    @property
    def _storable(self) -> int:
        """How much may be read while it waits."""
        return 0

    def _weigh(self, frames: int) -> None:
        if frames > MANY_FRAMES:
            self._body = self._room.small
        elif frames < MANY_FRAMES * SMALL_READ // READ_SIZE:
            self._body = self._room.body

    def accept(self, early: bytes) -> None:
        """Take what was read before the source was ours."""
        if early:
            self._octets += len(early)
            self._accept(self, memoryview(early))

    def forget(self) -> None:
        """Hold on to nobody: the source has ended."""
        del self._owner

    def _ignore(self, data: memoryview) -> None:
        """It is read only to see the end."""

    def _stopped(self, data: memoryview, count: int) -> None:
        """The reader let ``count`` bytes pass: what it held back, or what it found."""
        finding = self.reader.finding
        if finding is None:
            self._rest = bytes(data[count:])
        else:
            self._rest = b""
            self._owner.found(self.source, finding)
