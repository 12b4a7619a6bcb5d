"""A clock for calls that are put off by the thousand and mostly taken back.

A session puts off about fifteen calls between its handshake and its end: deadlines that never pass, and things to be told
in a later turn.  To the reactor each is an entry of a heap that stays there, cancelled, until its time has come.  Here all
calls of one delay stand in a row, which is in order by itself, and the reactor has one call for each row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from apiml_ws.core.interfaces import Clock

#: Seconds that sums of times may be short of.
_ROUNDING: Final = 1e-6


class Call:
    """A call that was put off; see :class:`~apiml_ws.core.interfaces.Timer`."""

    __slots__ = ("_arguments", "_call", "_keywords", "_row", "due")

    def __init__(
        self,
        row: dict[Call, None] | None,
        due: float,
        call: Callable[..., object],
        arguments: tuple[object, ...],
        keywords: dict[str, object],
    ) -> None:
        self._row = row
        self.due = due
        self._call: Callable[..., object] | None = call
        self._arguments = arguments
        self._keywords = keywords

    def cancel(self) -> None:
        """Take it back; nothing when it was made or cancelled before."""
        self._call = None
        self._arguments = ()
        if self._row is not None:
            self._row.pop(self, None)

    def active(self) -> bool:
        """Whether it is still to come."""
        return self._call is not None

    def make(self) -> None:
        """Make it, unless it was taken back; what it raises is logged, and costs nobody else."""
        call, arguments = self._call, self._arguments
        if call is None:
            return
        self._call = None
        self._arguments = ()
        try:
            call(*arguments, **self._keywords)
        except Exception:
            _Mishaps.log()


class _Mishaps:
    _log = Logger()

    @classmethod
    def log(cls) -> None:
        cls._log.failure("A call that was put off failed")


class Timetable:
    """A :class:`~apiml_ws.core.interfaces.Clock` over ``clock``, for any number of calls with few different delays."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[float, _Row] = {}
        self._turn: list[Call] = []
        #: Now, in seconds.
        self.seconds = clock.seconds

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kw: object) -> Call:  # noqa: A002
        """Make the call ``delay`` seconds from now; with 0 in a later turn, in the order in which they were put off."""
        if delay:
            row = self._rows.get(delay)
            if row is None:
                row = self._rows[delay] = _Row(self._clock, delay, self._rows)
            return row.add(callable, args, kw)
        call = Call(None, 0.0, callable, args, kw)
        if not self._turn:
            self._clock.callLater(0, self._next_turn)
        self._turn.append(call)
        return call

    def _next_turn(self) -> None:
        calls, self._turn = self._turn, []
        for call in calls:
            call.make()

    def __len__(self) -> int:
        """How many different delays are known at the moment."""
        return len(self._rows)


class _Row:
    """The calls of one delay, the earliest first.  A row that is empty when its time has come is forgotten."""

    __slots__ = ("_calls", "_clock", "_delay", "_rows")

    def __init__(self, clock: Clock, delay: float, rows: dict[float, _Row]) -> None:
        self._clock = clock
        self._delay = delay
        self._rows = rows
        self._calls: dict[Call, None] = {}
        clock.callLater(delay, self._run)

    def add(self, call: Callable[..., object], arguments: tuple[object, ...], keywords: dict[str, object]) -> Call:
        added = Call(self._calls, self._clock.seconds() + self._delay, call, arguments, keywords)
        self._calls[added] = None
        return added

    def _run(self) -> None:
        now = self._clock.seconds() + _ROUNDING
        calls = self._calls
        while calls and (call := next(iter(calls))).due <= now:
            del calls[call]
            call.make()
        if calls:
            self._clock.callLater(max(call.due - now, 0), self._run)
        else:
            del self._rows[self._delay]
