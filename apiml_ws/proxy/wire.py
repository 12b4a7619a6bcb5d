"""A wire: one connected socket, or TLS over one, driven without blocking and without Twisted's transports.

After the handshakes a relay owns its two wires.  The reactor, or an epoll nested in it, says when to call them.
"""

from __future__ import annotations

from typing import Protocol


class WireLost(Exception):
    """The connection is gone: reset, timed out, or TLS failed.  A clean end of the stream is no error."""


class Wire(Protocol):
    """What a relay asks of a connection."""

    def fileno(self) -> int:
        """The descriptor whose readiness matters."""

    def receive_into(self, buffer: memoryview) -> int | None:
        """Read what is there, at most ``len(buffer)``: the count, 0 at the end of the stream, None when nothing is there.

        :raises WireLost: the connection broke.
        """

    def send(self, data: bytes | memoryview) -> None:
        """Take all of ``data``; give the kernel what it takes at once and keep the rest until :meth:`flush`.

        :raises WireLost: the connection broke.
        """

    def flush(self) -> None:
        """Give the kernel more of what is kept.

        :raises WireLost: the connection broke.
        """

    @property
    def pending(self) -> int:
        """Bytes kept that the kernel did not take yet, as they go on the wire."""

    @property
    def readable(self) -> bool:
        """Whether :meth:`receive_into` has something though the descriptor may not say so (TLS records already read)."""

    def finish(self) -> None:
        """Say that nothing more will be sent (TLS close_notify, then FIN), after what is kept was flushed."""

    def close(self) -> None:
        """Let go of the connection, at once; whatever is kept is thrown away."""
