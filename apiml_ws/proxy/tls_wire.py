"""A wire over TLS, by pyOpenSSL and memory BIOs."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from OpenSSL import SSL

from apiml_ws.proxy.output import Output, WireLost
from apiml_ws.proxy.records import records_of

#: Plain bytes in a record of TLS (RFC 8446 section 5.1), and more than enough for what it adds to them.
_RECORD: Final = 16384
_OVERHEAD: Final = 512
_RECORD_HEADER: Final = 5
#: More than the last words of a handshake.
_LAST_FLIGHT: Final = 131072
_APPLICATION_DATA: Final = 23
#: Bytes that a connection may have to say of its own accord after one read: tickets with a certificate in them are the
#: longest.  What asks for more is a flood of wishes for new keys (RFC 8446 section 4.6.3), each of which costs a derivation.
_WORDS: Final = 32768
#: And that are kept for a peer that takes none of them.
_UNHEARD: Final = 65536

#: Where ciphertext stands between the socket and OpenSSL, within one call.
_RAW: Final = memoryview(bytearray(262144))


class TlsWire(Output):
    """A wire over TLS: ``connection`` is pyOpenSSL's over memory BIOs, and ``sock`` what carries it.

    :meth:`shake` comes first, unless somebody else did the handshake.  ``release`` is called once, to close the socket, if it
    is somebody's else.  What the connection has to say of its own accord, key updates and alerts, is sent along.  An end of
    the stream without close_notify is :class:`WireLost`: it may be somebody else's cut (RFC 8446 section 6.1).
    """

    __slots__ = ("_connection", "_owes", "_records", "_sealed", "_unheard", "readable")

    def __init__(
        self, sock: socket.socket, connection: SSL.Connection, release: Callable[[], None] | None = None
    ) -> None:
        super().__init__(sock, release)
        self._connection = connection
        self._records = records_of(connection)
        #: The records among what is kept: the length of each, and of the plain bytes in it.
        self._sealed: tuple[tuple[int, int], ...] = ()
        #: What was read along with the end of the handshake may wait in there.
        self.readable = True
        self._owes = False
        #: Bytes of the connection's own words among what is kept.
        self._unheard = 0

    def shake(self, more: bool = False) -> bool:
        """Go on with the handshake; whether it is done.  Whoever connects begins with this.

        ``more``: something is sent at once after it, and its last words go along with that.  A peer that has to speak next is
        not to wait for them: it may wait for them to be acknowledged (RFC 896), and TCP for something to say along.

        :raises WireLost: the connection broke.
        :raises SSL.Error: one end does not want the other.
        """
        self._take_in(len(_RAW))
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            self._speak()
            return False
        except SSL.Error:
            self._speak()
            raise
        self._owes = more
        if not more:
            self._speak()
        return True

    def receive_into(self, buffer: memoryview) -> int | None:
        """See :class:`~apiml_ws.proxy.wire.Wire`."""
        if self.readable:
            count = self._opened(buffer)
            if count is not None:
                return count
        size = self._take_in(len(buffer))
        if not size:
            return None
        if _one_record(size) and len(buffer) >= _RECORD:
            try:
                return self._records.open_into(buffer)
            except SSL.Error:
                # A record of another kind, or none that can be opened.
                return self._opened(buffer)
        return self._opened(buffer)

    def _take_in(self, limit: int) -> int:
        """Give the connection what the socket has; how much that was."""
        try:
            count = self._socket.recv_into(_RAW, min(limit, len(_RAW)))
        except BlockingIOError:
            return 0
        except OSError as error:
            raise WireLost(str(error)) from error
        if not count:
            raise WireLost("the stream ended without close_notify")
        self._records.put(_RAW[:count])
        return count

    def _opened(self, buffer: memoryview) -> int | None:
        """Take out of the connection what it can read."""
        filled, size = 0, len(buffer)
        self.readable = True
        try:
            while filled < size:
                filled += self._records.open_into(buffer[filled:])
        except SSL.WantReadError:
            self.readable = False
        except SSL.ZeroReturnError:
            return filled
        except SSL.Error as error:
            self._speak()
            if not filled:
                raise WireLost(repr(error)) from error
            # What came before the error is read first; the error is met again.
            return filled
        if self._speak() > _WORDS or self._unheard > _UNHEARD:
            raise WireLost("the peer asks for more answers than it takes, or than anybody needs")
        return filled or None

    def _owed(self) -> int:
        """How much more there may be to be sent after a handshake: certificates of ours, tickets."""
        if self._owes:
            self._owes = False
            return _LAST_FLIGHT
        return 0

    def _speak(self) -> int:
        """Send all that the connection says of its own accord, and how much that was; a loss shows where it matters."""
        said = 0
        with suppress(SSL.WantReadError, WireLost):
            while True:
                words = self._records.take(_RECORD)
                size = len(words)
                said += size
                if super().send(words):
                    self._unheard += size
                if size < _RECORD:
                    break
        return said

    def send(self, data: bytes | memoryview) -> int:
        """See :class:`~apiml_ws.proxy.wire.Wire`."""
        sizes = []
        rest = data
        try:
            while rest:
                # One record at a time: pyOpenSSL sets SSL_MODE_ENABLE_PARTIAL_WRITE.
                sizes.append(self._records.seal(rest))
                rest = rest[sizes[-1] :]
            sealed = self._records.take(len(data) + _OVERHEAD * (len(sizes) + 1) + self._owed())
        except SSL.Error as error:
            raise WireLost(repr(error)) from error
        try:
            return super().send(sealed)
        finally:
            if self.pending:
                self._sealed += _lengths(sealed, sizes)

    def settle(self) -> None:
        """See :class:`~apiml_ws.proxy.wire.Wire`."""
        self._records.settle()

    def flush(self) -> None:
        """See :class:`~apiml_ws.proxy.wire.Wire`."""
        super().flush()
        if not self.pending:
            self._sealed = ()
            self._unheard = 0

    @property
    def connection(self) -> SSL.Connection:
        """For somebody else who drives it for a while, until :meth:`resume`."""
        return self._connection

    def resume(self, kept: bytes, sealed: bytes = b"", plain: int = 0) -> None:
        """Go on after somebody else drove the connection meanwhile, who leaves ``kept`` unsent.

        It is the end of ``sealed`` and of what OpenSSL said later; ``sealed`` is ``plain`` bytes in as few records as they fit.
        """
        self.readable = True
        if kept:
            self.keep(kept)
            whole, rest = divmod(plain, _RECORD)
            self._sealed = _lengths(sealed, [_RECORD] * whole + [rest] * (rest > 0))

    @property
    def unsent(self) -> int:
        """See :class:`~apiml_ws.proxy.wire.Wire`: a record of which the kernel did not take the last byte cannot be opened."""
        unsent, sealed = 0, 0
        for length, plain in reversed(self._sealed):
            if sealed >= self.pending:
                break
            unsent += plain
            sealed += length
        return unsent

    def finish(self) -> None:
        """See :class:`~apiml_ws.proxy.wire.Wire`."""
        with suppress(SSL.Error):
            self._connection.shutdown()
        self._speak()
        super().finish()


def _one_record(count: int) -> bool:
    """Whether what was read is one whole record, as small messages come: then there is no use in asking for more.

    Each asking in vain costs an exception.  The end of one record that looks so for all that only waits for the next read.
    """
    return _RAW[0] == _APPLICATION_DATA and count == _RECORD_HEADER + (_RAW[3] << 8) + _RAW[4]


def _lengths(sealed: bytes | memoryview, sizes: list[int]) -> tuple[tuple[int, int], ...]:
    """The length of each record and of the plain bytes in it, 0 if there are records of another kind among them."""
    lengths = []
    position = 0
    while position < len(sealed):
        length = _RECORD_HEADER + int.from_bytes(sealed[position + 3 : position + _RECORD_HEADER], "big")
        lengths.append(length)
        position += length
    return tuple(zip(lengths, sizes if len(sizes) == len(lengths) else [0] * len(lengths), strict=True))
