"""One direction of a session: what comes from one leg is read, followed, and passed on to the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from apiml_ws.core.frames import FrameReader, Opcode, Taken, frame
from apiml_ws.core.interfaces import Boundary, Counters
from apiml_ws.proxy.backlog import Backlog, last_message_end
from apiml_ws.proxy.bridge import Bridge, Refused
from apiml_ws.proxy.intake import Intake, IntakeOwner
from apiml_ws.proxy.line import Line
from apiml_ws.proxy.phases import Hearing, Saying
from apiml_ws.proxy.room import READ_SIZE, Room
from apiml_ws.proxy.wire import WireLost


class PassageOwner(IntakeOwner, Protocol):
    """Whoever couples the two directions."""

    def edge(self, line: Line) -> None:
        """The last frame that is passed on to ``line`` is complete."""

    def message_ended(self) -> None:
        """The last message that :meth:`Passage.end_with_message` lets pass did."""

    def refresh(self) -> None:
        """Something changed that decides on what is read and what is done with it."""


class Passage(Intake):
    """From ``source`` to ``target``, which may not be there yet or not any more.

    ``backlog`` is there where what has no target waits; else it is thrown away.  ``held``: what comes waits though there is
    a target.  ``answers``: pings in what waits are answered, and do not wait.  ``bridge`` is there where frames cannot pass
    as they are.  ``last``: the target gets the message under way, and nothing after it; ``over``: that message ended.
    """

    __slots__ = ("_coupling", "answers", "backlog", "bridge", "held", "last", "over", "target")

    def __init__(
        self,
        source: Line,
        reader: FrameReader,
        room: Room,
        seconds: Callable[[], float],
        owner: PassageOwner,
        backlog: Backlog | None,
        since: Counters | None,
    ) -> None:
        super().__init__(source, reader, room, seconds, owner, since)
        self.backlog = backlog
        self.target: Line | None = None
        self.bridge: Bridge | None = None
        self.held = False
        self.answers = False
        self.last = False
        self.over = False
        self._coupling = owner

    @property
    def boundary(self) -> Boundary:
        """Where the source leaves the target, after all that came from it."""
        if self.bridge is None:
            return self.reader.boundary
        if self.bridge.busy:
            return Boundary.MESSAGE if self.reader.boundary is Boundary.MESSAGE else Boundary.FRAGMENT
        return self.bridge.boundary

    @property
    def _storable(self) -> int:
        """How much may be read while it waits.  What a peer sent before it went is finite: some more of it, to see its end."""
        if self.backlog is None:
            return 0
        if self.source.hung:
            return max(self.backlog.room + READ_SIZE - self.backlog.waiting, 0)
        return self.backlog.room

    def forget(self) -> None:
        """See :class:`~apiml_ws.proxy.intake.Intake`."""
        super().forget()
        del self._coupling

    def choose(self) -> bool:
        """Decide what is done with what comes from now on; whether the source is to be read."""
        hearing, target = self.source.hearing, self._open
        self.stores = hearing is Hearing.PASSING and self.backlog is not None and (target is None or self.over)
        self.reader.take_pings = self.stores and self.answers
        if self.stores:
            self._accept = Passage._store
        elif hearing in (Hearing.DONE, Hearing.DEAF):
            self._accept = Passage._ignore
        elif hearing is Hearing.MUTED or target is None or target.saying is not Saying.OPEN:
            self._accept = Passage._pass_remainder
        elif self.last:
            self._accept = Passage._pass_last
        else:
            self._accept = Passage._recode if self.bridge else Passage._forward
        return self._wanted(target)

    @property
    def _open(self) -> Line | None:
        """The target, if it is to get anything."""
        target = self.target
        return None if target is None or target.gone or target.cut or self.held else target

    def _wanted(self, target: Line | None) -> bool:
        source = self.source
        if source.eof or source.hearing in (Hearing.DONE, Hearing.DEAF):
            return not source.eof
        if self.stores:
            # Its pings are answered: a client that does not take the answers is not read.
            return self._storable > 0 and not (source.wire.pending or source.queued)
        if target is None:
            return True
        if source.hearing is Hearing.MUTED or target.saying is not Saying.OPEN:
            return not (target.inside and target.wire.pending)
        # A service that said close, or is gone but for what is still to be read of it, gets no more before it is known whether
        # another one takes over.
        undecided = self.backlog is not None and (target.hearing is Hearing.DONE or target.hung)
        return not (undecided or target.wire.pending or self.busy)

    @property
    def busy(self) -> bool:
        """Whether the bridge has more for the target."""
        return self.bridge is not None and self.bridge.busy

    @property
    def coming(self) -> bool:
        """Whether the rest of a frame that is being passed on can still come."""
        source = self.source
        return not (source.gone or source.eof or self.held) and source.hearing in (Hearing.PASSING, Hearing.MUTED)

    def _forward(self, data: memoryview) -> None:
        """The usual course, and the one that has to be short."""
        target, reader = self.target, self.reader
        origin = reader.left, reader.fragmented
        count = reader.feed(data)
        size = len(data)
        if count and target is not None:
            self._send(target, data if count == size else data[:count], origin, reader.message_end)
        if count == size:
            self._rest = b""
        else:
            self._stopped(data, count)

    def _send(self, target: Line, frames: bytes | memoryview, origin: tuple[int, bool], message_end: int) -> None:
        """Pass on ``frames``, and keep what may have to be said again; see :meth:`Backlog.passed`."""
        reader, backlog, wire = self.reader, self.backlog, target.wire
        lost = False
        queued = bool(target.queued)
        try:
            pending = target.send_around(frames, origin[0]) if queued else wire.send(frames)
        except WireLost:
            lost, pending = True, wire.pending
        target.inside = reader.left
        if backlog is not None and (pending or reader.left or reader.fragmented or backlog.kept):
            backlog.passed(frames, origin, message_end, not pending)
        if lost:
            self._owner.failed(target)
        elif pending:
            target.sent()
        elif queued:
            # A peer is not read while answers to it are queued.
            self._coupling.refresh()

    def deliver(self) -> None:
        """To a target that has just come, what it has to get first."""
        if self.backlog is None or self.target is None:
            return
        data = self.backlog.take()
        self.target.inside = self.reader.left
        if self.bridge:
            self.target.inside = 0
            self.bridge.push(data)
            self.pump()
        elif data:
            self._send(self.target, data, (0, False), last_message_end(data))

    def _recode(self, data: memoryview) -> None:
        count = self.reader.feed(data)
        if self.bridge is not None:
            self.bridge.push(bytes(data[:count]))
            self.pump()
        self._stopped(data, count)

    def end_with_message(self) -> None:
        """What comes after the message under way waits; see ``last``, which may be taken back until it is ``over``."""
        self.last = True
        self.over = self.reader.boundary is Boundary.MESSAGE

    def _pass_last(self, data: memoryview) -> None:
        """The usual course, up to the end of a message."""
        reader, target = self.reader, self.target
        origin = reader.left, reader.fragmented
        count = reader.feed(data)
        end = reader.message_end
        frames = data[: count if end < 0 else end]
        if self.bridge:
            self.bridge.push(bytes(frames))
            self.pump()
        elif frames and target is not None:
            self._send(target, frames, origin, end)
        if end >= 0 and self.backlog is not None and target is not None:
            self.backlog.wait(data[end:count])
            target.inside = 0
            self.over = self.last
            self._coupling.message_ended()
        self._stopped(data, count)

    def pump(self) -> None:
        """Send what the bridge has, as much as is fair in one turn and the target's socket takes."""
        bridge, target = self.bridge, self._open
        if bridge is None or target is None:
            return
        done = 0
        while bridge.busy and not target.gone and not target.wire.pending and done < READ_SIZE:
            try:
                frames = bridge.step()
            except Refused as refused:
                self._owner.found(self.source, refused.violation)
                return
            done += READ_SIZE // 4
            if frames:
                target.put(frames)
        if bridge.busy:
            self._coupling.refresh()

    def _store(self, data: memoryview) -> None:
        """No service: it waits, but for pings when they are taken out to be answered."""
        reader, backlog = self.reader, self.backlog
        pongs = []
        while True:
            count = reader.feed(data)
            if backlog is not None:
                backlog.wait(data[:count])
            finding = reader.finding
            if not isinstance(finding, Taken) or finding.opcode != Opcode.PING:
                break
            pongs.append(frame(Opcode.PONG, finding.payload))
            data = data[finding.end :]
        if pongs:
            self.source.insert(b"".join(pongs))
        self._stopped(data, count)
        self._coupling.refresh()

    def _pass_remainder(self, data: memoryview) -> None:
        """Only the end of a frame that began; a close frame is still looked for."""
        left = self.reader.left
        count = self.reader.feed(data)
        target = self._open
        if target is not None and target.inside:
            part = data[: min(left, count)]
            target.inside -= len(part)
            target.put(part)
            if not target.inside and not target.gone:
                target.edge()
                self._coupling.edge(target)
        self._stopped(data, count)
