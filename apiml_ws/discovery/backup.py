"""Keeps the last good listing of a registry on disk, for a start while every registry is down."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from apiml_ws.discovery.backup_file import BackupError, Restored, confirm_backup, read_backup, write_backup
from apiml_ws.discovery.registration import Registration

#: Seconds between two writes at least, but for the last one.
SAVE_INTERVAL: Final = 30.0

#: Calls something in another thread.
InThread = Callable[[Callable[[], None]], "Deferred[None]"]


class Backup:
    """The file at ``path``.

    ``seconds`` is a monotonic clock, ``now`` tells seconds since 1970, ``in_thread`` calls what writes, since a disk may
    take its time.  A file that cannot be written costs a line of log, not more.
    """

    _log = Logger()

    def __init__(self, path: Path, seconds: Callable[[], float], now: Callable[[], float], in_thread: InThread) -> None:
        self._path = path
        self._seconds = seconds
        self._now = now
        self._in_thread = in_thread
        self._latest: tuple[Registration, ...] | None = None
        self._confirmed = 0.0
        self._saved: tuple[Registration, ...] | None = None
        self._written_at: float | None = None
        self._writing: Deferred[None] = succeed(None)
        self._trouble = ""

    def restore(self) -> tuple[tuple[Registration, ...], float] | None:
        """What was kept, and its age in seconds; None when there is nothing that can be used."""
        try:
            restored = read_backup(self._path)
        except BackupError as error:
            self._log.warn("Backup {file} of the registry is not used: {reason}", file=self._path, reason=str(error))
            return None
        return None if restored is None else self._told(restored)

    def _told(self, restored: Restored) -> tuple[tuple[Registration, ...], float]:
        age = max(0.0, self._now() - restored.confirmed)
        self._log.warn(
            "Routes are those of backup {file}, {age} s old: {count} instances",
            file=self._path,
            age=round(age),
            count=len(restored.registrations),
        )
        return restored.registrations, age

    def keep(self, registrations: tuple[Registration, ...]) -> None:
        """``registrations`` are what holds now; they are written soon, if they are others than the last ones."""
        self._latest = registrations
        self._confirmed = self._now()
        due = self._written_at is None or self._seconds() - self._written_at >= SAVE_INTERVAL
        if due and self._writing.called:
            self._write()

    def flush(self) -> Deferred[None]:
        """Write what was not written yet; fires when all is on disk, or failed to get there."""
        done: Deferred[None] = Deferred()
        self._writing.addCallback(lambda _: self._write())
        self._writing.addCallback(lambda _: done.callback(None))
        return done

    def _write(self) -> Deferred[None]:
        if self._latest is None:
            return succeed(None)
        self._written_at = self._seconds()
        latest, confirmed = self._latest, self._confirmed
        if latest is self._saved:
            writing = self._in_thread(partial(confirm_backup, self._path, confirmed))
        else:
            writing = self._in_thread(partial(write_backup, self._path, latest, confirmed))
        self._writing = writing.addCallbacks(self._done, self._failed, callbackArgs=(latest,))
        return self._writing

    def _done(self, _none: None, latest: tuple[Registration, ...]) -> None:
        self._saved = latest
        self._note("")

    def _failed(self, failure: Failure) -> None:
        self._saved = None
        self._note(failure.getErrorMessage())

    def _note(self, trouble: str) -> None:
        """One line of log whenever writing begins to fail, or fails for another reason."""
        if trouble and trouble != self._trouble:
            self._log.warn("Backup {file} of the registry is not written: {reason}", file=self._path, reason=trouble)
        self._trouble = trouble
