"""What a registry says, as values: services, their instances and their routes.

    instance(service_id, instance_id, host, port, *, secure, status=UP, metadata={}) -> Instance
    invalid_routes(metadata: Mapping[str, str]) -> tuple[str, ...]      what of the routes is left out, for the log
    routes(metadata: Mapping[str, str]) -> Mapping[str, Route]          of one instance
    service(service_id: str, instances: Iterable[Instance]) -> Service
    snapshot(instances: Iterable[Instance]) -> Snapshot
    union(snapshots: Iterable[Snapshot]) -> Snapshot

A registry is not trusted: host names and URLs end up in request lines, so :func:`instance` is how sources make instances.
A :class:`Snapshot` is built once and swapped whole; nothing here changes after it was made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv6Address
from types import MappingProxyType
from typing import Final, TypeVar

_Value = TypeVar("_Value")

#: Metadata that is not there, for instances and services without any.
NO_METADATA: Final[Mapping[str, str]] = MappingProxyType({})

_SERVICE_ID: Final = re.compile(r"[^\s/?#%\\\x00-\x1f\x7f]+")
_HOST_NAME: Final = re.compile(
    r"(?=.{1,254}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.(?!\Z)|\.?\Z))+", re.IGNORECASE
)
_IN_BRACKETS: Final = re.compile(r"\[(.*)\]\Z")
_NOT_IN_PATH: Final = re.compile(r"[\s?#\x00-\x1f\x7f]")
#: The keys of a route; the second spelling is that of Zowe's first releases.
_ROUTE_KEY: Final = re.compile(
    r"(?:apiml\.routes|routed-services)\.(.+)\.(gatewayUrl|serviceUrl|gateway-url|service-url)", re.DOTALL
)
_OLD_SPELLING: Final = {"gateway-url": "gatewayUrl", "service-url": "serviceUrl"}


class InvalidInstanceError(ValueError):
    """An instance that makes no sense; the text says why, without naming the instance."""


class Status(Enum):
    """What Eureka says of an instance; only ``UP`` gets new sessions."""

    UP = "UP"
    DOWN = "DOWN"
    STARTING = "STARTING"
    OUT_OF_SERVICE = "OUT_OF_SERVICE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Instance:
    """One running instance of a service, as it can be dialled.

    ``service_id`` is lower case.  ``port`` is the secure one when ``secure`` (then wss is spoken to it).
    """

    service_id: str
    instance_id: str
    host: str
    port: int
    secure: bool
    status: Status = Status.UP
    metadata: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)
    #: As :func:`routes` finds them in ``metadata``, once: every session asks for them.
    routes: Mapping[str, Route] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "routes", routes(self.metadata))

    @property
    def address(self) -> str:
        """The start of its WebSocket URLs, such as ``wss://host:10012``; an IPv6 host is put in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'wss' if self.secure else 'ws'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Route:
    """``apiml.routes.<key>.gatewayUrl`` and ``.serviceUrl`` of a service, normalised.

    ``gateway_url`` has no slash at its ends (``ws/v1``); ``service_url`` begins with one.
    """

    gateway_url: str
    service_url: str


@dataclass(frozen=True, slots=True)
class Service:
    """A service: all its instances whatever their status, its routes by ``gateway_url``, and its metadata.

    ``metadata`` is what the gateway reads ``apiml.*`` settings from: that of all instances merged.  ``up`` are the instances
    that may get sessions, in the registry's order.
    """

    service_id: str
    instances: tuple[Instance, ...]
    routes: Mapping[str, Route] = field(default_factory=lambda: MappingProxyType({}))
    metadata: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)
    up: tuple[Instance, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        up = tuple(instance for instance in self.instances if instance.status is Status.UP)
        object.__setattr__(self, "up", up)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All services by their lower-case id, as one source or the union of several knew them at one moment."""

    services: Mapping[str, Service] = field(default_factory=lambda: MappingProxyType({}))


#: What the gateway routes on before any source was read.
EMPTY: Final = Snapshot()


def instance(
    service_id: str,
    instance_id: str,
    host: str,
    port: int,
    *,
    secure: bool,
    status: Status = Status.UP,
    metadata: Mapping[str, str] = NO_METADATA,
) -> Instance:
    """The instance that a source describes; an IPv6 ``host`` may be in brackets.

    Raises InvalidInstanceError when its names cannot stand in a URL.
    """
    if not _SERVICE_ID.fullmatch(service_id):
        raise InvalidInstanceError(f"service id {service_id!r} cannot stand in a path")
    if not 1 <= port <= 65535:
        raise InvalidInstanceError(f"port {port} is not between 1 and 65535")
    return Instance(service_id.lower(), instance_id, _host(host), port, secure, status, metadata)


def _host(text: str) -> str:
    if _HOST_NAME.fullmatch(text):
        return text
    try:
        if "%" in text:
            raise ValueError("a scope means nothing to other machines, and may hold any character")
        return str(IPv6Address(_IN_BRACKETS.sub(r"\1", text)))
    except ValueError:
        raise InvalidInstanceError(f"host {text!r} is neither a name nor an address") from None


def routes(metadata: Mapping[str, str]) -> Mapping[str, Route]:
    """The routes of one instance by ``gateway_url``; of two with the same one the key that sorts first wins.

    Left out: a route of which one half is missing, and one whose serviceUrl cannot stand in a request line.
    """
    found: dict[str, Route] = {}
    for _, route in _whole_routes(metadata):
        if not _NOT_IN_PATH.search(route.service_url):
            found.setdefault(route.gateway_url, route)
    return MappingProxyType(found)


def invalid_routes(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Why :func:`routes` leaves out what it does, one text for each route, half ones not counted."""
    return tuple(
        f"route {key!r}: serviceUrl {route.service_url!r}"
        for key, route in _whole_routes(metadata)
        if _NOT_IN_PATH.search(route.service_url)
    )


def _whole_routes(metadata: Mapping[str, str]) -> Iterator[tuple[str, Route]]:
    halves: dict[str, dict[str, str]] = {}
    for name in sorted(metadata, reverse=True):
        parts = _ROUTE_KEY.fullmatch(name)
        if parts is not None:
            halves.setdefault(parts[1], {})[_OLD_SPELLING.get(parts[2], parts[2])] = metadata[name].strip()
    for key, half in sorted(halves.items()):
        if len(half) == 2:
            yield key, Route(half["gatewayUrl"].strip("/"), "/" + half["serviceUrl"].lstrip("/"))


def service(service_id: str, instances: Iterable[Instance]) -> Service:
    """The service that ``instances`` make together.

    Where they contradict each other in a route or in metadata, those that are UP come first, then the order given; an
    instance id that is there twice is the first one's.
    """
    known: dict[str, Instance] = {}
    for one in instances:
        known.setdefault(one.instance_id, one)
    weightiest = sorted(known.values(), key=lambda one: one.status is not Status.UP)
    return Service(
        service_id.lower(),
        tuple(known.values()),
        _first_wins(one.routes for one in weightiest),
        _first_wins(one.metadata for one in weightiest),
    )


def _first_wins(mappings: Iterable[Mapping[str, _Value]]) -> Mapping[str, _Value]:
    merged: dict[str, _Value] = {}
    for mapping in mappings:
        merged = {**mapping, **merged}
    return MappingProxyType(merged)


def snapshot(instances: Iterable[Instance]) -> Snapshot:
    """All ``instances`` by their service, services and instances in the order given."""
    grouped: dict[str, list[Instance]] = {}
    for one in instances:
        grouped.setdefault(one.service_id.lower(), []).append(one)
    return Snapshot(
        MappingProxyType({service_id: service(service_id, members) for service_id, members in grouped.items()})
    )


def union(snapshots: Iterable[Snapshot]) -> Snapshot:
    """All services of ``snapshots``; a service in several has the instances of all, and the first one wins a conflict."""
    services: dict[str, Service] = {}
    for snapshot in snapshots:
        for service_id, service in snapshot.services.items():
            known = services.get(service_id)
            services[service_id] = service if known is None else _merged(known, service)
    return Snapshot(MappingProxyType(services))


def _merged(first: Service, second: Service) -> Service:
    known = {instance.instance_id for instance in first.instances}
    return Service(
        first.service_id,
        (*first.instances, *(instance for instance in second.instances if instance.instance_id not in known)),
        _first_wins((first.routes, second.routes)),
        _first_wins((first.metadata, second.metadata)),
    )
