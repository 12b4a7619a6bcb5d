"""How the descriptors that the process may have are shared out, so that none of its tasks takes those of another.

A session has two; what is not a session yet has one.  Those that come in crowds each have their share, and sessions get
what is left: who wants one more is told so in good order, before the system refuses anything to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: At least so many, a part of all more, and at most so many: connections that are not sessions, operators' among them.  The
#: most is what can shake hands within the grace that the lobby gives, when all clients come at once.
_NEWCOMERS: Final = (32, 16, 3072)
#: Connections to the embedded registry.
_REGISTRANTS: Final = (16, 32, 1024)
#: Registries, files, name lookups, and the third connection of sessions that move.
_OTHERS: Final = (64, 64, 1024)


@dataclass(frozen=True, slots=True)
class Shares:
    """How many sessions there may be, and how many connections that are none: to the gateway, to the embedded registry."""

    sessions: int
    newcomers: int
    registrants: int


def shared(limit: int, taken: int, *, registry: bool) -> Shares:
    """The shares of ``limit`` descriptors, ``taken`` of which are in use for good; ``registry``: there is an embedded one."""
    newcomers = _part(limit, *_NEWCOMERS)
    registrants = _part(limit, *_REGISTRANTS) if registry else 0
    others = taken + _part(limit, *_OTHERS)
    return Shares(max(limit - newcomers - registrants - others, 0) // 2, newcomers, registrants)


def _part(whole: int, least: int, divisor: int, most: int) -> int:
    return min(least + whole // divisor, most)
