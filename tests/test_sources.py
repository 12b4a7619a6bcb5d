"""Which sources and which registrations a configuration makes."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from apiml_ws.core.config import Config, EmbeddedConfig, EurekaConfig, TlsConfig
from apiml_ws.core.directory import Directory
from apiml_ws.core.registry import Status
from apiml_ws.discovery.gateway_instance import gateway_registration
from apiml_ws.sources import Sources, source_names

PLAIN = Config(tls=TlsConfig(enabled=False))
URLS = ("http://127.0.0.1:8761/eureka/",)


@implementer(IPolicyForHTTPS)
class NoPolicy:
    """Makes no connections."""

    def creatorForNetloc(self, hostname: bytes, port: int) -> IOpenSSLClientConnectionCreator:
        raise NotImplementedError


class SourcesTests(SynchronousTestCase):
    """On a reactor in memory."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()

    def sources(self, config: Config) -> Sources:
        """What ``config`` makes; it stops with the test."""
        self.directory = Directory(source_names(config), self.reactor.seconds)
        sources = Sources(config, self.directory, self.reactor, NoPolicy(), lambda: 1, registrants=8)
        self.addCleanup(sources.stopService)
        return sources

    def kept(self, config: Config) -> int:
        """With how many registries the gateway is registered."""
        said = gateway_registration(config, 10010, "127.0.0.1", Status.UP)
        return len(list(self.sources(config).keepers(said)))

    def test_registrations(self) -> None:
        """With the embedded registry, with the configured ones, with both as one entry each, or with none."""
        embedded = replace(PLAIN, embedded=EmbeddedConfig(enabled=True))
        self.assertEqual(self.kept(PLAIN), 0)
        self.assertEqual(self.kept(embedded), 1)
        self.assertEqual(self.kept(replace(PLAIN, eureka=EurekaConfig(urls=URLS))), 1)
        self.assertEqual(self.kept(replace(embedded, eureka=EurekaConfig(urls=URLS))), 2)
        self.assertEqual(self.kept(replace(embedded, eureka=EurekaConfig(urls=URLS, register=False))), 0)

    def test_in_the_embedded_registry(self) -> None:
        """The gateway is routed on like any service that registered there, without a connection."""
        config = replace(PLAIN, embedded=EmbeddedConfig(enabled=True), hostname="gw.example")
        sources = self.sources(config)
        sources.startService()
        (keeper,) = sources.keepers(gateway_registration(config, 10010, "127.0.0.1", Status.UP))
        keeper.startService()
        self.reactor.advance(0)
        self.assertEqual(self.directory.snapshot.services["gateway"].instances[0].address, "ws://gw.example:10010")
        self.assertEqual(self.reactor.tcpClients, [])
        stopped = keeper.stopService()
        self.reactor.advance(0)
        self.successResultOf(stopped)
        self.reactor.advance(0)
        self.assertEqual(dict(self.directory.snapshot.services), {})

    def test_reads_where_it_is_told_to(self) -> None:
        """A registry is asked at the start; where routes are not to come from there, it is not."""
        self.sources(replace(PLAIN, eureka=EurekaConfig(urls=URLS))).startService()
        self.reactor.advance(0)
        self.assertEqual([client[:2] for client in self.reactor.tcpClients], [("127.0.0.1", 8761)])
        self.reactor.tcpClients.clear()
        self.sources(replace(PLAIN, eureka=EurekaConfig(urls=URLS, fetch=False))).startService()
        self.reactor.advance(0)
        self.assertEqual(self.reactor.tcpClients, [])

    def test_news_of_nobody(self) -> None:
        """Where no registry is read, there is nothing to read sooner."""
        self.sources(PLAIN).refresh()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
