"""The leases of the embedded registry: who registered, until when it counts, and what changed of late.

Follows Netflix's Eureka server in all that clients can see, with three things done better: a lease ends one duration
after its last renewal (there: two), a change is seen at once (there: up to 30 s later), and what expired goes at once
(there: 15 % of the registry at a time).  Pure: time is given, nothing is scheduled; call :meth:`Leases.expire` often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Final

from apiml_ws.core.registry import Status
from apiml_ws.discovery.registration import Action, Registration
from apiml_ws.discovery.wire import hashcode

#: Seconds for which a change is told in a delta.
DELTA_RETENTION: Final = 180.0

#: An application's upper-case name and an instance's id.
Key = tuple[str, str]


class Renewal(Enum):
    """How a renewal went."""

    DONE = "done"
    REGISTER_AGAIN = "register again"
    OUTDATED = "outdated"


@dataclass(slots=True)
class _Lease:
    """An instance under lease; times are seconds of the store's clock.

    ``said`` is the status that the instance registered with, ``override`` the one that an operator put over it.
    """

    registration: Registration
    renewed: float
    said: Status
    override: Status | None = None

    @property
    def ends(self) -> float:
        return self.renewed + self.registration.lease.duration


class Leases:
    """All leases.

    ``seconds`` is a monotonic clock for the ends of leases, ``milliseconds`` the time since 1970 for what is told of them.
    ``changed`` is called after each change that others can see but the time of a renewal.
    """

    def __init__(
        self,
        seconds: Callable[[], float],
        milliseconds: Callable[[], int],
        changed: Callable[[], object] = lambda: None,
    ) -> None:
        self._seconds = seconds
        self._milliseconds = milliseconds
        self._changed = changed
        self._leases: dict[Key, _Lease] = {}
        self._recent: dict[Key, tuple[float, Registration]] = {}
        self._version = 1

    def register(self, registration: Registration) -> None:
        """Take an instance in, or in place of what it said before.

        One that is older than what is known, by ``last_dirty``, changes nothing but renews the lease.  An override of an
        operator stays over an instance that says UP or OUT_OF_SERVICE.
        """
        key = _key(registration.app, registration.key)
        dirty = registration.last_dirty or self._milliseconds()
        known = self._leases.get(key)
        if known is not None and known.registration.last_dirty > dirty:
            self._renew(known)
            return
        override = known.override if known else None
        if override is None and registration.overridden_status is not Status.UNKNOWN:
            override = registration.overridden_status
        lease = _Lease(replace(registration, last_dirty=dirty), self._seconds(), registration.status, override)
        self._leases[key] = lease
        up_since = known.registration.lease.service_up_at if known else 0
        self._note(key, lease, self._fresh(lease, up_since), Action.ADDED)

    def _fresh(self, lease: _Lease, up_since: int) -> Registration:
        now, status = self._milliseconds(), _effective(lease)
        times = replace(
            lease.registration.lease,
            registered_at=now,
            last_renewal_at=now,
            evicted_at=0,
            service_up_at=up_since or (now if status is Status.UP else 0),
        )
        overridden = lease.override or Status.UNKNOWN
        return replace(lease.registration, lease=times, status=status, overridden_status=overridden)

    def renew(self, app: str, instance_id: str, last_dirty: int | None = None) -> Renewal:
        """Renew a lease.

        An unknown instance, one whose status is UNKNOWN (an override was taken from it) and one that knows something
        newer of itself than it registered with have to register again; one that knows something older is OUTDATED, though
        renewed: only another registry would want to know.
        """
        lease = self._leases.get(_key(app, instance_id))
        if lease is None or lease.registration.status is Status.UNKNOWN:
            return Renewal.REGISTER_AGAIN
        known = lease.registration.last_dirty
        if last_dirty is not None and last_dirty > known:
            return Renewal.REGISTER_AGAIN
        self._renew(lease)
        return Renewal.OUTDATED if last_dirty is not None and last_dirty < known else Renewal.DONE

    def _renew(self, lease: _Lease) -> None:
        lease.renewed = self._seconds()
        times = replace(lease.registration.lease, last_renewal_at=self._milliseconds())
        lease.registration = replace(lease.registration, lease=times)

    def cancel(self, app: str, instance_id: str) -> bool:
        """End a lease; whether there was one."""
        return self._remove(_key(app, instance_id))

    def override(self, app: str, instance_id: str, status: Status, last_dirty: int = 0) -> bool:
        """Put ``status`` over what the instance says, until :meth:`clear_override`; whether it is known."""
        key = _key(app, instance_id)
        lease = self._leases.get(key)
        if lease is None:
            return False
        lease.override = status
        self._renew(lease)
        self._restate(key, lease, status, max(last_dirty, lease.registration.last_dirty))
        return True

    def clear_override(self, app: str, instance_id: str, status: Status = Status.UNKNOWN) -> bool:
        """Take an override away; ``status`` is in force until the instance registers again.

        Whether the instance is known; without an override nothing changes.
        """
        key = _key(app, instance_id)
        lease = self._leases.get(key)
        if lease is None:
            return False
        self._renew(lease)
        if lease.override is not None:
            lease.override = None
            self._restate(key, lease, status, lease.registration.last_dirty)
        return True

    def _restate(self, key: Key, lease: _Lease, status: Status, last_dirty: int) -> None:
        overridden = lease.override or Status.UNKNOWN
        news = replace(lease.registration, status=status, overridden_status=overridden, last_dirty=last_dirty)
        self._note(key, lease, news, Action.MODIFIED)

    def amend(self, app: str, instance_id: str, metadata: Mapping[str, str]) -> bool:
        """Add ``metadata`` to that of an instance; whether it is known."""
        key = _key(app, instance_id)
        lease = self._leases.get(key)
        if lease is None:
            return False
        merged = MappingProxyType({**lease.registration.metadata, **metadata})
        self._note(key, lease, replace(lease.registration, metadata=merged), Action.MODIFIED)
        return True

    def expire(self) -> tuple[Registration, ...]:
        """Remove the leases that ended, and return them; forget changes that no delta tells any more."""
        now = self._seconds()
        ended = [(key, lease.registration) for key, lease in self._leases.items() if lease.ends <= now]
        for key, _ in ended:
            self._remove(key)
        self._forget(now)
        return tuple(registration for _, registration in ended)

    def _forget(self, now: float) -> None:
        for key, (when, _) in tuple(self._recent.items()):
            if when + DELTA_RETENTION <= now:
                del self._recent[key]

    def _remove(self, key: Key) -> bool:
        lease = self._leases.pop(key, None)
        if lease is not None:
            self._note(key, lease, lease.registration, Action.DELETED)
        return lease is not None

    def _note(self, key: Key, lease: _Lease, news: Registration, action: Action) -> None:
        lease.registration = replace(news, action=action, last_updated=self._milliseconds())
        self._recent.pop(key, None)
        self._recent[key] = (self._seconds(), lease.registration)
        self._version += 1
        self._changed()

    def __iter__(self) -> Iterator[Registration]:
        return (lease.registration for lease in self._leases.values())

    @property
    def version(self) -> int:
        """Grows with each change."""
        return self._version

    @property
    def hashcode(self) -> str:
        """``apps__hashcode`` of the whole registry."""
        return hashcode(registration.status for registration in self)

    def delta(self) -> tuple[Registration, ...]:
        """What changed within :data:`DELTA_RETENTION`, each instance once, in the order of the changes."""
        self._forget(self._seconds())
        return tuple(registration for _, registration in self._recent.values())

    def application(self, app: str) -> tuple[Registration, ...]:
        """The instances of an application, whatever the case of its name."""
        return tuple(each for each in self if each.app.upper() == app.upper())

    def instance(self, app: str, instance_id: str) -> Registration | None:
        """One instance of an application; ids match exactly."""
        lease = self._leases.get(_key(app, instance_id))
        return lease.registration if lease else None

    def by_id(self, instance_id: str) -> Registration | None:
        """One instance of whatever application."""
        return next((each for each in self if each.key == instance_id), None)

    def by_address(self, member: str, address: str) -> tuple[Registration, ...]:
        """The instances with the virtual address ``address``; ``member`` is ``vipAddress`` or ``secureVipAddress``."""
        return tuple(each for each in self if address in each.texts.get(member, "").split(","))


def _key(app: str, instance_id: str) -> Key:
    return app.upper(), instance_id


def _effective(lease: _Lease) -> Status:
    if lease.override is not None and lease.said in (Status.UP, Status.OUT_OF_SERVICE):
        return lease.override
    return lease.said
