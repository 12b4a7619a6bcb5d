"""The HTTP client that registries are talked to with: Twisted's, which keeps its connections, without its log lines."""

from __future__ import annotations

from typing import Any, Final, cast

from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IProtocol, IStreamClientEndpoint
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.client import URI, Agent, HTTPConnectionPool
from twisted.web.iweb import IAgentEndpointFactory, IPolicyForHTTPS
from zope.interface import implementer

from apiml_ws.discovery.calls import HttpClient

#: Seconds for a connection to a registry to be made.
CONNECT_TIMEOUT: Final = 5.0


def registry_http(reactor: Any, policy: IPolicyForHTTPS) -> HttpClient:
    """An HTTP client for registries, which keeps its connections; ``policy`` makes those with TLS."""
    pool = HTTPConnectionPool(reactor)
    # So that a call which finds its connection closed is asked again over a new one.
    pool.maxPersistentPerHost = 1
    agent = Agent.usingEndpointFactory(reactor, _Registries(reactor, policy), pool)
    return cast("HttpClient", HTTPClient(agent))


@implementer(IAgentEndpointFactory)
class _Registries:
    """Where connections lead to."""

    def __init__(self, reactor: Any, policy: IPolicyForHTTPS) -> None:
        self._reactor = reactor
        self._policy = policy

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """The endpoint for an http or https ``uri``."""
        endpoint = HostnameEndpoint(self._reactor, uri.host, uri.port, CONNECT_TIMEOUT)
        creator = self._policy.creatorForNetloc(uri.host, uri.port) if uri.scheme == b"https" else None
        return _Quiet(endpoint, creator, self._reactor)


@implementer(IStreamClientEndpoint)
class _Quiet:
    """``endpoint``, with TLS if there is a ``creator``.

    Connections are not announced: a registry that is down is tried for ever.
    """

    def __init__(
        self, endpoint: IStreamClientEndpoint, creator: IOpenSSLClientConnectionCreator | None, clock: Any
    ) -> None:
        self._endpoint = endpoint
        self._creator = creator
        self._clock = clock

    def connect(self, protocolFactory: Any) -> Deferred[IProtocol]:
        """Connect, and say nothing of the factory's start and stop."""
        protocolFactory.noisy = False
        if self._creator is None:
            return self._endpoint.connect(protocolFactory)
        factory: Any = TLSMemoryBIOFactory(self._creator, True, protocolFactory, clock=self._clock)
        connected: Deferred[Any] = self._endpoint.connect(factory)
        return connected.addCallback(lambda tls: tls.wrappedProtocol)
