"""Records of TLS in and out of a pyOpenSSL connection over memory BIOs.

pyOpenSSL makes a new object for what it reads, looks at a result twice, and copies.  That costs more than OpenSSL does for a
small record.  So its functions are called straight where pyOpenSSL has them under the names that we know; where it has not,
its own methods serve.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn, Protocol, cast

from OpenSSL import SSL

#: Where ciphertext stands on its way out, within one call.
_OUT: Final = bytearray(262144)
_OUT_VIEW: Final = memoryview(_OUT)


class Records(Protocol):
    """What is asked of a connection, record by record.  All raise as pyOpenSSL's methods do."""

    def put(self, sealed: memoryview) -> object:
        """Give it what came from the peer."""

    def open_into(self, buffer: memoryview) -> int:
        """Take what one record has, at most ``len(buffer)``; how much that was, more than none.

        :raises SSL.Error: as pyOpenSSL's ``recv`` does.
        """

    def seal(self, data: bytes | memoryview) -> int:
        """Make a record of ``data``, or of its beginning: of how much.

        :raises SSL.Error: as pyOpenSSL's ``send`` does.
        """

    def take(self, size: int) -> bytes | memoryview:
        """What is to be sent, at most ``size``; a view holds until the next call for any connection.

        :raises SSL.WantReadError: there is nothing.
        """

    def settle(self) -> None:
        """The handshakes are over: give back the memory that only they needed."""


class PlainRecords:
    """By what pyOpenSSL offers."""

    __slots__ = ("_connection", "put", "seal", "take")

    def __init__(self, connection: SSL.Connection) -> None:
        self._connection = connection
        self.put = connection.bio_write
        self.seal = connection.send
        self.take = connection.bio_read

    def open_into(self, buffer: memoryview) -> int:
        """See :class:`Records`."""
        plain = self._connection.recv(len(buffer))
        buffer[: len(plain)] = plain
        return len(plain)

    def settle(self) -> None:
        """See :class:`Records`: pyOpenSSL cannot."""


class StraightRecords:
    """By OpenSSL's functions, with pyOpenSSL's words for what goes wrong.

    :raises AttributeError: see :func:`parts`.
    """

    __slots__ = ("_connection", "_in", "_out", "_session")

    def __init__(self, connection: SSL.Connection) -> None:
        self._connection: Any = connection
        self._session, self._in, self._out = parts(connection)

    def put(self, sealed: memoryview) -> None:
        """See :class:`Records`."""
        if _LIBRARY.BIO_write(self._in, _FFI.from_buffer(sealed), len(sealed)) != len(sealed):
            raise SSL.Error("OpenSSL has no memory for what came")

    def open_into(self, buffer: memoryview) -> int:
        """See :class:`Records`."""
        count: int = _LIBRARY.SSL_read(self._session, _FFI.from_buffer(buffer), len(buffer))
        return count if count > 0 else self._failed(count)

    def seal(self, data: bytes | memoryview) -> int:
        """See :class:`Records`."""
        count: int = _LIBRARY.SSL_write(self._session, _FFI.from_buffer(data), len(data))
        return count if count > 0 else self._failed(count)

    def take(self, size: int) -> bytes | memoryview:
        """See :class:`Records`."""
        if size > len(_OUT):
            return bytes(self._connection.bio_read(size))
        count = _LIBRARY.BIO_read(self._out, _FFI.from_buffer(_OUT), size)
        if count <= 0:
            raise SSL.WantReadError
        return _OUT_VIEW[:count]

    def settle(self) -> None:
        """See :class:`Records`.

        OpenSSL's memory BIOs keep the size of the most that was ever in them, certificates and all.  New ones take their place,
        with what is in them.
        """
        fresh = [_LIBRARY.BIO_new(_LIBRARY.BIO_s_mem()) for _ in range(2)]
        if _FFI.NULL in fresh:
            return
        room = _FFI.from_buffer(_OUT)
        for former, new in zip((self._in, self._out), fresh, strict=True):
            while (count := _LIBRARY.BIO_read(former, room, len(_OUT))) > 0:
                _LIBRARY.BIO_write(new, room, count)
        # It owns them from now, and frees the former ones.
        _LIBRARY.SSL_set_bio(self._session, *fresh)
        self._in, self._out = self._connection._into_ssl, self._connection._from_ssl = fresh

    def _failed(self, result: int) -> NoReturn:
        self._connection._raise_ssl_error(self._session, result)
        raise SSL.Error("OpenSSL failed, and pyOpenSSL does not know why")


def parts(connection: SSL.Connection) -> tuple[Any, Any, Any]:
    """Pointers to ``connection``'s session, and to the two memory BIOs that it reads and writes; their names are private.

    :raises AttributeError: this pyOpenSSL has other names for them.
    """
    known: Any = connection
    return known._ssl, known._into_ssl, known._from_ssl


_FUNCTIONS: Final = ("SSL_read", "SSL_write", "BIO_read", "BIO_write", "BIO_new", "BIO_s_mem", "SSL_set_bio")
_FFI: Final[Any] = getattr(cast(Any, SSL), "_ffi", None)


def _library() -> Any:
    """OpenSSL's functions, None if anything is missing of what is called here."""
    library: Any = getattr(cast(Any, SSL), "_lib", None)
    wanted = [(library, name) for name in _FUNCTIONS]
    wanted += [(_FFI, "from_buffer"), (_FFI, "NULL"), (SSL.Connection, "_raise_ssl_error")]
    return library if all(hasattr(holder, name) for holder, name in wanted) else None


_LIBRARY: Final = _library()


def records_of(connection: SSL.Connection) -> Records:
    """The fastest way into ``connection`` that there is."""
    if _LIBRARY is None:
        return PlainRecords(connection)
    try:
        return StraightRecords(connection)
    except AttributeError:
        return PlainRecords(connection)
