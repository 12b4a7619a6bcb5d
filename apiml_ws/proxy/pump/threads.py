"""The pump's threads, and the reader of the reactor that hears which sessions come back."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Thread
from typing import Any, Final

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from apiml_ws.proxy.pump.library import load

#: Sessions that come back in one turn of the reactor.
_RETURNS: Final = 64


class Worker:
    """One thread; ``load`` is how many sessions it has."""

    def __init__(self, lib: Any, handle: Any, number: int) -> None:
        self.handle = handle
        self.load = 0
        # Whoever forgets to stop it should be able to leave nevertheless.
        self.thread = Thread(target=lib.thread_run, args=(handle,), name=f"pump-{number}", daemon=True)
        self.thread.start()


@implementer(IReadDescriptor)
class PumpThreads:
    """``count`` threads (0: one for each core that this process may use), begun with the first session at the latest.

    ``returned`` is called in the reactor's thread with the id of each session that was parked, ``begun`` with the system's
    ids of the threads.

    :raises NoPump: see :func:`~apiml_ws.proxy.pump.library.load`.
    """

    def __init__(self, reactor: IReactorFDSet, count: int) -> None:
        self.lib, self.ffi = load()
        self.count = count or len(os.sched_getaffinity(0))
        self.returned: Callable[[int], None] = self._nobody
        self.begun: Callable[[list[int]], None] = self._unknown
        self._reactor = reactor
        self._ids = self.ffi.new("uint64_t[]", _RETURNS)
        self._pump: Any = None
        self._workers: list[Worker] = []

    @property
    def descriptors(self) -> int:
        """How many they have, for themselves: one together, two each."""
        return 1 + 2 * self.count

    def _nobody(self, session_id: int) -> None:
        """Until somebody lends sessions."""

    def _unknown(self, threads: list[int]) -> None:
        """Until somebody wants to know."""

    def lend(self, session: Any) -> Worker | None:
        """Give ``session`` to the thread with the fewest; None if the system has no room for it."""
        self.begin()
        if not self._workers:
            return None
        worker = min(self._workers, key=lambda each: each.load)
        if self.lib.session_lend(session, worker.handle):
            return None
        worker.load += 1
        return worker

    def begin(self) -> None:
        """Begin the threads, unless they run; not before the process is what it will be: threads do not outlive a fork.

        Without descriptors or memory for them nothing happens.
        """
        lib, null = self.lib, self.ffi.NULL
        if self._pump is not None:
            return
        pump = lib.pump_new()
        if pump == null:
            return
        handles = [handle for handle in (lib.thread_new(pump) for _ in range(self.count)) if handle != null]
        if not handles:
            lib.pump_free(pump)
            return
        self._pump = pump
        self._workers = [Worker(lib, handle, number) for number, handle in enumerate(handles)]
        self._reactor.addReader(self)
        ids = [worker.thread.native_id for worker in self._workers if worker.thread.native_id]
        for thread_id in ids:
            lib.shorten_turns(thread_id)
        self.begun(ids)

    def stop(self) -> None:
        """End the threads; no session may be lent any more."""
        if self._pump is None:
            return
        self._reactor.removeReader(self)
        for worker in self._workers:
            self.lib.thread_stop(worker.handle)
        for worker in self._workers:
            worker.thread.join()
            self.lib.thread_free(worker.handle)
        self.lib.pump_free(self._pump)
        self._workers = []
        self._pump = None

    def fileno(self) -> int:
        """For the reactor."""
        return -1 if self._pump is None else int(self.lib.pump_descriptor(self._pump))

    def doRead(self) -> None:
        """Take back those that were parked; the rest in the next turn."""
        for i in range(self.lib.pump_take(self._pump, self._ids, _RETURNS)):
            self.returned(int(self._ids[i]))

    def connectionLost(self, reason: Failure) -> None:
        """The reactor ends."""

    def logPrefix(self) -> str:
        """See ILoggingContext."""
        return "pump"
