"""What a service says of itself to a Eureka registry, and what the registry adds: one frozen value, both ways.

Times on Eureka's wire are milliseconds since 1970 (``…_at``, ``last_…``), lengths of time whole seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

from apiml_ws.core.registry import NO_METADATA, Status


class Action(Enum):
    """What became of an instance since it was listed last; Eureka's ``actionType``."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Port:
    """A port and whether it is in use; a disabled one often has the number of the other."""

    number: int
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseInfo:
    """How often an instance renews, and for how long it counts as there without a renewal (whole seconds).

    The times are what the registry wrote down; a registration leaves them 0.
    """

    renewal_interval: int = 30
    duration: int = 90
    registered_at: int = 0
    last_renewal_at: int = 0
    evicted_at: int = 0
    service_up_at: int = 0


#: ``dataCenterInfo`` of everyone who is not in Amazon's cloud.
MY_OWN: Final[Mapping[str, object]] = MappingProxyType(
    {"@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", "name": "MyOwn"}
)

#: What Eureka assumes of a registration that names no port.
DEFAULT_PORT: Final = Port(7001, enabled=True)

#: What Eureka assumes of a registration that names no secure port.
DEFAULT_SECURE_PORT: Final = Port(7002, enabled=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One instance as Eureka's wire has it.

    ``instance_id`` may be empty: then the host name stands for it (see :attr:`key`).  ``status`` is the one in force,
    overrides included; ``overridden_status`` UNKNOWN means none.  ``texts`` are members that are passed on unread, by
    their names on the wire (``homePageUrl``, ``vipAddress`` …).
    """

    app: str
    host_name: str
    instance_id: str = ""
    ip_addr: str = "127.0.0.1"
    status: Status = Status.UP
    overridden_status: Status = Status.UNKNOWN
    port: Port = DEFAULT_PORT
    secure_port: Port = DEFAULT_SECURE_PORT
    country_id: int = 1
    data_center: Mapping[str, object] = field(default_factory=lambda: MY_OWN)
    lease: LeaseInfo = LeaseInfo()
    metadata: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)
    texts: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)
    coordinating: bool = False
    last_updated: int = 0
    last_dirty: int = 0
    action: Action | None = None

    @property
    def key(self) -> str:
        """The id under which the registry has it."""
        return self.instance_id or self.host_name


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An instance or a route of it that cannot be used, and why; ``instance`` is its id as far as it has one."""

    service: str
    instance: str
    reason: str
