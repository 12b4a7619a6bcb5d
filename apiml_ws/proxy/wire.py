"""A wire: one connected socket, or TLS over one, driven without blocking and without Twisted's transports.

After the handshakes a relay owns its two wires.  The reactor, or an epoll nested in it, says when to call them.
"""

from __future__ import annotations

from typing import Final, Protocol

from apiml_ws.proxy.output import Output, WireLost
from apiml_ws.proxy.tls_wire import TlsWire

__all__ = ["SocketWire", "TlsWire", "Wire", "WireLost"]


class Wire(Protocol):
    """What a relay asks of a connection."""

    def fileno(self) -> int:
        """The descriptor whose readiness matters."""

    def set_patience(self, seconds: float) -> None:
        """Let the kernel keep the connection of a peer that takes nothing for a little longer than ``seconds``, 0 for ever.

        That holds while anything is kept for it.  Else it has 30 s for what the kernel took: its machine may be gone.
        """

    def settle(self) -> None:
        """The handshakes are over: give back what only they needed."""

    def receive_into(self, buffer: memoryview) -> int | None:
        """Read what is there, at most ``len(buffer)``: the count, 0 at the end of the stream, None when nothing is there.

        :raises WireLost: the connection broke.
        """

    def send(self, data: bytes | memoryview) -> int:
        """Take all of ``data``; give the kernel what it takes at once and keep the rest until :meth:`flush`.

        Gives what is :attr:`pending` then.

        :raises WireLost: the connection broke; what was not sent counts as kept.
        """

    def flush(self) -> None:
        """Give the kernel more of what is kept.

        :raises WireLost: the connection broke.
        """

    @property
    def pending(self) -> int:
        """Bytes kept that the kernel did not take yet, as they go on the wire."""

    @property
    def unsent(self) -> int:
        """How many of the last bytes given to :meth:`send` the peer cannot have received."""

    @property
    def readable(self) -> bool:
        """Whether :meth:`receive_into` has something though the descriptor may not say so (TLS records already read)."""

    def finish(self) -> None:
        """Say that nothing more will be sent (TLS close_notify, then FIN), after what is kept was flushed.

        :raises WireLost: the connection broke.
        """

    def close(self) -> None:
        """Let go of the connection, at once; whatever is kept is thrown away."""


class SocketWire(Output):
    """A wire over ``sock``, connected and not blocking.  ``release`` is called once, to close it, if it is somebody's else."""

    __slots__ = ()

    #: A socket says so itself.
    readable: Final = False

    def settle(self) -> None:
        """See :class:`Wire`: there was nothing."""

    def receive_into(self, buffer: memoryview) -> int | None:
        """See :class:`Wire`."""
        try:
            return self._socket.recv_into(buffer)
        except BlockingIOError:
            return None
        except OSError as error:
            raise WireLost(str(error)) from error

    def resume(self, kept: bytes) -> None:
        """Go on after somebody else drove the socket meanwhile, who leaves ``kept`` unsent."""
        if kept:
            self.keep(kept)

    @property
    def unsent(self) -> int:
        """See :class:`Wire`."""
        return self.pending
