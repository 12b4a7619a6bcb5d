"""Keeps one instance registered: registers, renews, registers again when the registry forgot or something changed.

At a stop it first :meth:`withdraws <LeaseKeeper.withdraw>` the instance, so that nobody is sent to it any more, and in
the end cancels the registration.  The former stays over registrations, so the first one after a start undoes it: a
process that was killed while it was withdrawn could not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from random import random as any_number
from typing import Final

from twisted.application.service import Service
from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from apiml_ws.core.registry import Status
from apiml_ws.discovery.backoff import Backoff
from apiml_ws.discovery.calls import CallError
from apiml_ws.discovery.entry import Asking, Entry
from apiml_ws.discovery.pause import Pause
from apiml_ws.discovery.registration import Registration
from apiml_ws.discovery.servers import Server, Turn

#: Seconds that a cancel may take at the stop; a registry that does not answer ends the lease by itself.
CANCEL_TIMEOUT: Final = 5.0

#: Seconds that sessions are kept waiting for the registry to know that the instance is out of service.
WITHDRAW_TIMEOUT: Final = 2.0

#: Seconds until the next attempt when no server took the registration, the first time.
FIRST_RETRY: Final = 1.0


class LeaseKeeper(Service):
    """Keeps ``registration`` at the registry behind ``urls``, renewed at its own ``lease.renewal_interval``.

    One server is enough, since they tell each other; when one fails, the next is tried, and when all do, the pauses grow.
    ``milliseconds`` gives the time since 1970, which the registration carries as its ``lastDirtyTimestamp``; ``random``
    gives numbers from 0 up to 1.
    """

    _log = Logger()

    def __init__(
        self,
        registration: Registration,
        urls: Iterable[str],
        asking: Asking,
        clock: IReactorTime,
        milliseconds: Callable[[], int],
        random: Callable[[], float] = any_number,
    ) -> None:
        self._said = registration
        self._known: Registration | None = None
        self._turn = Turn(urls, clock.seconds)
        self._entry = Entry(asking)
        self._clock = clock
        self._milliseconds = milliseconds
        self._backoff = Backoff(random, FIRST_RETRY, float(registration.lease.renewal_interval))
        self._pause = Pause(clock)
        self._keeping: Deferred[None] | None = None
        self._posted = False
        self._clean = False
        self._refused = False
        self._state = ""

    @property
    def registered(self) -> bool:
        """Whether a server has what the instance says now, as far as is known."""
        return self._known is self._said

    def startService(self) -> None:
        """Register at once, then renew at the interval."""
        super().startService()
        self._refused = self._clean = False
        self._known = None
        self._change(self._said.status)
        self._keeping = Deferred.fromCoroutine(self._keep())
        self._keeping.addErrback(lambda failure: failure.trap(CancelledError) and None)

    def say(self, status: Status) -> None:
        """Register with another status, at once."""
        if status is not self._said.status:
            self._change(status)
            self._pause.end()

    def _change(self, status: Status) -> None:
        dirty = max(self._milliseconds(), self._said.last_dirty + 1)
        self._said = replace(self._said, status=status, last_dirty=dirty)

    def withdraw(self) -> Deferred[None]:
        """Take the instance out of service; fires when the registry knows, or after :data:`WITHDRAW_TIMEOUT`.

        The lease is renewed until the stop.
        """
        if self._keeping is None or not self._posted:
            return succeed(None)
        withdrawn = replace(self._said, status=Status.OUT_OF_SERVICE)
        # While the override of a former life is being undone, this one may be undone with it: register again then.
        if self.registered and self._clean:
            self._known = withdrawn
        self._said = withdrawn
        return Deferred.fromCoroutine(self._within(WITHDRAW_TIMEOUT, self._override, "was not withdrawn"))

    def stopService(self) -> Deferred[None]:
        """Cancel the registration; fires when that is done, or after :data:`CANCEL_TIMEOUT` without an answer."""
        super().stopService()
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
        # Also after a registration whose answer did not come: the server may have it.
        posted, self._posted = self._posted, False
        self._known = None
        if not posted:
            return succeed(None)
        return Deferred.fromCoroutine(self._within(CANCEL_TIMEOUT, self._cancel, "was not cancelled"))

    # While it runs.

    async def _keep(self) -> None:
        while self.running and not self._refused:
            said = self._said
            pause = await self._turn_for(said)
            # What changed meanwhile is said at once, unless nobody listens.
            if said is self._said or self._known is not said:
                await self._pause.seconds(pause)

    async def _turn_for(self, said: Registration) -> float:
        """Seconds until the next turn."""
        try:
            if await self._turn_once(said):
                self._backoff.succeeded()
                return float(said.lease.renewal_interval)
        except CancelledError:
            raise
        except Exception:
            self._log.failure("Registration of {instance} failed", instance=said.key)
        return self._backoff.failed()

    async def _turn_once(self, said: Registration) -> bool:
        """Renew, or register if there is nothing to renew, with the first server that lets us; whether one did."""
        troubles: list[str] = []
        for server in self._turn.order():
            try:
                await self._keep_with(server, said)
            except CallError as error:
                troubles.append(f"{server.base}: {error}")
                if self._refused:
                    break
            else:
                self._turn.answered(server)
                self._note(server.base, [])
                return True
        self._note("", troubles)
        return False

    async def _keep_with(self, server: Server, said: Registration) -> None:
        if self._known is not said or not await self._renewed(server, said):
            await self._register(server, said)
        if not self._clean:
            await self._undo_override(server, said)

    async def _renewed(self, server: Server, said: Registration) -> bool:
        """False if the server does not know the instance."""
        try:
            await self._entry.renew(server, said)
        except CallError as error:
            if error.status != 404:
                raise
            return False
        return True

    async def _register(self, server: Server, said: Registration) -> None:
        self._posted = True
        try:
            await self._entry.register(server, said)
        except CallError as error:
            # What one server cannot read, none can.
            self._refused = error.status == 400
            raise
        self._known = said

    async def _undo_override(self, server: Server, said: Registration) -> None:
        try:
            await self._entry.undo_override(server, said)
        except CallError as error:
            if not error.status:
                raise
        self._clean = True

    # At the end.

    async def _override(self, server: Server) -> None:
        await self._entry.override(server, self._said, Status.OUT_OF_SERVICE)

    async def _cancel(self, server: Server) -> None:
        await self._entry.cancel(server, self._said)

    async def _within(self, timeout: float, change: Callable[[Server], Awaitable[None]], failed: str) -> None:
        try:
            await Deferred.fromCoroutine(self._with_any(change)).addTimeout(timeout, self._clock)
        except Exception as error:
            late = f"no answer in {timeout:.0f} s"
            reason = late if isinstance(error, defer.TimeoutError) else str(error) or type(error).__name__
            self._log.warn("{instance} {failed}: {reason}", instance=self._said.key, failed=failed, reason=reason)
        # The answer is still being read when this is resumed; what follows may end its connection.
        await deferLater(self._clock, 0)

    async def _with_any(self, change: Callable[[Server], Awaitable[None]]) -> None:
        """Make a change with the first server that answers; one that does not know the instance needs none."""
        trouble = CallError("no server")
        for server in self._turn.order():
            try:
                return await change(server)
            except CallError as error:
                if error.status == 404:
                    return None
                trouble = error
        raise trouble

    def _note(self, server: str, troubles: list[str]) -> None:
        """One line of log whenever another server has the registration, or none, or for another reason."""
        state = server or "; ".join(troubles)
        if state == self._state:
            return
        self._state = state
        fields = {"instance": self._said.key, "server": server, "reason": state}
        if server:
            self._log.info("{instance} is registered at {server}", **fields)
        elif self._refused:
            self._log.error("{instance} was refused and will not be registered: {reason}", **fields)
        else:
            self._log.warn("{instance} is not registered: {reason}", **fields)
