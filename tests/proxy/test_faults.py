"""Tests of the words for what goes wrong on the way to a service."""

from __future__ import annotations

from OpenSSL.SSL import Error as TlsError
from twisted.internet import error
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.interfaces import DialFault
from apiml_ws.proxy.faults import fault_of
from apiml_ws.proxy.tls import WrongHostError


class FaultTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.proxy.faults.fault_of`."""

    def test_table(self) -> None:
        """Every error has its word; what nobody knows is unreachable."""
        for problem, fault in (
            (error.ConnectionRefusedError(), DialFault.REFUSED),
            (error.TimeoutError(), DialFault.TIMEOUT),
            (error.TCPTimedOutError(), DialFault.TIMEOUT),
            (error.NoRouteError(), DialFault.UNREACHABLE),
            (error.ConnectBindError(), DialFault.UNREACHABLE),
            (error.ConnectError(), DialFault.UNREACHABLE),
            (error.DNSLookupError(), DialFault.UNKNOWN_HOST),
            (error.UnknownHostError(), DialFault.UNKNOWN_HOST),
            (ValueError("invalid hostname"), DialFault.UNKNOWN_HOST),
            (TlsError(), DialFault.TLS),
            (WrongHostError(), DialFault.TLS),
            (error.ConnectionLost(), DialFault.CONNECTION_LOST),
            (error.ConnectionDone(), DialFault.CONNECTION_LOST),
            (error.ConnectionAborted(), DialFault.CONNECTION_LOST),
            (OSError(), DialFault.UNREACHABLE),
            (None, DialFault.UNREACHABLE),
        ):
            self.assertIs(fault_of(problem), fault, problem)
