"""Eureka's JSON and registry values, both ways.

Reading takes whatever real registries and clients were seen to send: numbers and booleans as strings, members that are
null or missing, one object where a list belongs, metadata that is only a Java class name.  Writing is what Netflix's own
server writes, types included.  Readers take parsed JSON; bytes, limits and HTTP are others' business.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from apiml_ws.core.registry import Status
from apiml_ws.discovery.registration import (
    DEFAULT_PORT,
    DEFAULT_SECURE_PORT,
    MY_OWN,
    Action,
    LeaseInfo,
    LeftOut,
    Port,
    Registration,
)

#: Members that are kept and passed on as text, in the order in which Netflix's server writes them.
TEXTS: Final = (
    "appGroupName",
    "homePageUrl",
    "statusPageUrl",
    "healthCheckUrl",
    "secureHealthCheckUrl",
    "vipAddress",
    "secureVipAddress",
    "asgName",
)


class WireError(ValueError):
    """What was read is not what Eureka sends; the text says why, fit for a log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A list of instances, and what the registry says of it.

    ``hashcode`` is that of the whole registry even in a delta; ``version`` grows with each delta.
    """

    registrations: tuple[Registration, ...]
    left_out: tuple[LeftOut, ...] = ()
    hashcode: str = ""
    version: str = ""


def read_answer(body: bytes) -> Answer:
    """What a registry answered to a request for applications or for a delta.

    :raises WireError: it is not JSON, or has no ``applications``.
    """
    document = members(parsed(body), "the answer")
    applications = members(document.get("applications"), "applications")
    registrations: list[Registration] = []
    left_out: list[LeftOut] = []
    for application in listed(applications.get("application")):
        _read_application(application, registrations, left_out)
    return Answer(
        tuple(registrations),
        tuple(left_out),
        text(applications.get("apps__hashcode")),
        text(applications.get("versions__delta")),
    )


def parsed(body: bytes) -> object:
    """The JSON in ``body``.

    :raises WireError: there is none; also when it is nested too deep.
    """
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {type(error).__name__}") from error
    return value


def members(value: object, what: str) -> Mapping[str, object]:
    """``value`` as a JSON object.

    :raises WireError: it is none.
    """
    if not isinstance(value, dict):
        raise WireError(f"{what} is not an object")
    return value


def listed(value: object) -> Sequence[object]:
    """``value`` if it is a list, a list of it if it is not, none if it is absent."""
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def _read_application(application: object, registrations: list[Registration], left_out: list[LeftOut]) -> None:
    if not isinstance(application, dict):
        left_out.append(LeftOut("", "", "the application is not an object"))
        return
    name = text(application.get("name"))
    for instance in listed(application.get("instance")):
        try:
            registrations.append(read_instance(instance, name))
        except WireError as error:
            known = text(instance.get("instanceId")) if isinstance(instance, dict) else ""
            left_out.append(LeftOut(name.lower(), known, str(error)))


def read_instance(value: object, app: str = "") -> Registration:
    """One instance; ``app`` stands in for a name that it does not say itself.

    :raises WireError: it is no object, has no host name or no application name, or a number of it is none.
    """
    instance = members(value, "the instance")
    name, host = text(instance.get("app")) or app, text(instance.get("hostName"))
    if not name:
        raise WireError("no app")
    if not host:
        raise WireError("no hostName")
    overridden = instance.get("overriddenStatus", instance.get("overriddenstatus"))
    return Registration(
        app=name,
        host_name=host,
        instance_id=text(instance.get("instanceId")),
        ip_addr=text(instance.get("ipAddr")),
        status=read_status(instance.get("status"), Status.UP),
        overridden_status=read_status(overridden, Status.UNKNOWN),
        port=_read_port(instance.get("port"), DEFAULT_PORT, "port"),
        secure_port=_read_port(instance.get("securePort"), DEFAULT_SECURE_PORT, "securePort"),
        country_id=number(instance.get("countryId"), 1, "countryId"),
        data_center=_read_data_center(instance.get("dataCenterInfo")),
        lease=_read_lease(instance.get("leaseInfo")),
        metadata=read_metadata(instance.get("metadata")),
        texts=MappingProxyType({key: text(instance[key]) for key in TEXTS if instance.get(key) is not None}),
        coordinating=truth(instance.get("isCoordinatingDiscoveryServer"), absent=False),
        last_updated=number(instance.get("lastUpdatedTimestamp"), 0, "lastUpdatedTimestamp"),
        last_dirty=number(instance.get("lastDirtyTimestamp"), 0, "lastDirtyTimestamp"),
        action=_read_action(instance.get("actionType")),
    )


def text(value: object) -> str:
    """A member as text: a number or boolean as JSON spells it, nothing for what is absent."""
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value)


def number(value: object, absent: int, name: str) -> int:
    """A whole number, also one that was written as text; ``absent`` for what is not there or empty.

    :raises WireError: it is neither; ``name`` is named.
    """
    if value is None or value == "":
        return absent
    try:
        return int(value if isinstance(value, (int, float)) else text(value))
    except (ValueError, OverflowError) as error:
        raise WireError(f"{name} is not a number") from error


def truth(value: object, *, absent: bool) -> bool:
    """A boolean, also one that was written as text, whatever the case; anything but true is false."""
    if value is None:
        return absent
    return value if isinstance(value, bool) else text(value).lower() == "true"


def read_status(value: object, absent: Status) -> Status:
    """A status; UNKNOWN for one that Eureka has not, as its own server takes it."""
    if value is None or value == "":
        return absent
    try:
        return Status(value)
    except ValueError:
        return Status.UNKNOWN


def _read_action(value: object) -> Action | None:
    try:
        return Action(value)
    except ValueError:
        return None


def _read_port(value: object, absent: Port, name: str) -> Port:
    if value is None:
        return absent
    if not isinstance(value, dict):
        return Port(number(value, absent.number, name), absent.enabled)
    # Netflix's server takes what is left out from the default, and null for false.
    switch = truth(value.get("@enabled", absent.enabled), absent=False)
    return Port(number(value.get("$"), absent.number, name), switch)


def _read_data_center(value: object) -> Mapping[str, object]:
    return MappingProxyType(dict(value)) if isinstance(value, dict) else MY_OWN


def _read_lease(value: object) -> LeaseInfo:
    lease = value if isinstance(value, dict) else {}

    def seconds(name: str, absent: int) -> int:
        found = number(lease.get(name), absent, name)
        return found if found > 0 else absent

    return LeaseInfo(
        renewal_interval=seconds("renewalIntervalInSecs", 30),
        duration=seconds("durationInSecs", 90),
        registered_at=number(lease.get("registrationTimestamp"), 0, "registrationTimestamp"),
        last_renewal_at=number(lease.get("lastRenewalTimestamp"), 0, "lastRenewalTimestamp"),
        evicted_at=number(lease.get("evictionTimestamp"), 0, "evictionTimestamp"),
        service_up_at=number(lease.get("serviceUpTimestamp"), 0, "serviceUpTimestamp"),
    )


def read_metadata(value: object) -> Mapping[str, str]:
    """A flat map of texts: Java's class name is no metadata, other kinds of values become what JSON writes for them."""
    found = value if isinstance(value, dict) else {}
    return MappingProxyType(
        {key: each if isinstance(each, str) else json.dumps(each) for key, each in found.items() if key != "@class"}
    )


def hashcode(statuses: Iterable[Status]) -> str:
    """``apps__hashcode``: how many instances have each status, by the names of the statuses; empty for no instance."""
    counts: dict[str, int] = {}
    for status in statuses:
        counts[status.value] = counts.get(status.value, 0) + 1
    return "".join(f"{status}_{counts[status]}_" for status in sorted(counts))
