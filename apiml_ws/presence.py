"""The gateway's own place in the registries, from the opening of its port to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any, Final, Protocol

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from apiml_ws.core.config import Config
from apiml_ws.core.directory import Directory
from apiml_ws.core.registry import Status
from apiml_ws.discovery.gateway_instance import gateway_registration
from apiml_ws.discovery.registration import Registration

#: Seconds that finding out what the own host name stands for may take.
RESOLVE_TIMEOUT: Final = 5.0

#: What is said of an address that cannot be found out.
_LOOPBACK: Final = "127.0.0.1"


class Keeper(Protocol):
    """What is asked of :class:`apiml_ws.discovery.lease.LeaseKeeper`."""

    def startService(self) -> None:
        """Register."""

    def say(self, status: Status) -> None:
        """Register with another status."""

    def withdraw(self) -> Deferred[None]:
        """Take it out of service."""

    def stopService(self) -> Deferred[None]:
        """Cancel the registration."""


class Presence:
    """Registers the gateway with all that ``keepers`` gives: STARTING until it knows routes, then UP.

    ``resolve`` finds the address of a host name.
    """

    _log = Logger()

    def __init__(
        self,
        config: Config,
        directory: Directory,
        keepers: Callable[[Registration], Iterable[Keeper]],
        resolve: Callable[[str], Deferred[str]],
        clock: IReactorTime,
    ) -> None:
        self._config = config
        self._directory = directory
        self._new_keepers = keepers
        self._resolve = resolve
        self._clock = clock
        self._keepers: tuple[Keeper, ...] = ()
        self._announcing: Deferred[None] | None = None
        self._withdrawn = False

    def announce(self, port: int) -> None:
        """The gateway can be reached at ``port``."""
        self._announcing = Deferred.fromCoroutine(self._announce(port))
        self._announcing.addErrback(lambda failure: failure.trap(CancelledError) and None)

    async def _announce(self, port: int) -> None:
        address = await self._own_address()
        status = Status.UP if self._directory.ready else Status.STARTING
        said = gateway_registration(self._config, port, address, status)
        self._keepers = tuple(self._new_keepers(said))
        for keeper in self._keepers:
            keeper.startService()
        self._directory.when_ready(self._up)

    async def _own_address(self) -> str:
        if _is_one_address(self._config.address):
            return self._config.address
        try:
            return await self._resolve(self._config.hostname).addTimeout(RESOLVE_TIMEOUT, self._clock)
        except CancelledError:
            raise
        except Exception as error:
            self._log.warn(
                "The address of {host} is not known ({reason}), and registered as {address}",
                host=self._config.hostname,
                reason=type(error).__name__,
                address=_LOOPBACK,
            )
            return _LOOPBACK

    def _up(self) -> None:
        if not self._withdrawn:
            for keeper in self._keepers:
                keeper.say(Status.UP)

    def withdraw(self) -> Deferred[Any]:
        """Take the gateway out of service, so that nobody is sent to it any more; fires when all know, or took too long."""
        self._withdrawn = True
        if self._announcing is not None:
            self._announcing.cancel()
        return DeferredList([keeper.withdraw() for keeper in self._keepers])

    def leave(self) -> Deferred[Any]:
        """Cancel all registrations; fires when all know, or took too long."""
        keepers, self._keepers = self._keepers, ()
        return DeferredList([keeper.stopService() for keeper in keepers])


def _is_one_address(host: str) -> bool:
    try:
        return not ip_address(host).is_unspecified
    except ValueError:
        return False
