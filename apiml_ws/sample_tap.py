"""twistd's ``discoverableclient`` command: one instance of the sample service.

Several run beside one another, since each takes a free port unless it is told another:

    twistd -n --pidfile= discoverableclient
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from twisted.application.service import IService
from twisted.python import usage

from apiml_ws.core.config import TlsConfig
from apiml_ws.monotonic import use_monotonic_clock
from apiml_ws.proxy.key_material import TlsError
from apiml_ws.sample.authority import DevelopmentAuthority
from apiml_ws.sample_service import SampleService, SampleSettings
from apiml_ws.signals import Signals

#: Where the registry of the quick start is.
DEFAULT_REGISTRY = "https://localhost:10011/eureka/"


class Options(usage.Options):
    """Where the instance listens, what it shows, and where it registers."""

    synopsis = "[options]"
    longdesc = (
        "A sample service that speaks WebSocket: /discoverableclient/ws/uppercase, /header and /echo, for user:pass. "
        "It registers at a Eureka registry. Without --certificate it takes one of the development authority in --state."
    )
    optParameters: ClassVar[list[list[Any]]] = [
        ["address", "a", "127.0.0.1", "Where to listen."],
        ["port", "p", 0, "Where to listen; 0 is any free port.", int],
        ["hostname", None, "localhost", "The host that it registers under."],
        ["instance-id", "i", None, "What it is called in the registry (host:discoverableclient:port)."],
        ["certificate", None, None, "Its certificate with what leads up to a root, a PEM file."],
        ["key", None, None, "The certificate's key, a PEM file."],
        ["ca", None, None, "Whom to trust as registry, a PEM file."],
        ["state", "s", ".state", "The folder of the development authority."],
        ["renewal", None, 5, "Seconds between renewals; the lease is three times that.", int],
    ]
    optFlags: ClassVar[list[list[Any]]] = [
        ["no-tls", None, "Serve ws and http."],
        ["unregistered", None, "Register nowhere, for a static definition."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.registries: list[str] = []
        self.metadata: dict[str, str] = {}

    def opt_registry(self, url: str) -> None:
        """A registry's base URL (https://localhost:10011/eureka/); may be repeated."""
        if not url.startswith(("http://", "https://")):
            raise usage.UsageError(f"--registry {url}: http:// or https:// is needed")
        self.registries.append(url)

    def opt_metadata(self, pair: str) -> None:
        """KEY=VALUE, such as apiml.ws.drain=move; may be repeated."""
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise usage.UsageError(f"--metadata {pair}: KEY=VALUE is needed")
        self.metadata[key] = value

    def postOptions(self) -> None:
        """What belongs together must be there together."""
        if (self["certificate"] is None) != (self["key"] is None):
            raise usage.UsageError("--certificate and --key belong together")
        if not 0 <= self["port"] <= 65535:
            raise usage.UsageError(f"--port {self['port']}: 0 to 65535 is allowed")
        if self["renewal"] < 1:
            raise usage.UsageError(f"--renewal {self['renewal']}: 1 or more is allowed")


def settings(options: Options) -> SampleSettings:
    """What ``options`` say; the development authority is made if it is needed.

    :raises OSError: it cannot be written.
    """
    registries = () if options["unregistered"] else tuple(options.registries) or (DEFAULT_REGISTRY,)
    return SampleSettings(
        address=options["address"],
        port=options["port"],
        hostname=options["hostname"],
        instance_id=options["instance-id"],
        tls=_tls(options, registries),
        registries=registries,
        metadata=options.metadata,
        renewal=options["renewal"],
        duration=3 * options["renewal"],
    )


def _tls(options: Options, registries: tuple[str, ...]) -> TlsConfig:
    enabled = not options["no-tls"]
    certificate, key, ca = options["certificate"], options["key"], options["ca"]
    needed = enabled or any(url.startswith("https:") for url in registries)
    if certificate is None and needed:
        made = development_tls(Path(options["state"]), "discoverableclient", enabled)
        return made if ca is None else replace(made, trust_store=ca)
    return TlsConfig(enabled=enabled, certificate=certificate, private_key=key, trust_store=ca)


def development_tls(state: Path, stem: str, enabled: bool = True) -> TlsConfig:
    """A certificate of the development authority in ``state``, and trust in it.

    :raises OSError: the folder cannot be written.
    """
    authority = DevelopmentAuthority(state, lambda: datetime.now(UTC))
    files = authority.certificate_for(stem)
    return TlsConfig(
        enabled=enabled,
        certificate=str(files.certificate),
        private_key=str(files.key),
        trust_store=str(authority.root()),
    )


def makeService(options: Options) -> IService:
    """The instance, ready to start; what is wrong ends the process with status 1."""
    from twisted.internet import reactor

    return sample(options, reactor)


def sample(options: Options, reactor: Any) -> SampleService:
    """The instance on ``reactor``, with the clock and the dispositions of signals that it needs."""
    use_monotonic_clock(reactor)
    Signals(reactor).install()
    try:
        return SampleService(settings(options), reactor)
    except (TlsError, OSError) as error:
        raise SystemExit(f"discoverableclient: {error}") from error
