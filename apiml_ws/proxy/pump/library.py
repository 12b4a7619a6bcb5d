"""The extension, and what it needs of the OpenSSL that pyOpenSSL uses."""

from __future__ import annotations

import select
from typing import Any, Final, cast

from OpenSSL import SSL

from apiml_ws.proxy.records import parts

#: What the pump calls, in the order of ``struct openssl``.
_FUNCTIONS: Final = ("SSL_read", "SSL_write", "SSL_get_error", "BIO_read", "BIO_write", "ERR_clear_error")


class NoPump(Exception):  # noqa: N818 - a state of the machine more than an error
    """The native pump cannot run here, and why."""


def load() -> tuple[Any, Any]:
    """The extension's ``lib`` and ``ffi``, ready to be used.

    :raises NoPump: it was not built, there is no epoll, or pyOpenSSL does not have what it needs.
    """
    try:
        from apiml_ws.proxy.pump._pump import ffi, lib
    except ImportError as error:
        raise NoPump("it was not built, for want of a compiler") from error
    if not hasattr(select, "epoll"):
        raise NoPump("this system has no epoll")
    functions = [ffi.cast("void *", address) for address in _addresses()]
    table = ffi.new("struct openssl *")
    # A table of pointers to functions is what the structure is.
    ffi.memmove(table, ffi.new("void *[]", functions), ffi.sizeof("struct openssl"))
    lib.leg_use_openssl(table)
    return lib, ffi


def _addresses() -> list[int]:
    """Where the functions are in this process; the names are private in pyOpenSSL."""
    try:
        ffi: Any = cast(Any, SSL)._ffi
        library: Any = cast(Any, SSL)._lib
        # Newer ones have a module of functions in front of cffi's library, which is what an address can be asked of.
        library = getattr(library.SSL_read, "__self__", library)
        found = [int(ffi.cast("intptr_t", ffi.addressof(library, name))) for name in _FUNCTIONS]
        connection = SSL.Connection(SSL.Context(SSL.TLS_METHOD), None)
        handles(connection)
    except (AttributeError, TypeError) as error:
        raise NoPump(f"this pyOpenSSL is not as it is expected: {error}") from error
    return found


def handles(connection: SSL.Connection) -> tuple[int, int, int]:
    """The addresses of ``connection``'s session, and of the two memory BIOs that it reads and writes."""
    ffi: Any = cast(Any, SSL)._ffi
    session, into, out = (int(ffi.cast("intptr_t", part)) for part in parts(connection))
    return session, into, out
