"""How a service wants its sessions shared among its instances: metadata ``apiml.lb.type``.

sharing(metadata: Mapping[str, str]) -> Sharing | None
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

#: The key in the metadata of a service.
TYPE: Final = "apiml.lb.type"


class Sharing(Enum):
    """``apiml.lb.type``; the first two are the reference system's.

    ``headerRequest``: the instance that the request's ``X-InstanceId`` names, any if it names none.  ``authentication``: the
    one that the user was at before.  ``leastSessions``: the one with the fewest.  ``roundRobin``: each in its turn, the
    default: however few sessions an instance has that just joined, it gets no more of the new ones than the others.
    """

    HEADER_REQUEST = "headerRequest"
    AUTHENTICATION = "authentication"
    LEAST_SESSIONS = "leastSessions"
    ROUND_ROBIN = "roundRobin"


_WORDS: Final = {"": Sharing.ROUND_ROBIN, **{sharing.value.lower(): sharing for sharing in Sharing}}


def sharing(metadata: Mapping[str, str]) -> Sharing | None:
    """What ``metadata`` asks for, whatever the case; None for a word that is not known."""
    return _WORDS.get(metadata.get(TYPE, "").strip().lower())
