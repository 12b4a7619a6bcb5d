"""The sources of routes that a configuration names, as services that keep one directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from twisted.application.service import IService, MultiService
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.iweb import IPolicyForHTTPS

from apiml_ws.core.config import Config, EmbeddedConfig
from apiml_ws.core.directory import Directory
from apiml_ws.discovery.calls import Calls
from apiml_ws.discovery.definition_files import DefinitionReader
from apiml_ws.discovery.embedded import EmbeddedRegistry, embedded_site
from apiml_ws.discovery.embedded_resource import Credentials
from apiml_ws.discovery.eureka import EurekaClient
from apiml_ws.listening import Listening
from apiml_ws.proxy.tls import ServerTls
from apiml_ws.registry_http import registry_http

#: Names of the sources, in order of precedence, as health shows them.
EMBEDDED: Final = "embedded"
EUREKA: Final = "eureka"
STATIC: Final = "static"


def source_names(config: Config) -> Iterator[str]:
    """The sources that ``config`` names."""
    if config.embedded.enabled:
        yield EMBEDDED
    if config.eureka.urls and config.eureka.fetch:
        yield EUREKA
    if config.definition_directories:
        yield STATIC


def source_services(
    config: Config,
    directory: Directory,
    reactor: Any,
    policy: IPolicyForHTTPS,
    milliseconds: Callable[[], int],
) -> Iterator[IService]:
    """A service for each; ``policy`` makes the TLS connections to registries."""
    names = set(source_names(config))
    if STATIC in names:
        yield DefinitionReader(config.definition_directories, reactor, directory, STATIC)
    if EMBEDDED in names:
        yield embedded_service(config, directory, reactor, milliseconds)
    if EUREKA in names:
        calls = Calls(registry_http(reactor, policy), reactor)
        yield EurekaClient(config.eureka.urls, calls, reactor, directory, EUREKA, interval=config.eureka.fetch_interval)


def embedded_service(
    config: Config, directory: Directory, reactor: Any, milliseconds: Callable[[], int]
) -> MultiService:
    """The embedded registry on its port, behind the gateway's own TLS."""
    registry = EmbeddedRegistry(directory, reactor, milliseconds, EMBEDDED)
    factory: Any = embedded_site(registry, reactor, _credentials(config.embedded))
    if config.tls.enabled:
        factory = TLSMemoryBIOFactory(ServerTls(config.tls), False, factory, reactor)
    service = MultiService()
    registry.setServiceParent(service)
    listening = Listening(
        reactor,
        config.embedded.address,
        config.embedded.port,
        factory,
        "https" if config.tls.enabled else "http",
        "registry",
    )
    listening.setServiceParent(service)
    return service


def _credentials(config: EmbeddedConfig) -> Credentials | None:
    if config.userid is None or config.password is None:
        return None
    return config.userid, config.password
