"""Instances and services for tests that do not care for all of their members."""

from __future__ import annotations

from collections.abc import Mapping

from apiml_ws.core.registry import NO_METADATA, Instance, Status


def routed(*pairs: tuple[str, str]) -> dict[str, str]:
    """Metadata with a route for each pair of gatewayUrl and serviceUrl."""
    return {
        f"apiml.routes.r{number}.{name}": value
        for number, pair in enumerate(pairs)
        for name, value in zip(("gatewayUrl", "serviceUrl"), pair, strict=True)
    }


def an_instance(
    service_id: str = "sample",
    instance_id: str = "host:sample:1",
    metadata: Mapping[str, str] = NO_METADATA,
    *,
    host: str = "host.test",
    port: int = 10012,
    secure: bool = True,
    status: Status = Status.UP,
) -> Instance:
    """One that is UP and speaks wss, unless said otherwise."""
    return Instance(service_id, instance_id, host, port, secure, status, metadata)
