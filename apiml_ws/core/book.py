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

    ``ended`` has those too that were refused before their client was answered, ``begun`` has not.
    """

    begun: int
    ended: Mapping[Cause, int]
    moves: int
    moving: int


class Book:
    """The ledger of all sessions.  ``gone`` hears the id of each session that ended, after it was recorded."""

    def __init__(self, recorder: Recorder, gone: Callable[[str], object]) -> None:
        self._recorder = recorder
        self._gone = gone
        self._begun = 0
        self._ended: Counter[Cause] = Counter()
        self._moves = 0
        self._moving: set[str] = set()

    @property
    def counts(self) -> Counts:
        """The figures of this moment."""
        return Counts(self._begun, dict(self._ended), self._moves, len(self._moving))

    @property
    def moves(self) -> int:
        """How often a session went on at another instance."""
        return self._moves

    def begun(self) -> None:
        """A session has a client."""
        self._begun += 1

    def moving(self, session_id: str) -> None:
        """It lost its service and looks for another."""
        self._moving.add(session_id)

    def moved(self, session_id: str) -> None:
        """It found one and goes on there."""
        self._moving.discard(session_id)
        self._moves += 1

    def ended(self, record: SessionRecord) -> None:
        """Nothing of it is left."""
        self._moving.discard(record.session_id)
        self.refused(record)
        self._gone(record.session_id)

    def refused(self, record: SessionRecord) -> None:
        """It did not come to a session."""
        self._ended[record.cause] += 1
        self._recorder.record(record)
