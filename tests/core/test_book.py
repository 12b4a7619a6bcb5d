"""The ledger of sessions."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.book import Book, Counts
from apiml_ws.core.closing import Cause
from apiml_ws.core.record import never_opened
from tests.core.doubles_session import MemoryRecorder, World


class BookTests(SynchronousTestCase):
    """Counts, and records handed on."""

    def setUp(self) -> None:
        self.recorder = MemoryRecorder()
        self.gone: list[str] = []
        self.book = Book(self.recorder, self.gone.append)
        self.one = never_opened(World("a").opening(), Cause.IDLE, "", 0)

    def test_counts(self) -> None:
        """Begun, ended by cause, moved, and those that are moving."""
        for _ in range(3):
            self.book.begun()
        for session_id in ("1", "2", "3"):
            self.book.moving(session_id)
        self.book.moved("1")
        self.book.ended(replace(self.one, session_id="2"))
        self.assertEqual(self.book.counts, Counts(begun=3, ended={Cause.IDLE: 1}, moves=1, moving=1, failed=0))
        self.assertEqual(self.book.moves, 1)

    def test_moves_that_came_to_nothing(self) -> None:
        """The session ended for it, or stayed where it was; ends for other reasons are no failures of a move."""
        for session_id in ("1", "2", "3", "4"):
            self.book.moving(session_id)
        self.book.stayed("1")
        self.book.ended(replace(self.one, session_id="2", cause=Cause.NOT_MOVED))
        self.book.ended(replace(self.one, session_id="3", cause=Cause.SERVICE_CLOSED))
        self.book.ended(replace(self.one, session_id="4", cause=Cause.CLIENT_CLOSED))
        self.book.ended(replace(self.one, session_id="5", cause=Cause.SERVICE_CLOSED))
        self.assertEqual((self.book.counts.failed, self.book.counts.moving), (3, 0))

    def test_who_hears_of_it(self) -> None:
        """Those that joined a service, and those that could not leave theirs."""
        joined: list[str] = []
        stayed: list[str] = []
        book = Book(self.recorder, self.gone.append, joined.append, stayed.append)
        for each in (self.book, book):
            each.joined("1")
            each.stayed("2")
        self.assertEqual((joined, stayed), (["1"], ["2"]))

    def test_a_record_that_cannot_be_kept(self) -> None:
        """The session is gone all the same."""
        self.recorder.fails = True
        self.assertRaises(OSError, self.book.ended, self.one)
        self.assertEqual(self.gone, ["session-1"])

    def test_ended(self) -> None:
        """It is recorded, then told."""
        self.book.ended(self.one)
        self.assertEqual((self.recorder.records, self.gone), ([self.one], ["session-1"]))

    def test_refused(self) -> None:
        """It is recorded; there is no session that could be gone."""
        self.book.refused(self.one)
        self.assertEqual((self.recorder.records, self.gone), ([self.one], []))
        self.assertEqual(self.book.counts.ended, {Cause.IDLE: 1})
