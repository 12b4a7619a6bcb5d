"""Eureka's deltas: what a registry lists now, from what it listed before and what it says has changed.

A server repeats a change for three minutes and more, so everything here may be applied again without harm.  Whether the
result is right is told by the hash that comes with a delta: that of the whole registry, over all statuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from apiml_ws.discovery.registration import Action, Registration
from apiml_ws.discovery.wire import hashcode

#: An application's upper-case name and an instance's id.
Key = tuple[str, str]

#: All instances of a registry.
Listing = Mapping[Key, Registration]

#: A registry without instances.
NOBODY: Final[Listing] = MappingProxyType({})


def key_of(registration: Registration) -> Key:
    """How a registry tells instances apart."""
    return registration.app.upper(), registration.key


def listing(registrations: Iterable[Registration]) -> Listing:
    """The instances of a full answer; of one that is there twice, the last counts."""
    return MappingProxyType({key_of(each): each for each in registrations})


def applied(known: Listing, delta: Iterable[Registration]) -> Listing:
    """``known`` with all of ``delta`` done; ``known`` itself if that changes nothing."""
    news = listing(delta)
    if all(_is_known(known, key, each) for key, each in news.items()):
        return known
    merged = {**known, **news}
    return MappingProxyType({key: each for key, each in merged.items() if each.action is not Action.DELETED})


def _is_known(known: Listing, key: Key, news: Registration) -> bool:
    return key not in known if news.action is Action.DELETED else known.get(key) == news


def ended(delta: Iterable[Registration]) -> frozenset[Key]:
    """The instances that a delta says are gone: cancelled, or expired."""
    return frozenset(key for key, each in listing(delta).items() if each.action is Action.DELETED)


def hash_of(known: Listing) -> str:
    """``apps__hashcode`` of a listing."""
    return hashcode(each.status for each in known.values())
