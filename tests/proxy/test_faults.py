"""Tests of the words for what goes wrong on the way to a service."""

from __future__ import annotations

import errno

from OpenSSL.SSL import Error as TlsError
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.interfaces import DialFault
from apiml_ws.proxy.connecting import UnknownHostError
from apiml_ws.proxy.faults import fault_of
from apiml_ws.proxy.tls import WrongHostError
from apiml_ws.proxy.wire import WireLost


class FaultTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.proxy.faults.fault_of`."""

    def test_table(self) -> None:
        """Every error has its word; what nobody knows is unreachable."""
        for problem, fault in (
            (OSError(errno.ECONNREFUSED, "x"), DialFault.REFUSED),
            (OSError(errno.ETIMEDOUT, "x"), DialFault.TIMEOUT),
            (OSError(errno.EHOSTUNREACH, "x"), DialFault.UNREACHABLE),
            (OSError(errno.ENETUNREACH, "x"), DialFault.UNREACHABLE),
            (OSError(errno.EADDRNOTAVAIL, "x"), DialFault.UNREACHABLE),
            (UnknownHostError("x"), DialFault.UNKNOWN_HOST),
            (TlsError(), DialFault.TLS),
            (WrongHostError(), DialFault.TLS),
            (WireLost("x"), DialFault.CONNECTION_LOST),
            (OSError(), DialFault.UNREACHABLE),
            (None, DialFault.UNREACHABLE),
        ):
            self.assertIs(fault_of(problem), fault, problem)
