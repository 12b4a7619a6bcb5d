"""What went wrong on the way to a service, in the few words that clients see."""

from __future__ import annotations

from typing import Final

from OpenSSL.SSL import Error as TlsError

from apiml_ws.core.interfaces import DialFault
from apiml_ws.proxy.connecting import UnknownHostError
from apiml_ws.proxy.wire import WireLost

#: The first that fits.
_FAULTS: Final[tuple[tuple[type[BaseException], DialFault], ...]] = (
    (ConnectionRefusedError, DialFault.REFUSED),
    (TimeoutError, DialFault.TIMEOUT),
    (UnknownHostError, DialFault.UNKNOWN_HOST),
    (TlsError, DialFault.TLS),
    (WireLost, DialFault.CONNECTION_LOST),
)


def fault_of(problem: BaseException | None) -> DialFault:
    """The fault for ``problem``, an error of the system, of OpenSSL or of a wire."""
    return next((fault for kind, fault in _FAULTS if isinstance(problem, kind)), DialFault.UNREACHABLE)
