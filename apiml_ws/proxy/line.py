"""One leg in a relay's hands: what is waited for on it, what is said on it, and its end."""

from __future__ import annotations

from contextlib import suppress
from typing import Final, Protocol

from apiml_ws.core.interfaces import Clock, Limits, Side, Timer
from apiml_ws.proxy.phases import Hearing, Saying
from apiml_ws.proxy.poller import GONE, HANGUP, READ, WRITE, Poller
from apiml_ws.proxy.wire import Wire, WireLost


class LineOwner(Protocol):
    """Whoever couples lines."""

    def drained(self, line: Line) -> None:
        """The kernel took all; or a turn that :meth:`Line.watch` asked for with WRITE has come."""

    def blocked(self, line: Line) -> None:
        """The kernel did not take all."""

    def failed(self, line: Line) -> None:
        """The connection broke."""

    def hung_up(self, line: Line) -> None:
        """The peer sends no more, though something of it may be unread; or the connection is gone (:attr:`Line.dead`)."""

    def overdue(self, line: Line) -> None:
        """What :meth:`Line.expect` waited for did not come."""

    def stalled(self, line: Line) -> None:
        """The peer took nothing for ``Limits.async_write_timeout``."""

    def crashed(self) -> None:
        """Something raised that should not."""


class Reader(Protocol):
    """Whoever takes what the peer of a line sent."""

    def read(self) -> None:
        """There is something."""


class _Nobody:
    """Until somebody wants to."""

    def read(self) -> None:
        """It stays where it is."""


_NOBODY: Final = _Nobody()


class Line:
    """A leg: ``wire`` watched by ``poller``, all that happens told to ``owner``.

    ``inside``: payload bytes that the frame which is being passed on to the peer still lacks.  ``queued``: frames of our own
    that wait for its end.  ``extra``: bytes of our own among those that the kernel did not take.  ``cut``: the rest of what
    was passed on will not follow, and what is kept must not be sent.  ``hung``: the peer sends no more, but that may not be
    read yet.  ``dead``: the connection is gone in both directions.  ``took``: when the peer last took some of what
    waited for it.  ``reader`` takes what the peer sent.
    """

    __slots__ = (
        "_again",
        "_clock",
        "_deadline",
        "_finished",
        "_goodbye",
        "_grace",
        "_limits",
        "_owner",
        "_poller",
        "_registered",
        "_stall",
        "_watched",
        "cut",
        "dead",
        "eof",
        "extra",
        "gone",
        "hearing",
        "hung",
        "inside",
        "queued",
        "reader",
        "saying",
        "side",
        "took",
        "wire",
    )

    def __init__(self, side: Side, wire: Wire, owner: LineOwner, poller: Poller, clock: Clock, limits: Limits) -> None:
        self.side = side
        self.wire = wire
        self._owner = owner
        self._poller = poller
        self._clock = clock
        self._limits = limits
        wire.set_patience(limits.async_write_timeout)
        wire.settle()
        self._registered = False
        self._watched = 0
        self._again: Timer | None = None
        self._deadline: Timer | None = None
        self._grace = 0.0
        self._stall: Timer | None = None
        self.took = 0.0
        self.queued = b""
        self._goodbye = b""
        self._finished = False
        self.hearing = Hearing.PASSING
        self.saying = Saying.OPEN
        self.inside = 0
        self.extra = 0
        self.cut = False
        self.hung = False
        self.dead = False
        self.eof = False
        self.gone = False
        self.reader: Reader = _NOBODY

    def ready(self, events: int) -> None:
        """See :class:`~apiml_ws.proxy.poller.Ready`."""
        if events == READ and self._watched & READ:
            self.reader.read()
            return
        if events & WRITE:
            self.flush()
            if self.gone:
                return
        if events & READ and self._watched & READ:
            self.reader.read()
        elif events & (HANGUP | GONE):
            self._hung_up(events)

    def crashed(self) -> None:
        """See :class:`~apiml_ws.proxy.poller.Ready`."""
        self._owner.crashed()

    def watch(self, events: int) -> None:
        """Wait for ``events`` of READ and WRITE from now on; for the peer's end too, while it is not read."""
        if self.gone:
            return
        if not (events & READ or self.hung):
            events |= HANGUP
        if events != self._watched:
            self._watched = events
            if self._registered:
                self._poller.modify(self.wire.fileno(), events)
            elif events & (READ | WRITE) or not self.dead:
                self._registered = True
                self._poller.add(self.wire.fileno(), events, self)
        self.reread()

    def reread(self) -> None:
        """Read once more in a later turn what the descriptor may not tell of."""
        if self.wire.readable and self._watched & READ and self._again is None:
            self._again = self._clock.callLater(0, self._read_again)

    def _read_again(self) -> None:
        self._again = None
        if self._watched & READ:
            self.reader.read()

    def _hung_up(self, events: int) -> None:
        self.hung = True
        if self._watched & READ:
            self.reader.read()
            return
        if events & GONE:
            self._gone_unread()
        if not self.gone:
            self._owner.hung_up(self)

    def _gone_unread(self) -> None:
        """It would be reported for ever: watch no more until the leg is read or written again."""
        self.dead = True
        if self.wire.pending and not self.cut:
            self.flush()
        self._unwatch()

    def _unwatch(self) -> None:
        if self._registered:
            self._registered = False
            self._watched = 0
            self._poller.remove(self.wire.fileno())

    def put(self, data: bytes | memoryview) -> None:
        """Send ``data``."""
        try:
            self.wire.send(data)
        except WireLost:
            self._owner.failed(self)
        else:
            self.sent()

    def sent(self) -> None:
        """Something was sent; from when the kernel did not take all the peer has to take something from time to time."""
        if self.wire.pending:
            self.took = self._clock.seconds()
            if self._stall is None and self._limits.async_write_timeout:
                self._stall = self._clock.callLater(self._limits.async_write_timeout, self._look_for_stall)
            self._owner.blocked(self)

    def insert(self, frames: bytes) -> None:
        """Put control frames of our own on the leg at the next edge of a frame."""
        if self.gone or self.cut or self.saying is not Saying.OPEN:
            return
        self.queued += frames
        if not self.inside:
            self.edge()

    def edge(self) -> None:
        """The edge of a frame: send what waited for it."""
        if self.queued:
            frames, self.queued = self.queued, b""
            self.put(frames)
            if not self.gone and self.wire.pending:
                self.extra += len(frames)

    def send_around(self, frames: bytes | memoryview, left: int) -> int:
        """Pass on ``frames``, and put what waits where the frame under way, which lacks ``left`` bytes, ends.

        Gives what is pending then.

        :raises WireLost: the connection broke.
        """
        send = self.wire.send
        if left:
            send(frames[:left])
        if left <= len(frames):
            ours, self.queued = self.queued, b""
            send(ours)
            if self.wire.pending:
                self.extra += len(ours)
        if left < len(frames):
            send(frames[left:])
        return self.wire.pending

    def begin_close(self, frame: bytes) -> None:
        """Nothing is passed on to the peer beyond the edge of the frame under way; there :meth:`say_close` follows."""
        self.saying = Saying.CLOSING
        self._goodbye = frame

    def say_close(self) -> None:
        """The close frame, after what waited for the same edge."""
        self.queued += self._goodbye
        self.saying = Saying.SAID
        self.edge()

    def finish(self) -> None:
        """Say that nothing more comes; once."""
        if not self._finished:
            self._finished = True
            with suppress(WireLost):
                self.wire.finish()

    def flush(self) -> None:
        """Send more of what is kept."""
        pending = self.wire.pending
        try:
            self.wire.flush()
        except WireLost:
            self._owner.failed(self)
            return
        if self.wire.pending != pending:
            self.took = self._clock.seconds()
        if not self.wire.pending:
            self.extra = 0
            self._owner.drained(self)

    def _look_for_stall(self) -> None:
        """The timer outlives what it was armed for, since a leg under load blocks and drains all the time."""
        self._stall = None
        if not self.wire.pending or self.cut or self.saying is not Saying.OPEN:
            return
        left = self._limits.async_write_timeout - (self._clock.seconds() - self.took)
        if left > 0:
            self._stall = self._clock.callLater(left, self._look_for_stall)
        else:
            self._owner.stalled(self)

    def expect(self, seconds: float) -> None:
        """Tell the owner when ``seconds`` passed, in place of what was expected before."""
        self.expect_nothing()
        self._grace = seconds
        self._deadline = self._clock.callLater(seconds, self._overdue)

    def expect_nothing(self) -> None:
        """Take :meth:`expect` back."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _overdue(self) -> None:
        """A peer that still takes what goes before the close frame is only slow."""
        self._deadline = None
        quiet = self._clock.seconds() - self.took
        if self.saying is Saying.SAID and self.wire.pending and quiet < self._grace:
            self._deadline = self._clock.callLater(self._grace - quiet, self._overdue)
        else:
            self._owner.overdue(self)

    def forget(self) -> None:
        """Hold on to nobody: it has ended, and those around it will."""
        del self._owner, self.reader

    def end(self) -> None:
        """Let go of the connection; nothing more is told."""
        self.gone = True
        for timer in (self._again, self._deadline, self._stall):
            if timer is not None:
                timer.cancel()
        self._again = self._deadline = self._stall = None
        self._unwatch()
        self.wire.close()
