"""Host names looked up, by the reactor's resolver, and remembered for a moment.

Sessions to one service come in crowds, and a look-up takes a thread.  Answers are kept for as long as it takes a crowd to
come in; what could not be found is asked for again each time.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Protocol

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer

from apiml_ws.core.interfaces import Clock

#: Seconds that an answer holds.
LIFETIME: Final = 5.0

#: A family of addresses, and an address of it as text.
Address = tuple[socket.AddressFamily, str]
#: Hears what was found; nothing when there is no such host.
Found = Callable[[tuple[Address, ...]], object]


class Asking(Protocol):
    """A look-up under way."""

    def cancel(self) -> None:
        """Tell nothing any more."""


class Names:
    """The addresses of hosts, by ``resolver`` unless they are known or addresses themselves."""

    def __init__(self, resolver: IHostnameResolver, clock: Clock) -> None:
        self._resolver = resolver
        self._clock = clock
        self._known: dict[str, tuple[Address, ...]] = {}
        self._under_way: dict[str, _LookUp] = {}

    def look_up(self, host: str, found: Found) -> Asking | None:
        """Have ``found`` told of the addresses of ``host``: at once, and None is returned, or later."""
        known = literal(host) or self._known.get(host)
        if known is None and not _is_name(host):
            known = ()
        if known is not None:
            found(known)
            return None
        under_way = self._under_way.get(host)
        if under_way is None:
            under_way = self._under_way[host] = _LookUp(lambda addresses: self._answered(host, addresses))
            asked = _Asked(under_way, found)
            self._resolver.resolveHostName(under_way, host)
        else:
            asked = _Asked(under_way, found)
        return asked

    def _answered(self, host: str, addresses: tuple[Address, ...]) -> None:
        del self._under_way[host]
        if addresses:
            self._known[host] = addresses
            self._clock.callLater(LIFETIME, self._known.pop, host, None)


@implementer(IResolutionReceiver)
class _LookUp:
    """One question to the resolver, for all who ask the same meanwhile."""

    def __init__(self, answered: Found) -> None:
        self._answered = answered
        self._addresses: list[Address] = []
        self.askers: dict[_Asked, Found] = {}

    def resolutionBegan(self, resolution: IHostResolution) -> None:
        """It is under way."""

    def addressResolved(self, address: IAddress) -> None:
        """One was found."""
        if isinstance(address, IPv4Address | IPv6Address):
            family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
            self._addresses.append((family, address.host))

    def resolutionComplete(self) -> None:
        """That was all."""
        addresses = tuple(dict.fromkeys(self._addresses))
        self._answered(addresses)
        for found in tuple(self.askers.values()):
            found(addresses)


class _Asked:
    """One who asks."""

    __slots__ = ("_look_up",)

    def __init__(self, look_up: _LookUp, found: Found) -> None:
        self._look_up = look_up
        look_up.askers[self] = found

    def cancel(self) -> None:
        self._look_up.askers.pop(self, None)


@lru_cache(maxsize=1024)
def literal(host: str) -> tuple[Address, ...] | None:
    """The address that ``host`` is, None when it is a name."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host)
    except (OSError, ValueError):
        return None
    return ((family, host),)


def _is_name(host: str) -> bool:
    """Whether a resolver can be asked for it: labels that are not empty and not longer than 63 bytes (RFC 1035)."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return bool(host)
