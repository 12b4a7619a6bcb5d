"""A session as operators see it."""

from __future__ import annotations

from dataclasses import dataclass

from apiml_ws.core.opening import Opening
from apiml_ws.core.registry import Instance
from apiml_ws.core.routing import Target


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session that is open on both legs; one that is being moved shows its last service."""

    session_id: str
    client_address: str
    gateway_uri: str
    service_uri: str
    service_session_id: str


def viewed(opening: Opening, instance: Instance | None, service_session_id: str) -> SessionView:
    """The session of ``opening``, at ``instance``."""
    target = opening.target
    uri = target.uri(instance) if instance is not None and isinstance(target, Target) else ""
    return SessionView(
        session_id=opening.session_id,
        client_address=opening.client_address,
        gateway_uri=opening.gateway_uri,
        service_uri=uri,
        service_session_id=service_session_id,
    )
