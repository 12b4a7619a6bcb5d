"""Slow start: what keeps an instance that has few sessions only because it is new from getting all that open.

Sessions are long.  Where the one with the fewest gets the next, an instance that joins others with 1,000 each would get the
next 1,000, just when its caches are cold; and a window of time would only put that off, to the end of the window.  So an
instance that joins is taken to have as many as the others have on average: the difference is its handicap.  With it, it
gets its fair share.  Every session that is opened at the service takes a part of one off each handicap (1 / 2n with n
instances), so that the newcomer gets about half as much again as its share (5/8 of the sessions with two instances, 4/9 with
three) until it has as many as the others, whatever the rate of sessions and however long nothing was opened.

New is also who lost sessions, since it may have been started again without the registry's knowing, and who can be dialled
again after a while in which it could not.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Final

from apiml_ws.core.registry import Instance, Service, Snapshot

#: What one opening takes off the handicaps of a service, shared by its instances.
_EASE: Final = 0.5


class Newcomers:
    """The handicaps, in sessions, of instances by service; an instance is known from when :meth:`levels` first saw it."""

    def __init__(self) -> None:
        self._handicaps: dict[str, dict[str, float]] = {}

    def levels(self, service: Service, counts: Mapping[str, int]) -> Mapping[str, float]:
        """What the instances of ``counts``, all that are UP, are taken to have, by instance id.

        None is taken to have more than the fullest has: when the sessions of the others end, a newcomer does not wait.
        """
        known = self._handicaps.setdefault(service.service_id, {})
        fullest = max(counts.values(), default=0)
        if counts.keys() - known.keys():
            settled = [count + known[each] for each, count in counts.items() if each in known]
            usual = fmean(settled) if settled else fullest
            known.update({each: max(0, usual - count) for each, count in counts.items() if each not in known})
        return {each: min(count + known[each], fullest) for each, count in counts.items()}

    def ease(self, service: Service) -> None:
        """A session was opened at ``service``."""
        known = self._handicaps[service.service_id]
        for each, handicap in known.items():
            known[each] = max(0, handicap - _EASE / len(known))

    def renew(self, instance: Instance) -> None:
        """From now ``instance`` is new."""
        self._handicaps.get(instance.service_id, {}).pop(instance.instance_id, None)

    def retain(self, snapshot: Snapshot) -> None:
        """Forget those that are not UP in ``snapshot``: if they come back, they are new."""
        up = {
            service_id: {each.instance_id for each in snapshot.services[service_id].up}
            for service_id in self._handicaps.keys() & snapshot.services.keys()
        }
        self._handicaps = {
            service_id: {each: handicap for each, handicap in self._handicaps[service_id].items() if each in ids}
            for service_id, ids in up.items()
        }

    def __len__(self) -> int:
        """How many instances are known."""
        return sum(map(len, self._handicaps.values()))
