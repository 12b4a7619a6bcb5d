"""What is remembered of a session that ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from apiml_ws.core.closing import Cause, Close
from apiml_ws.core.interfaces import Counters, Side
from apiml_ws.core.opening import Opening
from apiml_ws.core.routing import Refusal, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The closes of one leg: the one that the gateway put on it, and the one that came from it; None for none."""

    sent: Close | None = None
    received: Close | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """One session from its client's request to its end.

    ``service_id`` is empty when the request was for none that is known, ``instance_id`` when none was reached: the last one
    if there were several.  ``closed_first`` is the peer whose close frame began the end, None when none did.
    ``from_client`` and ``from_service`` count what came from either.  ``duration`` is in seconds, ``moves`` says how often
    the session went on at another instance.  ``detail`` says more of a failed dial, of a broken rule or of a limit.
    """

    session_id: str
    service_session_id: str
    client_address: str
    gateway_uri: str
    service_id: str
    instance_id: str
    cause: Cause
    detail: str
    closed_first: Side | None
    client: Exchange
    service: Exchange
    from_client: Counters
    from_service: Counters
    duration: float
    moves: int


class Recorder(Protocol):
    """Takes note of the sessions that ended, each once."""

    def record(self, record: SessionRecord) -> None:
        """Add one, when nothing of its session is left."""


def never_opened(opening: Opening, cause: Cause, detail: str, duration: float) -> SessionRecord:
    """The record of a client that was not let in."""
    return SessionRecord(
        session_id=opening.session_id,
        service_session_id="",
        client_address=opening.client_address,
        gateway_uri=opening.gateway_uri,
        service_id=service_id(opening.target),
        instance_id="",
        cause=cause,
        detail=detail,
        closed_first=None,
        client=Exchange(),
        service=Exchange(),
        from_client=Counters(),
        from_service=Counters(),
        duration=duration,
        moves=0,
    )


def service_id(target: Target | Refusal) -> str:
    """The service that was asked for, empty when there is no such."""
    return target.service.service_id if isinstance(target, Target) else ""
