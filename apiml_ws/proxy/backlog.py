"""What a client sent and no service has: what waits for one, and what has to be said again to another one.

A service that was lost may have received a part of a message, which is worth nothing to the service that takes its
place.  So what was passed on of a message that is not complete is kept, up to a limit.  Complete messages are never said
again, but for those that the kernel had not taken when the service was lost: these it cannot have received.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from apiml_ws.core.pieces import spans

_UNKNOWN: Final = -1


class _Resumption(NamedTuple):
    """Where another service has to begin: an offset, -1 for nowhere; and what is left out behind it, as (start, end)."""

    start: int
    skipped: list[tuple[int, int]]


class Passed(NamedTuple):
    """What is kept of what was passed on; see the attributes of :class:`Backlog`, and :meth:`Backlog.passed`."""

    incomplete: bytes
    cut: bool
    flying: bytes = b""
    flying_end: int = _UNKNOWN
    origin: tuple[int, bool] = (0, False)


class Backlog:
    """Frames from a client, as they came.

    ``limit`` in bytes holds for what waits, and for what was passed on of an incomplete message.  ``kept``: whether anything
    is kept of what was passed on; while it is not, only what leaves a message incomplete needs to be told.  ``unpassed``:
    whether some of what :meth:`rewind` found never reached the service.
    """

    __slots__ = (
        "_again",
        "_cut",
        "_fixed",
        "_flying",
        "_flying_end",
        "_incomplete",
        "_limit",
        "_origin",
        "_waiting",
        "kept",
        "unpassed",
    )

    def __init__(self, limit: int) -> None:
        self._limit = limit
        #: Most sessions keep nothing for most of their time, and are smaller without a place for it.
        self._incomplete: bytes | bytearray = b""
        #: The incomplete message grew beyond the limit.
        self._cut = False
        #: The last that was passed on, as long as the kernel did not take all of it, and how the stream stood before it.
        self._flying = b""
        self._flying_end = _UNKNOWN
        self._origin = (0, False)
        self._again = b""
        self._fixed: bool | None = None
        self._waiting: bytes | bytearray = b""
        self.kept = False
        self.unpassed = False

    def passed(self, frames: bytes | memoryview, origin: tuple[int, bool], message_end: int, settled: bool) -> None:
        """``frames`` went to the service.

        ``origin``: the payload bytes that the frame under way lacked before, and whether its message went on after it.
        ``message_end``: where in them the last complete message ends, or -1.  ``settled``: the kernel took all of them.
        Nothing more is passed on before :meth:`settle` otherwise.
        """
        if settled:
            self._settle(frames, message_end)
        elif message_end >= 0 or not self._cut:
            self._flying, self._flying_end, self._origin = bytes(frames), message_end, origin
            self.kept = True

    def settle(self) -> None:
        """The kernel took what was passed on last."""
        if self._flying:
            flying, self._flying = self._flying, b""
            self._settle(flying, self._flying_end)

    def _settle(self, frames: bytes | memoryview, message_end: int) -> None:
        if message_end >= 0:
            frames = frames[message_end:]
            self._incomplete = b""
            self._cut = False
        if self._cut or len(self._incomplete) + len(frames) > self._limit:
            self._incomplete = b""
            self._cut = True
        elif frames:
            self._incomplete = self._incomplete or bytearray()
            self._incomplete += frames
        self.kept = self._cut or bool(self._incomplete)

    @property
    def quiet(self) -> bool:
        """Whether nothing waits, and the kernel took all that was passed on."""
        return not (self._flying or self._again or self._waiting) and self._fixed is None

    @property
    def record(self) -> Passed:
        """What is kept of what was passed on."""
        return Passed(bytes(self._incomplete), self._cut, self._flying, self._flying_end, self._origin)

    def resume(self, passed: Passed) -> None:
        """Go on from a :attr:`record`."""
        incomplete, self._cut, self._flying, self._flying_end, self._origin = passed
        self._incomplete = bytearray(incomplete) if incomplete else b""
        self.kept = bool(incomplete or passed.cut or passed.flying)

    def resumable(self, unsent: int) -> bool:
        """Whether another service can go on, if the last ``unsent`` bytes did not reach this one."""
        return self._fixed if self._fixed is not None else self._resumed(unsent)[0]

    def rewind(self, unsent: int) -> None:
        """The service was lost, or is not to get any more: find what another one has to get first."""
        if self._fixed is None:
            self._fixed, self._again = self._resumed(unsent)
            self.unpassed = bool(self._flying and unsent)
            self._incomplete = b""
            self._flying, self._cut, self.kept = b"", False, False

    def _resumed(self, unsent: int) -> tuple[bool, bytes]:
        data = self._flying if self._cut else bytes(self._incomplete) + self._flying
        if self._cut and not data:
            return False, b""
        taken = len(data) - min(unsent, len(self._flying))
        start, skipped = _resumption(data, taken, *(self._origin if self._cut else (0, False)))
        if start < 0 or taken - start > self._limit:
            return False, b""
        edges = [start, *(edge for pair in skipped for edge in pair), len(data)]
        return True, b"".join(data[edges[i] : edges[i + 1]] for i in range(0, len(edges), 2))

    def wait(self, frames: bytes | memoryview) -> None:
        """``frames`` have to wait for a service."""
        self._waiting = self._waiting or bytearray()
        self._waiting += frames

    @property
    def waiting(self) -> int:
        """Bytes that wait."""
        return len(self._waiting)

    @property
    def room(self) -> int:
        """Bytes that may still wait; not negative."""
        return max(self._limit - len(self._waiting), 0)

    def take(self) -> bytes:
        """All that the service which is there now has to get, from the start of a message; it does not wait any more."""
        data = self._again + bytes(self._waiting)
        self._again = b""
        self._fixed = None
        self.unpassed = False
        self._waiting = b""
        return data


def _resumption(data: bytes, taken: int, left: int, fragmented: bool) -> _Resumption:
    """Where in ``data``, of which the first ``taken`` bytes arrived, the first message begins that did not arrive whole.

    Control frames that arrived whole inside that message are left out.  ``left`` and ``fragmented`` as in
    :meth:`Backlog.passed`.
    """
    start = left if left <= taken and not fragmented else _UNKNOWN
    skipped: list[tuple[int, int]] = []
    for span in spans(data, left):
        if span.end > taken:
            break
        if span.control and fragmented:
            skipped.append((span.start, span.end))
            continue
        if not span.control:
            fragmented = not span.final
        if not fragmented:
            start = span.end
            skipped = []
    return _Resumption(start, skipped)


def last_message_end(data: bytes) -> int:
    """Where the last complete message of ``data``, which begins with a message, ends."""
    return _resumption(data, len(data), 0, False).start
