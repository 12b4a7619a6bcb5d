"""The registry client: keeps the directory at what a Eureka registry says.

Servers are asked in turn, beginning with the one that answered last.  Whatever goes wrong, what was read last stays: an
answer that is late, too long, not Eureka's, or without a single usable instance counts as none, and the next server is
asked.  Only a registry that lists nothing at the very first read is believed, since then there is nothing to lose.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from apiml_ws.core.directory import Directory
from apiml_ws.core.registry import EMPTY, snapshot
from apiml_ws.discovery.calls import CallError, Calls
from apiml_ws.discovery.pause import Pause
from apiml_ws.discovery.servers import Server, Turn
from apiml_ws.discovery.usable import Omissions, usable
from apiml_ws.discovery.wire import WireError, read_answer

#: The answer was one of Eureka, but listed no instance that could be dialled.
NOTHING_USABLE: Final = "no usable instance"


class EurekaClient(Service):
    """Reads the registry at ``urls`` every ``interval`` seconds, counted from the end of one fetch to the start of the next.

    ``source`` is its name in ``directory``.  One fetch runs at a time.
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
    ) -> None:
        self._turn = Turn(urls)
        self._calls = calls
        self._directory = directory
        self._source = source
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
        """Give up what is under way; fires when it is gone."""
        super().stopService()
        polling, self._polling = self._polling, None
        if polling is not None:
            polling.cancel()
        _release(self._waiting)
        return polling

    def fetch_now(self) -> Deferred[None]:
        """Fetch without waiting for the interval; fires when a fetch that began after this call is done, well or not."""
        if self._polling is None:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._waiting.append(done)
        self._pause.end()
        return done

    async def _poll(self) -> None:
        # Who is told of a fetch may stop us within it, when there is nothing to cancel.
        while self.running:
            asked, self._waiting = self._waiting, []
            await self._fetch_for(asked)
            if self.running and not self._waiting:
                await self._pause.seconds(self._interval)

    async def _fetch_for(self, asked: list[Deferred[None]]) -> None:
        try:
            await self._fetch()
        except CancelledError:
            raise
        except Exception:
            self._log.failure("Registry {source} cannot be read", source=self._source)
        finally:
            _release(asked)

    async def _fetch(self) -> None:
        troubles: list[str] = []
        for server in self._turn.order():
            trouble = await self._read(server)
            if trouble is None:
                self._turn.answered(server)
                self._note(server.base, troubles)
                return
            troubles.append(f"{server.base}: {trouble}")
        if self._nothing_to_lose and any(trouble.endswith(NOTHING_USABLE) for trouble in troubles):
            self._directory.update(self._source, EMPTY)
        self._note("", troubles)

    async def _read(self, server: Server) -> str | None:
        """Why what ``server`` says was not taken; None if it was."""
        try:
            answer = read_answer(await self._calls.call(server, "GET", "apps"))
        except (CallError, WireError) as error:
            return str(error)
        instances, left_out = usable(answer.registrations)
        self._omissions.note((*answer.left_out, *left_out))
        if not instances:
            return NOTHING_USABLE
        self._nothing_to_lose = False
        self._directory.update(self._source, snapshot(instances))
        return None

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
