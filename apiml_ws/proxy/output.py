"""What is on its way into a socket that takes only so much at once."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from apiml_ws.proxy.options import UNACKNOWLEDGED

#: Milliseconds that the kernel waits longer for a reader that takes nothing than we do, who can say why it is given up.
_AFTER_US: Final = 5_000
#: A C int of milliseconds.
_LONGEST: Final = 2**31 - 1


class WireLost(Exception):  # noqa: N818 - an event of the connection more than an error of ours
    """The connection is gone: reset, timed out, or TLS failed.  A clean end of the stream is no error."""


class Output:
    """Bytes on their way into a socket: what the kernel did not take is kept, and then the FIN.

    To Linux a peer that takes nothing is as one that vanished, though it answers every probe.  So it is told to be patient
    as long as anything is kept, which is when we look after such peers.  ``release`` is called once, to close the socket, if it
    is somebody's else.
    """

    __slots__ = ("_finishing", "_kept", "_patience", "_release", "_socket", "pending")

    def __init__(self, sock: socket.socket, release: Callable[[], None] | None = None) -> None:
        self._socket = sock
        self._release = release
        #: None or one, as a rule; a deque would be the largest thing that an idle session has.
        self._kept: tuple[memoryview, ...] = ()
        self._finishing = False
        self._patience: float | None = None
        self.pending = 0

    def fileno(self) -> int:
        """See :meth:`~apiml_ws.proxy.wire.Wire.fileno`."""
        return self._socket.fileno()

    def set_patience(self, seconds: float) -> None:
        """See :meth:`~apiml_ws.proxy.wire.Wire.set_patience`."""
        self._patience = seconds
        if self.pending:
            self._allow(_milliseconds(seconds))

    def _allow(self, milliseconds: int) -> None:
        """Where a system lacks the option, or the socket, it goes without."""
        option = getattr(socket, "TCP_USER_TIMEOUT", None)
        if option is not None:
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, option, milliseconds)

    def send(self, data: bytes | memoryview) -> int:
        """See :meth:`~apiml_ws.proxy.wire.Wire.send`."""
        if self.pending:
            self.keep(data)
            return self.pending
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.keep(data)
            raise WireLost(str(error)) from error
        if sent == len(data):
            return 0
        self.keep(data[sent:])
        return self.pending

    def keep(self, data: bytes | memoryview) -> None:
        """Have ``data`` sent by the next :meth:`flush`, after what is kept already."""
        if not self.pending:
            self._allow(_milliseconds(self._patience))
        self._kept += (memoryview(bytes(data)),)
        self.pending += len(data)

    def flush(self) -> None:
        """See :meth:`~apiml_ws.proxy.wire.Wire.flush`."""
        try:
            while self._kept:
                self._sent(self._socket.send(self._kept[0]))
                if not self._kept:
                    self._allow(UNACKNOWLEDGED)
        except BlockingIOError:
            return
        except OSError as error:
            raise WireLost(str(error)) from error
        self._end()

    def _sent(self, count: int) -> None:
        self.pending -= count
        first, *others = self._kept
        rest = first[count:]
        self._kept = (rest, *others) if rest else tuple(others)

    def finish(self) -> None:
        """FIN after what is kept."""
        self._finishing = True
        self._end()

    def _end(self) -> None:
        if self._finishing and not self.pending:
            self._finishing = False
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError as error:
                raise WireLost(str(error)) from error

    def close(self) -> None:
        """See :meth:`~apiml_ws.proxy.wire.Wire.close`.

        What ``release`` does may wait for room in the socket of a peer that reads nothing, unless it is shut both ways.
        Without it the socket is ours to close, which waits for nothing.
        """
        if self._release is None:
            self._socket.close()
            return
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._release()


def _milliseconds(patience: float | None) -> int:
    """``patience`` in seconds, None for none in particular, as the kernel's option has it: 0 for ever."""
    if patience is None:
        return UNACKNOWLEDGED
    return min(max(UNACKNOWLEDGED, int(patience * 1000) + _AFTER_US), _LONGEST) if patience else 0
