"""When a listing is kept, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.discovery.backup import SAVE_INTERVAL, Backup
from apiml_ws.discovery.backup_file import read_backup
from tests.discovery.doubles_registrations import registration

ONE, TWO = (registration("a"),), (registration("a"), registration("b"))
#: Seconds since 1970 when the tests begin.
START = 1_000_000_000.0


class BackupTests(SynchronousTestCase):
    """A backup whose writes are done when the test says so."""

    def setUp(self) -> None:
        """Nothing was kept."""
        self.clock = Clock()
        self.path = Path(self.mktemp()).absolute()
        self.thread: list[tuple[Callable[[], None], Deferred[None]]] = []
        self.backup = Backup(self.path, self.clock.seconds, lambda: START + self.clock.seconds(), self.in_thread)

    def in_thread(self, write: Callable[[], None]) -> Deferred[None]:
        """Put it off."""
        done: Deferred[None] = Deferred()
        self.thread.append((write, done))
        return done

    def work(self) -> int:
        """Do what was put off; how much that was."""
        work, self.thread = self.thread, []
        for write, done in work:
            maybeDeferred(write).chainDeferred(done)
        return len(work)

    def on_disk(self) -> tuple[int, float]:
        """How many instances are kept, and when that was confirmed."""
        restored = read_backup(self.path)
        assert restored is not None
        return len(restored.registrations), restored.confirmed - START

    def test_written_in_a_thread(self) -> None:
        """The first listing is written at once, elsewhere."""
        self.backup.keep(ONE)
        self.assertFalse(self.path.exists())
        self.work()
        self.assertEqual(self.on_disk(), (1, 0))

    def test_not_too_often(self) -> None:
        """What changes soon after is written after a while; what stays is only confirmed."""
        self.backup.keep(ONE)
        self.work()
        self.clock.advance(SAVE_INTERVAL - 1)
        self.backup.keep(TWO)
        self.assertEqual(self.work(), 0)
        self.clock.advance(1)
        self.backup.keep(TWO)
        self.work()
        self.assertEqual(self.on_disk(), (2, SAVE_INTERVAL))
        inode = self.path.stat().st_ino
        self.clock.advance(SAVE_INTERVAL)
        self.backup.keep(TWO)
        self.work()
        self.assertEqual(self.on_disk(), (2, 2 * SAVE_INTERVAL))
        self.assertEqual(self.path.stat().st_ino, inode)

    def test_one_write_at_a_time(self) -> None:
        """A disk that takes its time is not asked again before it is done."""
        self.backup.keep(ONE)
        self.clock.advance(SAVE_INTERVAL)
        self.backup.keep(TWO)
        self.assertEqual(self.work(), 1)

    def test_flush(self) -> None:
        """At the end what was not written is, after what is being written."""
        self.backup.keep(ONE)
        self.backup.keep(TWO)
        flushed = self.backup.flush()
        self.assertEqual(self.work(), 1)
        self.assertNoResult(flushed)
        self.assertEqual(self.work(), 1)
        self.successResultOf(flushed)
        self.assertEqual(self.on_disk(), (2, 0))

    def test_flush_of_nothing(self) -> None:
        """Where nothing was read, nothing is written."""
        self.successResultOf(self.backup.flush())
        self.assertEqual(self.thread, [])

    def test_cannot_be_written(self) -> None:
        """A write that fails is logged when it begins to, and tried again with the whole; the flush ends all the same."""
        self.path.mkdir()
        with capturedLogs() as events:
            for _ in range(3):
                self.backup.keep(ONE)
                self.work()
                self.clock.advance(SAVE_INTERVAL)
        self.assertEqual([event["reason"] for event in events], [events[0]["reason"]])
        flushed = self.backup.flush()
        self.work()
        self.successResultOf(flushed)
        self.path.rmdir()
        self.backup.keep(ONE)
        self.clock.advance(SAVE_INTERVAL)
        self.backup.keep(ONE)
        self.work()
        self.assertEqual(self.on_disk()[0], 1)

    def test_removed_by_somebody(self) -> None:
        """A file that is gone is written anew."""
        for _ in range(2):
            self.backup.keep(ONE)
            self.work()
            self.path.unlink(missing_ok=True)
            self.clock.advance(SAVE_INTERVAL)
        self.backup.keep(ONE)
        self.work()
        self.assertEqual(self.on_disk()[0], 1)

    def test_restored(self) -> None:
        """What was kept comes back with its age, and the log says so."""
        self.backup.keep(TWO)
        self.work()
        self.clock.advance(90)
        with capturedLogs() as events:
            restored = self.backup.restore()
        assert restored is not None
        self.assertEqual((len(restored[0]), restored[1]), (2, 90))
        self.assertEqual([(event["age"], event["count"]) for event in events], [(90, 2)])

    def test_from_the_future(self) -> None:
        """A file that is newer than the clock has no age."""
        self.backup.keep(ONE)
        self.work()
        self.clock.rightNow -= 10
        restored = self.backup.restore()
        assert restored is not None
        self.assertEqual(restored[1], 0)

    def test_nothing_to_restore(self) -> None:
        """Without a file there is nothing to say; a broken one is passed over with a line of log."""
        with capturedLogs() as events:
            self.assertIsNone(self.backup.restore())
            self.assertEqual(events, [])
            self.path.write_text("{")
            self.assertIsNone(self.backup.restore())
        self.assertEqual([event["reason"] for event in events], ["not JSON: JSONDecodeError"])
