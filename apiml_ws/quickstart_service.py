"""The quick start put together: the gateway with its registry, and two instances of the sample service beside it."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList

from apiml_ws.core.config import Config, TlsConfig
from apiml_ws.core.registry import Snapshot
from apiml_ws.gateway_service import GatewayService
from apiml_ws.quickstart import OPERATOR, State
from apiml_ws.sample.site import CONTEXT
from apiml_ws.sample_service import SampleService, SampleSettings

#: How many instances share the sessions.
INSTANCES: Final = 2

Say = Callable[[str], object]


class QuickStart(MultiService):
    """All of it; ``say`` gets what to try, as soon as it can be tried."""

    def __init__(self, gateway: GatewayService, samples: list[SampleService], welcome: str, say: Say) -> None:
        super().__init__()
        self._gateway, self._samples = gateway, samples
        self._welcome, self._say = welcome, say
        self._welcomed = False
        gateway.directory.subscribe(self._known)
        for service in (gateway, *samples):
            service.setServiceParent(self)

    def _known(self, snapshot: Snapshot) -> None:
        service = snapshot.services.get(CONTEXT)
        if not self._welcomed and service is not None and len(service.up) >= len(self._samples):
            self._welcomed = True
            self._say(self._welcome)

    def stopService(self) -> Deferred[Any]:
        """First the services leave the registry, then the gateway ends the sessions, then the services go."""
        self.running = 0
        leaving = DeferredList([sample.leave() for sample in self._samples])
        leaving.addCallback(lambda _: self._gateway.stopService())
        return leaving.addCallback(lambda _: DeferredList([sample.stopService() for sample in self._samples]))


def with_ports(config: Config, free_port: Callable[[], int]) -> Config:
    """The configuration with real ports in place of 0, so that they can be printed, and with its own registry alone."""
    embedded = replace(config.embedded, enabled=True, port=config.embedded.port or free_port())
    eureka = replace(config.eureka, urls=(_registry(replace(config, embedded=embedded)),))
    return replace(config, port=config.port or free_port(), embedded=embedded, eureka=eureka)


def gateways_own(config: Config) -> Config:
    """What of ``config`` is for the gateway itself: it is in its own registry without asking it over HTTP."""
    return replace(config, eureka=replace(config.eureka, urls=()))


def _registry(config: Config) -> str:
    scheme = "https" if config.tls.enabled else "http"
    embedded = config.embedded
    credentials = ""
    if embedded.userid is not None and embedded.password is not None:
        credentials = f"{quote(embedded.userid, safe='')}:{quote(embedded.password, safe='')}@"
    return f"{scheme}://{credentials}localhost:{embedded.port}/eureka/"


def free_port() -> int:
    """A port of the loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def taken(config: Config) -> list[str]:
    """What stands in the way of the ports, and the way round it; nothing if they are free."""
    wanted = (
        ("gateway", "server.port", config.address, config.port),
        ("registry", "apiml.discovery.embedded.port", config.embedded.address, config.embedded.port),
    )
    return [
        f"the {who} cannot listen on {address}:{port}: {problem}; --set {key}=0 takes any port that is free"
        for who, key, address, port in wanted
        if (problem := _refused(address, port))
    ]


def _refused(address: str, port: int) -> str:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen()
        except OSError as error:
            return error.strerror or str(error)
    return ""


def sample_settings(config: Config, state: State) -> SampleSettings:
    """An instance on any free port that registers at the gateway's registry, over TLS whatever the gateway serves."""
    return SampleSettings(
        tls=TlsConfig(
            certificate=str(state.service.certificate), private_key=str(state.service.key), trust_store=str(state.root)
        ),
        registries=config.eureka.urls,
        renewal=max(1, round(config.eureka.renewal_interval)),
        duration=max(2, round(config.eureka.lease_duration)),
    )


def welcome(config: Config, state: State, python: str, folder: Path) -> str:
    """What to try, with lines to paste in ``folder``; ``python`` is the interpreter that runs this."""
    ws, http = ("wss", "https") if config.tls.enabled else ("ws", "http")
    place = f"localhost:{config.port}"
    session = f"{ws}://{place}/ws/v1/{CONTEXT}/uppercase"
    root = _from(folder, state.root)
    operator = f"{OPERATOR}:{state.password}"
    lines = (
        f"The gateway is ready. {INSTANCES} instances of the service {CONTEXT} share its sessions.",
        "",
        f"  sessions   {session}",
        f"             {ws}://{place}/{CONTEXT}/ws/v1/uppercase   (or header, or echo; user:pass)",
        f"  operators  {http}://{place}/application/websockets   ({operator})",
        f"             {http}://{place}/application/health",
        f"  registry   {http}://localhost:{config.embedded.port}/eureka/apps",
        f"  authority  {root}   (for this machine alone; trust it in a browser to go there)",
        "",
        "Open a session, and type a line:",
        "",
        f"  {_from(folder, Path(python))} -m apiml_ws.sample.talk --ca {root} {session}",
        "",
        "See which sessions are open:",
        "",
        f"  curl --cacert {root} --user {operator} {http}://{place}/application/websockets",
        "",
        "Ctrl-C stops it all.",
    )
    return "".join(f"{line}\n" for line in ("", *lines, ""))


def _from(folder: Path, path: Path) -> str:
    """``path`` as short as it can be said in ``folder``, fit for a shell."""
    return shlex.quote(str(path.relative_to(folder) if path.is_relative_to(folder) else path))
