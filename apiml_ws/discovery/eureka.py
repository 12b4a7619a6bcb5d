"""The registry client: keeps the directory at what a Eureka registry says.

Servers are asked in turn, beginning with the one that answered last.  Whatever goes wrong, what was read last stays: an
answer that is late, too long, not Eureka's, or without a single usable instance counts as none, and the next server is
asked.  Gateways do not count as usable instances: after a restart of the registry they are often the first to be back.
Only a registry that lists nothing at the very first read is believed, if there is no backup either: then there is
nothing to lose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import random as any_number
from typing import Final

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from apiml_ws.core.directory import Directory
from apiml_ws.core.registry import EMPTY, snapshot
from apiml_ws.discovery.backoff import Backoff
from apiml_ws.discovery.backup import Backup
from apiml_ws.discovery.belief import Belief
from apiml_ws.discovery.calls import CallError, Calls
from apiml_ws.discovery.pause import Pause
from apiml_ws.discovery.reading import Read, Reader
from apiml_ws.discovery.servers import Server, Turn
from apiml_ws.discovery.usable import Omissions, is_usable, usable
from apiml_ws.discovery.wire import WireError

#: The answer was one of Eureka, but listed no instance that could be dialled.
NOTHING_USABLE: Final = "no usable instance"

#: Seconds from the start of one fetch to the start of the next at least, however often one is asked for.
SPACING: Final = 1.0

#: Seconds until the next attempt after the first one that failed.
FIRST_RETRY: Final = 1.0


class EurekaClient(Service):
    """Reads the registry at ``urls`` every ``interval`` seconds, counted from the end of one fetch to the start of the next.

    ``source`` is its name in ``directory``, ``own`` the lower-case service id of gateways.  One fetch runs at a time.
    After a failure it comes sooner, backing off up to the interval; ``random`` gives numbers from 0 up to 1.
    """

    _log = Logger()

    def __init__(
        self,
        urls: Iterable[str],
        calls: Calls,
        clock: IReactorTime,
        directory: Directory,
        source: str = "eureka",
        interval: float = 30.0,
        *,
        own: str = "",
        backup: Backup | None = None,
        random: Callable[[], float] = any_number,
    ) -> None:
        self._turn = Turn(urls, clock.seconds)
        self._reader = Reader(calls, clock.seconds)
        self._belief = Belief(clock.seconds)
        self._backup = self._untried = backup
        self._backoff = Backoff(random, FIRST_RETRY, interval)
        self._clock = clock
        self._directory = directory
        self._source = source
        self._own = own
        self._interval = interval
        self._omissions = Omissions(source)
        self._pause = Pause(clock)
        self._waiting: list[Deferred[None]] = []
        self._polling: Deferred[None] | None = None
        self._state = ""
        self._nothing_to_lose = True

    def startService(self) -> None:
        """Fetch at once, then at the interval."""
        super().startService()
        self._polling = Deferred.fromCoroutine(self._poll())
        self._polling.addErrback(lambda failure: failure.trap(CancelledError) and None)

    def stopService(self) -> Deferred[None] | None:
        """Give up what is under way; fires when it is gone, and the backup is on disk."""
        super().stopService()
        polling, self._polling = self._polling, None
        if polling is not None:
            polling.cancel()
        _release(self._waiting)
        return polling if self._backup is None else self._backup.flush()

    def fetch_now(self) -> Deferred[None]:
        """Fetch without waiting for the interval; fires when a fetch that began after this call is done, well or not.

        However many ask, fetches are :data:`SPACING` apart.
        """
        if self._polling is None:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._waiting.append(done)
        self._pause.end()
        return done

    async def _poll(self) -> None:
        # Who is told of a fetch may stop us within it, when there is nothing to cancel.
        while self.running:
            begun = self._clock.seconds()
            asked, self._waiting = self._waiting, []
            pause = await self._fetch_for(asked)
            if self.running and not self._waiting:
                await self._pause.seconds(pause)
            rest = begun + SPACING - self._clock.seconds()
            if self.running and rest > 0:
                await deferLater(self._clock, rest)

    async def _fetch_for(self, asked: list[Deferred[None]]) -> float:
        """Seconds until the next fetch."""
        try:
            if await self._fetch():
                self._backoff.succeeded()
                return self._interval
        except CancelledError:
            raise
        except Exception:
            self._log.failure("Registry {source} cannot be read", source=self._source)
        finally:
            _release(asked)
        return self._backoff.failed()

    async def _fetch(self) -> bool:
        """Whether any server said what could be taken."""
        troubles: list[str] = []
        for server in self._turn.order():
            trouble = await self._read(server)
            if trouble is None:
                self._turn.answered(server)
                self._note(server.base, troubles)
                return True
            self._reader.doubt(server)
            troubles.append(f"{server.base}: {trouble}")
        self._note("", troubles)
        if self._nothing_to_lose:
            self._make_do(troubles)
        return False

    async def _read(self, server: Server) -> str | None:
        """Why what ``server`` says was not taken; None if it was."""
        try:
            read = await self._reader.read(server)
        except (CallError, WireError) as error:
            return str(error)
        return self._take(read)

    def _take(self, read: Read) -> str | None:
        if not self._lists_services(read):
            self._omissions.note((*read.left_out, *usable(read.listing.values())[1]))
            return NOTHING_USABLE
        self._nothing_to_lose = False
        if self._belief.take(read) or read.left_out:
            self._apply(read)
        else:
            self._directory.confirm(self._source)
        if self._backup is not None:
            self._backup.keep(self._belief.registrations)
        return None

    def _lists_services(self, read: Read) -> bool:
        others = (each for each in read.listing.values() if each.app.lower() != self._own)
        return any(is_usable(each) for each in others)

    def _apply(self, read: Read) -> None:
        instances, left_out = usable(self._belief.registrations)
        self._omissions.note((*read.left_out, *left_out))
        self._directory.update(self._source, snapshot(instances))

    def _make_do(self, troubles: list[str]) -> None:
        """Nothing was ever read: the backup stands in, or a registry that lists nothing is believed."""
        untried, self._untried = self._untried, None
        restored = None if untried is None else untried.restore()
        if restored is not None:
            registrations, age = restored
            self._nothing_to_lose = False
            self._belief.begin_with(registrations)
            self._directory.restore(self._source, snapshot(usable(registrations)[0]), age)
        elif any(trouble.endswith(NOTHING_USABLE) for trouble in troubles):
            self._directory.update(self._source, EMPTY)

    def _note(self, server: str, troubles: list[str]) -> None:
        """One line of log whenever another server answers, or none, or for another reason."""
        state = server or "; ".join(troubles)
        if state == self._state:
            return
        self._state = state
        if server:
            self._log.info("Registry {source} is read from {server}", source=self._source, server=server)
        else:
            self._log.warn("Registry {source} cannot be read: {reason}", source=self._source, reason=state)


def _release(waiting: list[Deferred[None]]) -> None:
    released = tuple(waiting)
    waiting.clear()
    for each in released:
        each.callback(None)
