"""The HTTP client for registries, on a reactor in memory."""

from __future__ import annotations

from typing import Any

from OpenSSL.SSL import TLS_METHOD, Connection, Context
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer
from zope.interface.verify import verifyObject

from apiml_ws.registry_http import CONNECT_TIMEOUT, registry_http


@implementer(IOpenSSLClientConnectionCreator)
class Creator:
    """Makes connections that trust nobody; the handshake does not get that far."""

    def clientConnectionForTLS(self, tlsProtocol: object) -> Connection:
        connection = Connection(Context(TLS_METHOD), None)
        connection.set_connect_state()
        return connection


@implementer(IPolicyForHTTPS)
class Policy:
    """Notes for whom it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, int]] = []

    def creatorForNetloc(self, hostname: bytes, port: int) -> Creator:
        self.asked.append((hostname, port))
        return Creator()


class Transport(StringTransport):
    """With the one thing that TCP has more."""

    def setTcpNoDelay(self, enabled: bool) -> None:
        """There is nothing to delay."""


class RegistryHttpTests(SynchronousTestCase):
    """Where it connects to, and what it says of that."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.policy = Policy()
        self.http = registry_http(self.reactor, self.policy)

    def connected(self, url: str) -> StringTransport:
        """What is said on the connection that a request for ``url`` is made on; its host, port and time are checked."""
        answer: Any = self.http.request("GET", url)
        answer.addErrback(lambda _: None)
        host, port, factory, timeout, _ = self.reactor.tcpClients.pop()
        self.assertEqual((host, port, timeout), ("127.0.0.1", 1234, CONNECT_TIMEOUT))
        factory.doStart()
        protocol = factory.buildProtocol(None)
        assert protocol is not None
        transport = Transport()
        protocol.makeConnection(transport)
        factory.doStop()
        self.addCleanup(answer.cancel)
        return transport

    def test_plain(self) -> None:
        """The request is the first thing that is said."""
        transport = self.connected("http://127.0.0.1:1234/eureka/apps")
        self.assertTrue(transport.value().startswith(b"GET /eureka/apps HTTP/1.1\r\n"))
        self.assertEqual(self.policy.asked, [])

    def test_tls(self) -> None:
        """Over TLS as the policy has it for that host and port: the first thing is a record of a handshake."""
        verifyObject(IPolicyForHTTPS, self.policy)
        transport = self.connected("https://127.0.0.1:1234/eureka/apps")
        self.assertEqual(self.policy.asked, [(b"127.0.0.1", 1234)])
        self.assertEqual(transport.value()[:1], b"\x16")

    def test_connections_are_not_announced(self) -> None:
        """A registry that is down is tried for ever, and each attempt would leave two lines in the log."""
        with capturedLogs() as events:
            self.connected("http://127.0.0.1:1234/eureka/apps")
            self.connected("https://127.0.0.1:1234/eureka/apps")
        self.assertEqual(events, [])
