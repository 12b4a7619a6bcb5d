"""What the proxy layer knows when a client asks for a session: the input of every dial and of the session itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apiml_ws.core.callers import NOBODY, Caller
from apiml_ws.core.interfaces import Headers
from apiml_ws.core.registry import Instance
from apiml_ws.core.routing import Refusal, Target
from apiml_ws.core.settings import SessionSettings


@dataclass(frozen=True, slots=True)
class Opening:
    """A client's request for a session, routed and judged.

    ``client_address`` is spelled like ``/127.0.0.1:51234``, ``gateway_uri`` is the full URI that the client asked for.
    ``headers`` gives those for a handshake with an instance; ``subprotocols`` and ``extensions`` are offered to the service.
    ``caller`` is what the choice of an instance may depend on.
    """

    session_id: str
    client_address: str
    gateway_uri: str
    target: Target | Refusal
    settings: SessionSettings
    headers: Callable[[Instance], Headers]
    subprotocols: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    caller: Caller = NOBODY
