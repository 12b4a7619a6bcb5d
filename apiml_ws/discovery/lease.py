"""Keeps one instance registered: registers, renews, registers again when the registry forgot, cancels at the stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from apiml_ws.discovery.calls import CallError, Calls
from apiml_ws.discovery.pause import Pause
from apiml_ws.discovery.registration import Registration
from apiml_ws.discovery.servers import Server, Turn
from apiml_ws.discovery.wire_out import dumped, registration_body

#: Seconds that a cancel may take at the stop; a registry that does not answer ends the lease by itself.
CANCEL_TIMEOUT: Final = 5.0

#: Seconds until the next attempt when no server took the registration, or the interval of renewals if that is less.
RETRY_INTERVAL: Final = 10.0


class LeaseKeeper(Service):
    """Keeps ``registration`` at the registry behind ``urls``, renewed at its own ``lease.renewal_interval``.

    One server is enough, since they tell each other; when one fails, the next is tried.  ``milliseconds`` gives the time
    since 1970, which the registration carries as its ``lastDirtyTimestamp``.
    """

    _log = Logger()

    def __init__(
        self,
        registration: Registration,
        urls: Iterable[str],
        calls: Calls,
        clock: IReactorTime,
        milliseconds: Callable[[], int],
    ) -> None:
        self._registration = registration
        self._turn = Turn(urls)
        self._calls = calls
        self._clock = clock
        self._milliseconds = milliseconds
        self._pause = Pause(clock)
        self._keeping: Deferred[None] | None = None
        self._registered = False
        self._posted = False
        self._refused = False
        self._state = ""

    @property
    def registered(self) -> bool:
        """Whether a server has the registration, as far as is known."""
        return self._registered

    def startService(self) -> None:
        """Register at once, then renew at the interval."""
        super().startService()
        self._registration = replace(self._registration, last_dirty=self._milliseconds())
        self._refused = False
        self._keeping = Deferred.fromCoroutine(self._keep())
        self._keeping.addErrback(lambda failure: failure.trap(CancelledError) and None)

    def stopService(self) -> Deferred[None]:
        """Cancel the registration; fires when that is done, or after :data:`CANCEL_TIMEOUT` without an answer."""
        super().stopService()
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
        return Deferred.fromCoroutine(self._leave())

    async def _keep(self) -> None:
        while self.running and not self._refused:
            try:
                await self._turn_once()
            except CancelledError:
                raise
            except Exception:
                self._log.failure("Registration of {instance} failed", instance=self._registration.key)
            interval = float(self._registration.lease.renewal_interval)
            await self._pause.seconds(interval if self._registered else min(interval, RETRY_INTERVAL))

    async def _turn_once(self) -> None:
        """Renew, or register if there is nothing to renew, with the first server that lets us."""
        troubles: list[str] = []
        for server in self._turn.order():
            try:
                await self._keep_with(server)
            except CallError as error:
                troubles.append(f"{server.base}: {error}")
                if self._refused:
                    break
            else:
                self._turn.answered(server)
                self._note(server.base, [])
                return
        self._registered = False
        self._note("", troubles)

    async def _keep_with(self, server: Server) -> None:
        if self._registered:
            try:
                await self._renew(server)
            except CallError as error:
                if error.status != 404:
                    raise
            else:
                return
        await self._register(server)
        self._registered = True

    async def _register(self, server: Server) -> None:
        body = dumped(registration_body(self._registration))
        self._posted = True
        try:
            await self._calls.call(server, "POST", "apps", self._app, body=body)
        except CallError as error:
            # What one server cannot read, none can.
            self._refused = error.status == 400
            raise

    async def _renew(self, server: Server) -> None:
        registration = self._registration
        query = {"status": registration.status.value, "lastDirtyTimestamp": str(registration.last_dirty)}
        await self._calls.call(server, "PUT", "apps", self._app, registration.key, query=query)

    @property
    def _app(self) -> str:
        return self._registration.app.upper()

    async def _leave(self) -> None:
        # Also after a registration whose answer did not come: the server may have it.
        if not self._posted:
            return
        self._posted = self._registered = False
        try:
            await Deferred.fromCoroutine(self._cancel()).addTimeout(CANCEL_TIMEOUT, self._clock)
        except Exception as error:
            reason = str(error) or type(error).__name__
            self._log.warn("{instance} was not cancelled: {reason}", instance=self._registration.key, reason=reason)
        # The answer is still being read when this is resumed; what follows may end its connection.
        await deferLater(self._clock, 0)

    async def _cancel(self) -> None:
        server = self._turn.order()[0]
        try:
            await self._calls.call(server, "DELETE", "apps", self._app, self._registration.key)
        except CallError as error:
            if error.status != 404:
                raise

    def _note(self, server: str, troubles: list[str]) -> None:
        """One line of log whenever another server has the registration, or none, or for another reason."""
        state = server or "; ".join(troubles)
        if state == self._state:
            return
        self._state = state
        fields = {"instance": self._registration.key, "server": server, "reason": state}
        if server:
            self._log.info("{instance} is registered at {server}", **fields)
        elif self._refused:
            self._log.error("{instance} was refused and will not be registered: {reason}", **fields)
        else:
            self._log.warn("{instance} is not registered: {reason}", **fields)
