"""One instance of the sample service put together: its port, its sessions, and its place in a registry."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.protocols.tls import TLSMemoryBIOFactory

from apiml_ws.core.config import TlsConfig, Verification
from apiml_ws.discovery.calls import Calls
from apiml_ws.discovery.lease import LeaseKeeper
from apiml_ws.discovery.registration import LeaseInfo, Port, Registration
from apiml_ws.listening import Listening
from apiml_ws.proxy.tls import ClientTls, ServerTls
from apiml_ws.registry_http import registry_http
from apiml_ws.sample.sessions import Sessions
from apiml_ws.sample.site import CONTEXT, sample_site

#: What the gateway reads of a service; the route leads ``ws/v1`` to where the sessions are.
METADATA = MappingProxyType(
    {
        "version": "2.2.0",
        "apiml.routes.ws_v1.gatewayUrl": "ws/v1",
        "apiml.routes.ws_v1.serviceUrl": f"/{CONTEXT}/ws",
        "apiml.service.title": "Discoverable client",
        "apiml.service.description": "A sample service that speaks WebSocket",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSettings:
    """One instance.

    ``port`` 0 is any free one.  ``instance_id`` None is ``host:discoverableclient:port``.  ``tls.enabled`` decides whether
    it serves wss; its certificate serves towards the registry too.  No ``registries``: it is not registered.
    ``renewal`` and ``duration`` of its lease are whole seconds.
    """

    address: str = "127.0.0.1"
    port: int = 0
    hostname: str = "localhost"
    instance_id: str | None = None
    tls: TlsConfig = field(default_factory=TlsConfig)
    registries: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    renewal: int = 5
    duration: int = 15


Keeping = Callable[[Registration], IService]


class SampleService(MultiService):
    """The instance: it registers when its port is open.

    :raises TlsError: the certificate cannot be used.
    """

    def __init__(self, settings: SampleSettings, reactor: Any, keeping: Keeping | None = None) -> None:
        super().__init__()
        self._settings = settings
        self._keeping = keeping or _lease_keeping(settings, reactor)
        self._lease: IService | None = None
        self.sessions = Sessions(reactor)
        factory: Any = sample_site(self.sessions, _info(), reactor)
        if settings.tls.enabled:
            factory = TLSMemoryBIOFactory(ServerTls(settings.tls), False, factory, reactor)
        scheme = "https" if settings.tls.enabled else "http"
        self._listening = Listening(reactor, settings.address, settings.port, factory, scheme, CONTEXT)
        self._listening.setServiceParent(self)

    def startService(self) -> None:
        """Open the port, then register."""
        super().startService()
        if self._settings.registries:
            self._lease = self._keeping(registration(self._settings, self._listening.port))
            self._lease.startService()

    def leave(self) -> Deferred[Any]:
        """Cancel the registration, so that no new sessions come; fires when the registry knows or does not answer."""
        lease, self._lease = self._lease, None
        left: Deferred[Any] = maybeDeferred(lease.stopService if lease is not None else lambda: None)
        return left

    def stopService(self) -> Deferred[Any]:
        """Leave the registry, then close the sessions with 1001, then the port."""
        return self.leave().addCallback(lambda _: self.sessions.end()).addCallback(lambda _: self._close())

    def _close(self) -> Deferred[Any]:
        closed: Deferred[Any] = MultiService.stopService(self)
        return closed


def _info() -> dict[str, object]:
    return {"build": {"name": CONTEXT, "version": version("apiml-ws")}}


def registration(settings: SampleSettings, port: int) -> Registration:
    """What the instance says of itself, once its port is known."""
    secure = settings.tls.enabled
    base = f"{'https' if secure else 'http'}://{settings.hostname}:{port}/{CONTEXT}"
    return Registration(
        app=CONTEXT,
        host_name=settings.hostname,
        instance_id=settings.instance_id or f"{settings.hostname}:{CONTEXT}:{port}",
        port=Port(port, enabled=not secure),
        secure_port=Port(port, enabled=secure),
        lease=LeaseInfo(renewal_interval=settings.renewal, duration=settings.duration),
        metadata=MappingProxyType({**METADATA, **settings.metadata}),
        texts=MappingProxyType(_addresses(base, secure)),
    )


def _addresses(base: str, secure: bool) -> dict[str, str]:
    health = f"{base}/application/health"
    return {
        "homePageUrl": f"{base}/",
        "statusPageUrl": f"{base}/application/info",
        ("secureHealthCheckUrl" if secure else "healthCheckUrl"): health,
        "vipAddress": CONTEXT,
        "secureVipAddress": CONTEXT,
    }


def _lease_keeping(settings: SampleSettings, reactor: Any) -> Keeping:
    """The registry is judged strictly, whatever its address; the service's certificate is shown where it asks for one."""
    policy = ClientTls(settings.tls, Verification.STRICT).https_policy()
    client: Any = registry_http(reactor, policy)
    calls = Calls(client, reactor)
    return lambda said: LeaseKeeper(said, settings.registries, calls, reactor, lambda: time.time_ns() // 1_000_000)
