"""What a client's handshake means: where it goes, whether it may, what its service is told of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote_from_bytes

from apiml_ws.core import extensions, origin
from apiml_ws.core.callers import caller
from apiml_ws.core.config import Config
from apiml_ws.core.directory import Directory
from apiml_ws.core.headers import Arrival, service_headers, values
from apiml_ws.core.ids import random_id
from apiml_ws.core.interfaces import Headers
from apiml_ws.core.opening import Opening
from apiml_ws.core.registry import NO_METADATA, Instance
from apiml_ws.core.routing import Routes, Target
from apiml_ws.core.settings import Settings
from apiml_ws.proxy.upgrade import Fault, Upgrade

#: In a URI all that is visible ASCII stays as it came.
_VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))
_HIDDEN: Final = re.compile(rb"[^\x21-\x7e]")
_ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Asked:
    """A client's right handshake: the request target in origin form, all fields, how it came, and what it asks for."""

    resource: bytes
    fields: Headers
    arrival: Arrival
    upgrade: Upgrade


@dataclass(frozen=True, slots=True)
class Told:
    """What a client is told in its 101; ``extensions`` in canonical spelling."""

    subprotocol: str | None = None
    extensions: str = ""


class Openings:
    """Makes openings by ``config`` and what ``directory`` knows at that moment; ids come from ``random(16)``."""

    def __init__(self, config: Config, directory: Directory, random: Callable[[int], bytes]) -> None:
        self._config = config
        self._directory = directory
        self._random = random
        self._settings = Settings(config.web_socket)
        self._routes = Routes()

    def judged(self, asked: Asked) -> Opening | Fault:
        """The opening, nothing offered to the service yet; or 403 for an Origin that may not."""
        target = self._routes.route(asked.resource, self._directory.snapshot)
        metadata = target.service.metadata if isinstance(target, Target) else NO_METADATA
        gateway = origin.own(asked.fields, asked.arrival, self._config)
        if not origin.allowed(asked.fields, gateway, self._config, metadata):
            return Fault(403)
        arrival = asked.arrival
        if isinstance(target, Target):
            arrival = Arrival(arrival.peer_host, arrival.peer_port, arrival.scheme, arrival.host, target.prefix)
        passed = service_headers(asked.fields, arrival, self._config.trusted_proxies)
        return Opening(
            session_id=random_id(self._random(16)),
            client_address=client_address(asked.arrival),
            gateway_uri=_uri(gateway.scheme, asked),
            target=target,
            settings=self._settings.of(metadata),
            headers=_HeadersFor(passed, gateway, metadata) if values(passed, b"origin") else _Same(passed),
            caller=caller(asked.fields),
        )

    def client_first(self, asked: Asked, opening: Opening) -> tuple[Opening, Told]:
        """What the client is told before its service is asked, and ``opening`` with the same for the service."""
        subprotocol = self._chosen(asked.upgrade.subprotocols)
        settings = opening.settings
        agreed = (
            extensions.accept(asked.upgrade.extensions, takeover=settings.takeover) if settings.compression else None
        )
        if subprotocol is None and agreed is None:
            return opening, Told()
        told = Told(subprotocol, "" if agreed is None else agreed.spelling)
        offered = () if subprotocol is None else (subprotocol,)
        return replace(opening, subprotocols=offered, extensions=extensions.offer(told.extensions)), told

    def backend_first(self, asked: Asked, opening: Opening) -> Opening:
        """``opening`` with the client's own offers for the service."""
        offered = extensions.passed_on(asked.upgrade.extensions, takeover=opening.settings.takeover)
        return replace(opening, subprotocols=asked.upgrade.subprotocols, extensions=offered)

    def _chosen(self, offered: tuple[str, ...]) -> str | None:
        """The first one that the client offers and the operator supports, whatever its case."""
        if not offered:
            return None
        supported = [name.lower() for name in self._config.web_socket.supported_protocols]
        return next((name for name in offered if _ANY in supported or name.lower() in supported), None)


@dataclass(frozen=True, slots=True)
class _HeadersFor:
    """The fields for one instance or another; a session that moves asks again."""

    passed: Headers
    gateway: origin.Own
    metadata: Mapping[str, str]

    def __call__(self, instance: Instance) -> Headers:
        return origin.for_instance(self.passed, self.gateway, self.metadata, instance)


@dataclass(frozen=True, slots=True)
class _Same:
    """The same fields for every instance: there is no Origin among them."""

    passed: Headers

    def __call__(self, instance: Instance) -> Headers:
        return self.passed


def client_address(arrival: Arrival) -> str:
    """The client as the session list spells it: ``/127.0.0.1:51234``, ``/[::1]:51234``."""
    host = arrival.peer_name or arrival.peer_host
    return f"/[{host}]:{arrival.peer_port}" if ":" in host else f"/{host}:{arrival.peer_port}"


def _uri(scheme: str | None, asked: Asked) -> str:
    start = "wss" if scheme == "https" else "ws"
    resource = asked.resource
    path = quote_from_bytes(resource, safe=_VISIBLE) if _HIDDEN.search(resource) else resource.decode("ascii")
    return f"{start}://{asked.arrival.host}{path}"
