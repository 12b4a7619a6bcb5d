"""Metadata that an operator adds to services which register themselves (``additionalServiceMetadata``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from apiml_ws.core.registry import Instance, Service, Snapshot, service


@dataclass(frozen=True, slots=True)
class Additional:
    """What is added to each instance of a service (its id in lower case).

    ``force``: it wins over what the instance says itself (``FORCE_UPDATE``); otherwise only what is missing is added.
    """

    service_id: str
    metadata: Mapping[str, str]
    force: bool = False


def amended(snapshot: Snapshot, additions: Iterable[Additional]) -> Snapshot:
    """``snapshot`` with all ``additions`` made; one for a service that is not there waits for it."""
    services = dict(snapshot.services)
    for addition in additions:
        known = services.get(addition.service_id)
        if known is not None:
            services[addition.service_id] = _amended_service(known, addition)
    return Snapshot(MappingProxyType(services))


def _amended_service(known: Service, addition: Additional) -> Service:
    return service(known.service_id, (_amended_instance(each, addition) for each in known.instances))


def _amended_instance(instance: Instance, addition: Additional) -> Instance:
    first, second = instance.metadata, addition.metadata
    if not addition.force:
        first, second = second, first
    return replace(instance, metadata=MappingProxyType({**first, **second}))
