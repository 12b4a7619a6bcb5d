"""One leg of a session after its handshake: a wire, and what was agreed on it."""

from __future__ import annotations

from dataclasses import dataclass

from apiml_ws.core.interfaces import Headers
from apiml_ws.proxy.wire import Wire


@dataclass(slots=True)
class Leg:
    """A connection whose handshake is done, ready for a relay to take over.

    ``early`` is what was read past the handshake and is the first thing that the relay reads.  ``extensions`` in the
    canonical spelling of :mod:`apiml_ws.core.extensions`.  ``answer_headers`` are those of a service's 101, empty on a
    client's leg.
    """

    wire: Wire
    early: bytes = b""
    extensions: str = ""
    subprotocol: str | None = None
    answer_headers: Headers = ()

    def abandon(self) -> None:
        """End the connection at once; for a leg that nobody takes over."""
        self.wire.close()
