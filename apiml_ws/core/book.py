"""What became of the sessions since the start, counted; and handed on, one record each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apiml_ws.core.closing import Cause
from apiml_ws.core.record import Recorder, SessionRecord


@dataclass(frozen=True, slots=True)
class Counts:
    """How many sessions since the start began, ended (by cause), moved to another instance; how many are moving now.

    ``ended`` has those too that were refused before their client was answered, ``begun`` has not.  ``failed`` are the moves
    that came to nothing: for want of an instance the session ended, or stayed where it was.
    """

    begun: int
    ended: Mapping[Cause, int]
    moves: int
    moving: int
    failed: int


def _nobody(_session_id: str) -> None:
    """Nobody wants to know."""


class Book:
    """The ledger of all sessions; hands ids on, after it took note itself.

    ``gone`` hears of each session that ended, whatever its record met; ``joined`` of each that goes on with a service;
    ``stayed`` of each that was to go on elsewhere and could not.
    """

    def __init__(
        self,
        recorder: Recorder,
        gone: Callable[[str], object],
        joined: Callable[[str], object] = _nobody,
        stayed: Callable[[str], object] = _nobody,
    ) -> None:
        self._recorder = recorder
        self._gone = gone
        self._joined = joined
        self._stayed = stayed
        self._begun = 0
        self._ended: Counter[Cause] = Counter()
        self._moves = 0
        self._failed = 0
        self._moving: set[str] = set()

    @property
    def counts(self) -> Counts:
        """The figures of this moment."""
        return Counts(self._begun, dict(self._ended), self._moves, len(self._moving), self._failed)

    @property
    def moves(self) -> int:
        """How often a session went on at another instance."""
        return self._moves

    def begun(self) -> None:
        """A session has a client."""
        self._begun += 1

    def moving(self, session_id: str) -> None:
        """It lost its service, or is to leave it, and looks for another."""
        self._moving.add(session_id)

    def stayed(self, session_id: str) -> None:
        """It was to leave its service, and could not for now."""
        self._moving.discard(session_id)
        self._failed += 1
        self._stayed(session_id)

    def joined(self, session_id: str) -> None:
        """It goes on with a service, the first or another one."""
        self._joined(session_id)

    def moved(self, session_id: str) -> None:
        """It found one and goes on there."""
        self._moving.discard(session_id)
        self._moves += 1

    def ended(self, record: SessionRecord) -> None:
        """Nothing of it is left."""
        given_up = record.session_id in self._moving and record.cause is Cause.SERVICE_CLOSED
        if given_up or record.cause is Cause.NOT_MOVED:
            self._failed += 1
        self._moving.discard(record.session_id)
        try:
            self.refused(record)
        finally:
            self._gone(record.session_id)

    def refused(self, record: SessionRecord) -> None:
        """It did not come to a session."""
        self._ended[record.cause] += 1
        self._recorder.record(record)
