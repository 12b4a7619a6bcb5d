"""Which instance a user was at, for services that want their users to come back there (``authentication``).

A session that was opened is what is remembered, so that a name that a service does not accept changes nothing.  While a
user's first session is dialled, others of the same user go where it goes: pages open several at once.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from apiml_ws.core.registry import Instance

#: How many are remembered; beyond it the ones that were not asked for longest are forgotten.
RECORDS: Final = 50_000
#: The key in the metadata of a service: whole hours that a record holds, from when it was made.
EXPIRATION: Final = "apiml.lb.cacheRecordExpirationTimeInHours"
_HOURS: Final = re.compile(r"[0-9]{1,6}")
_DEFAULT_HOURS: Final = 8
_HOUR: Final = 3600.0

#: Service id and user.
_Key = tuple[str, str]


class _Record(NamedTuple):
    instance_id: str
    expires: float


def lifetime(metadata: Mapping[str, str]) -> float:
    """Seconds that a record of the service of ``metadata`` holds; what makes no sense there counts as absent."""
    text = metadata.get(EXPIRATION, "").strip()
    return _HOUR * (int(text) if _HOURS.fullmatch(text) else _DEFAULT_HOURS)


class Stickiness:
    """The records, in memory, ``size`` at most; ``seconds`` tells the time."""

    def __init__(self, seconds: Callable[[], float], size: int = RECORDS) -> None:
        self._seconds = seconds
        self._size = size
        self._records: OrderedDict[_Key, _Record] = OrderedDict()
        self._pins: dict[_Key, list[str]] = {}

    def among(self, candidates: Sequence[Instance], service_id: str, user: str) -> Instance | None:
        """The one that ``user`` is going to or was at last; None if that is none of ``candidates``."""
        by_id = {each.instance_id: each for each in candidates}
        return next((by_id[each] for each in self._known((service_id, user)) if each in by_id), None)

    def pin(self, instance: Instance, user: str, lifetime: float) -> Pin:
        """``user`` is going to ``instance``; to be kept for ``lifetime`` seconds if it gets there."""
        return Pin(self, (instance.service_id, user), instance.instance_id, lifetime)

    def __len__(self) -> int:
        """How many records there are, and users under way."""
        return len(self._records) + len(self._pins)

    def _known(self, key: _Key) -> Iterator[str]:
        yield from reversed(self._pins.get(key, ()))
        record = self._records.get(key)
        if record is not None and record.expires > self._seconds():
            self._records.move_to_end(key)
            yield record.instance_id

    def begin(self, key: _Key, instance_id: str) -> None:
        """Somebody is under way."""
        self._pins.setdefault(key, []).append(instance_id)

    def end(self, key: _Key, instance_id: str) -> None:
        """Nobody is."""
        self._pins[key].remove(instance_id)
        if not self._pins[key]:
            del self._pins[key]

    def remember(self, key: _Key, instance_id: str, lifetime: float) -> None:
        """Somebody got there.  A record that says so already is left to its time."""
        record = self._records.get(key)
        now = self._seconds()
        if record is None or record.instance_id != instance_id or record.expires <= now:
            self._records[key] = _Record(instance_id, now + lifetime)
        self._records.move_to_end(key)
        if len(self._records) > self._size:
            self._records.popitem(last=False)


class Pin:
    """One user's way to an instance; ended once."""

    __slots__ = ("_instance_id", "_key", "_lifetime", "_stickiness")

    def __init__(self, stickiness: Stickiness, key: _Key, instance_id: str, lifetime: float) -> None:
        self._stickiness = stickiness
        self._key = key
        self._instance_id = instance_id
        self._lifetime = lifetime
        stickiness.begin(key, instance_id)

    def keep(self) -> None:
        """There is a session."""
        self.drop()
        self._stickiness.remember(self._key, self._instance_id, self._lifetime)

    def drop(self) -> None:
        """There is none."""
        self._stickiness.end(self._key, self._instance_id)
