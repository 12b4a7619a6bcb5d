"""Sockets with TLS that two threads may use, as the ``websockets`` library does: one reads while the other writes.

CPython lets both into OpenSSL at once, up to 3.12.7 (https://github.com/python/cpython/issues/124984).  With TLS 1.3, where a
server's tickets are read while a client writes its first request, some requests in a thousand never leave the client.
"""

from __future__ import annotations

import select
import ssl
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

Result = TypeVar("Result")


class SerialSocket(ssl.SSLSocket):
    """Reads and writes one after the other; whoever has to wait lets the others in meanwhile."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As any socket does."""
        return self._patiently(partial(super().recv, buflen, flags))

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As any socket does."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._patiently(partial(super().send, rest, flags)) :]

    def _patiently(self, call: Callable[[], Result]) -> Result:
        while True:
            with self._lock:
                timeout = self.gettimeout()
                self.settimeout(0)
                try:
                    return call()
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError) as error:
                    if timeout == 0:
                        raise
                    wanted = select.POLLOUT if isinstance(error, ssl.SSLWantWriteError) else select.POLLIN
                finally:
                    self.settimeout(timeout)
            self._wait_for(wanted, timeout)

    def _wait_for(self, wanted: int, timeout: float | None) -> None:
        poll = select.poll()
        poll.register(self.fileno(), wanted)
        if not poll.poll(None if timeout is None else timeout * 1000):
            raise TimeoutError("timed out")

    @property
    def _lock(self) -> threading.Lock:
        # The library makes its sockets without __init__.
        lock: threading.Lock = self.__dict__.setdefault("_serial", threading.Lock())
        return lock


def serial(context: ssl.SSLContext) -> ssl.SSLContext:
    """``context``, whose sockets are of this kind."""
    context.sslsocket_class = SerialSocket
    return context
