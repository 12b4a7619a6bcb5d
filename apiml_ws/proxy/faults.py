"""What went wrong on the way to a service, in the few words that clients see."""

from __future__ import annotations

from typing import Final

from OpenSSL.SSL import Error as TlsError
from twisted.internet import error

from apiml_ws.core.interfaces import DialFault

#: The first that fits; more special ones stand first.
_FAULTS: Final[tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], DialFault], ...]] = (
    (error.ConnectionRefusedError, DialFault.REFUSED),
    ((error.TimeoutError, error.TCPTimedOutError), DialFault.TIMEOUT),
    ((error.DNSLookupError, error.UnknownHostError, ValueError), DialFault.UNKNOWN_HOST),
    (error.ConnectError, DialFault.UNREACHABLE),
    (TlsError, DialFault.TLS),
    ((error.ConnectionLost, error.ConnectionDone, error.ConnectionAborted), DialFault.CONNECTION_LOST),
)


def fault_of(problem: BaseException | None) -> DialFault:
    """The fault for ``problem``, an error of Twisted, OpenSSL or the system.

    A ValueError is what Twisted says of a host name that is none.
    """
    return next((fault for kinds, fault in _FAULTS if isinstance(problem, kinds)), DialFault.UNREACHABLE)
