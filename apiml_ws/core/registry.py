"""What a registry says, as values: services, their instances and their routes.

A :class:`Snapshot` is built once and swapped whole; nothing here changes after it was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

#: Metadata that is not there, for instances and services without any.
NO_METADATA: Final[Mapping[str, str]] = MappingProxyType({})


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

    ``metadata`` is what the gateway reads ``apiml.*`` settings from: that of all instances merged.
    """

    service_id: str
    instances: tuple[Instance, ...]
    routes: Mapping[str, Route] = field(default_factory=lambda: MappingProxyType({}))
    metadata: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)

    @property
    def up(self) -> tuple[Instance, ...]:
        """The instances that may get sessions, in the registry's order."""
        return tuple(instance for instance in self.instances if instance.status is Status.UP)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All services by their lower-case id, as one source or the union of several knew them at one moment."""

    services: Mapping[str, Service] = field(default_factory=lambda: MappingProxyType({}))


#: What the gateway routes on before any source was read.
EMPTY: Final = Snapshot()


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
        MappingProxyType({**second.routes, **first.routes}),
        MappingProxyType({**second.metadata, **first.metadata}),
    )
