"""The sources of routes that a configuration names, as one service that keeps one directory; and the way back into them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from twisted.application.service import MultiService
from twisted.internet.threads import deferToThreadPool
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.iweb import IPolicyForHTTPS

from apiml_ws.bounded import Bounded
from apiml_ws.core.config import Config, EmbeddedConfig
from apiml_ws.core.directory import Directory
from apiml_ws.core.lobby import Lobby
from apiml_ws.discovery.backup import Backup
from apiml_ws.discovery.calls import Calls
from apiml_ws.discovery.definition_files import DefinitionReader
from apiml_ws.discovery.embedded import EmbeddedRegistry, embedded_site
from apiml_ws.discovery.embedded_resource import Credentials
from apiml_ws.discovery.entry import Within
from apiml_ws.discovery.eureka import EurekaClient
from apiml_ws.discovery.lease import LeaseKeeper
from apiml_ws.discovery.registration import Registration
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


class Sources(MultiService):
    """All sources that ``config`` names.

    ``policy`` makes the TLS connections to registries; ``milliseconds`` gives the time since 1970.  There are at most
    ``registrants`` connections to the embedded registry.
    """

    def __init__(
        self,
        config: Config,
        directory: Directory,
        reactor: Any,
        policy: IPolicyForHTTPS,
        milliseconds: Callable[[], int],
        registrants: int,
    ) -> None:
        super().__init__()
        self._config = config
        self._directory = directory
        self._reactor = reactor
        self._milliseconds = milliseconds
        self._registrants = registrants
        self._calls = Calls(registry_http(reactor, policy), reactor)
        self._embedded: EmbeddedRegistry | None = None
        self._eureka: EurekaClient | None = None
        self._make(set(source_names(config)))

    def _make(self, names: set[str]) -> None:
        if STATIC in names:
            folders = self._config.definition_directories
            DefinitionReader(folders, self._reactor, self._directory, STATIC).setServiceParent(self)
        if EMBEDDED in names:
            self._embedded = EmbeddedRegistry(self._directory, self._reactor, self._milliseconds, EMBEDDED)
            self._embedded.setServiceParent(self)
            embedded_listening(self._config, self._embedded, self._reactor, self._registrants).setServiceParent(self)
        if EUREKA in names:
            self._eureka = self._client()
            self._eureka.setServiceParent(self)

    def _client(self) -> EurekaClient:
        config = self._config
        return EurekaClient(
            config.eureka.urls,
            self._calls,
            self._reactor,
            self._directory,
            EUREKA,
            config.eureka.fetch_interval,
            own=config.service_id.lower(),
            backup=None if config.eureka.backup_file is None else self._backup(config.eureka.backup_file),
        )

    def _backup(self, file: str) -> Backup:
        reactor = self._reactor
        return Backup(
            Path(file),
            reactor.seconds,
            time.time,
            lambda write: deferToThreadPool(reactor, reactor.getThreadPool(), write),
        )

    def refresh(self) -> None:
        """Read the registry soon, since it has news; sources of other kinds know theirs at once."""
        if self._eureka is not None:
            self._eureka.fetch_now()

    def keepers(self, said: Registration) -> Iterator[LeaseKeeper]:
        """What keeps ``said`` registered, with the configured registries and with the embedded one, if it is to be."""
        eureka = self._config.eureka
        if self._embedded is not None and eureka.register:
            within = Within(self._embedded.leases)
            yield LeaseKeeper(said, ("embedded:",), within, self._reactor, self._milliseconds)
        if eureka.urls and eureka.register:
            yield LeaseKeeper(said, eureka.urls, self._calls, self._reactor, self._milliseconds)


def embedded_listening(config: Config, registry: EmbeddedRegistry, reactor: Any, seats: int) -> Listening:
    """The embedded registry's port, behind the gateway's own TLS, for ``seats`` connections."""
    factory: Any = embedded_site(registry, reactor, _credentials(config.embedded))
    if config.tls.enabled:
        factory = TLSMemoryBIOFactory(ServerTls(config.tls), False, factory, reactor)
    lobby = Lobby(seats, "registry", reactor.seconds)
    bounded: Any = Bounded(factory, lobby)
    scheme = "https" if config.tls.enabled else "http"
    return Listening(reactor, config.embedded.address, config.embedded.port, bounded, scheme, "registry", lobby.room)


def _credentials(config: EmbeddedConfig) -> Credentials | None:
    if config.userid is None or config.password is None:
        return None
    return config.userid, config.password
