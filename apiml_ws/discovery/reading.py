"""What a registry lists, read by deltas where that is possible, and whole where it is not.

A delta goes on from what the same server said shortly before.  It is not trusted further than its hash: when the hash
of the result is another, or anything else is in doubt, all is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apiml_ws.discovery.calls import CallError, Calls
from apiml_ws.discovery.deltas import Key, Listing, applied, ended, hash_of, listing
from apiml_ws.discovery.registration import LeftOut
from apiml_ws.discovery.servers import Server
from apiml_ws.discovery.wire import Answer, WireError, read_answer

#: A server tells a change for at least 180 s; whoever read it longer ago than this many seconds reads all, since the
#: hash alone does not tell an instance that was replaced by another one.
DELTA_AGE: Final = 150.0


@dataclass(frozen=True, slots=True)
class Read:
    """What a server lists now, and what of it makes no sense.

    ``ended`` are instances that it said are gone.  ``steady``: it goes on from what it said before, so that who is
    missing is gone; otherwise it is another server, or it may have lost its memory.
    """

    listing: Listing
    left_out: tuple[LeftOut, ...] = ()
    ended: frozenset[Key] = frozenset()
    steady: bool = False


@dataclass(frozen=True, slots=True)
class _Last:
    """What was read last; ``version`` is that of the newest delta, None without one."""

    server: Server
    listing: Listing
    at: float
    version: int | None = None


class Reader:
    """Reads servers through ``calls``; ``seconds`` is a monotonic clock."""

    def __init__(self, calls: Calls, seconds: Callable[[], float]) -> None:
        self._calls = calls
        self._seconds = seconds
        self._last: _Last | None = None

    async def read(self, server: Server) -> Read:
        """What ``server`` lists.

        :raises CallError: it did not answer, or not as it should.
        :raises WireError: its answer is none of Eureka's.
        """
        last = self._last if self._last is not None and self._last.server == server else None
        at = self._seconds()
        delta = await self._delta(server) if last is not None and at - last.at < DELTA_AGE else None
        read = _goes_on(last, delta)
        if read is None:
            read = await self._whole(server, last, delta)
        version = None if delta is None else _version(delta)
        self._last = _Last(server, read.listing, at, version)
        return read

    def doubt(self, server: Server) -> None:
        """What ``server`` said before may not hold any more: read it whole, as if for the first time."""
        if self._last is not None and self._last.server == server:
            self._last = None

    async def _delta(self, server: Server) -> Answer | None:
        """None from a server that has none: not every registry tells deltas, and one can be told not to."""
        try:
            return read_answer(await self._calls.call(server, "GET", "apps", "delta"))
        except WireError:
            return None
        except CallError as error:
            if not 400 <= error.status < 500:
                raise
            return None

    async def _whole(self, server: Server, last: _Last | None, delta: Answer | None) -> Read:
        answer = read_answer(await self._calls.call(server, "GET", "apps"))
        gone = frozenset() if delta is None else ended(delta.registrations)
        steady = last is not None and not _forgot(last, delta)
        return Read(listing(answer.registrations), answer.left_out, gone, steady)


def _goes_on(last: _Last | None, delta: Answer | None) -> Read | None:
    if last is None or delta is None or _forgot(last, delta):
        return None
    changed = applied(last.listing, delta.registrations)
    if hash_of(changed) != delta.hashcode:
        return None
    return Read(changed, delta.left_out, ended(delta.registrations), steady=True)


def _forgot(last: _Last, delta: Answer | None) -> bool:
    """The version of deltas grows as long as a server lives; less than before is another life of it."""
    version = None if delta is None else _version(delta)
    return last.version is not None and version is not None and version < last.version


def _version(answer: Answer) -> int | None:
    return int(answer.version) if answer.version.isascii() and answer.version.isdigit() else None
