"""Registry values as Eureka's JSON, in the types and the order in which Netflix's own server writes them.

What is made here are plain values for :func:`json.dumps`; :mod:`apiml_ws.discovery.wire_xml` writes the same as XML.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from apiml_ws.discovery.registration import LeaseInfo, Port, Registration
from apiml_ws.discovery.wire import TEXTS, hashcode

#: A JSON object that is about to be written.
Members = dict[str, object]


def dumped(value: Mapping[str, object]) -> bytes:
    """``value`` as the bytes of a JSON text."""
    return json.dumps(value, separators=(",", ":")).encode()


def registration_body(registration: Registration) -> Members:
    """What a client posts to register; a registry's own members are left out."""
    body = instance_members(registration)
    for name in ("lastUpdatedTimestamp", "actionType"):
        body.pop(name, None)
    lease = registration.lease
    body["leaseInfo"] = {"renewalIntervalInSecs": lease.renewal_interval, "durationInSecs": lease.duration}
    return {"instance": body}


def instance_body(registration: Registration) -> Members:
    """The answer that is one instance."""
    return {"instance": instance_members(registration)}


def application_body(name: str, registrations: Iterable[Registration]) -> Members:
    """The answer that is one application with its instances."""
    return {"application": _application(name, registrations)}


def applications_body(
    registrations: Iterable[Registration], version: int, whole_hashcode: str | None = None
) -> Members:
    """The answer that is a list of applications: all, a delta, or those of a virtual address.

    A delta says ``whole_hashcode``, that of the whole registry; otherwise it is that of ``registrations``.
    """
    grouped: dict[str, list[Registration]] = {}
    for registration in registrations:
        grouped.setdefault(registration.app.upper(), []).append(registration)
    statuses = (each.status for group in grouped.values() for each in group)
    return {
        "applications": {
            "versions__delta": str(version),
            "apps__hashcode": hashcode(statuses) if whole_hashcode is None else whole_hashcode,
            "application": [_application(name, group) for name, group in grouped.items()],
        }
    }


def _application(name: str, registrations: Iterable[Registration]) -> Members:
    return {"name": name.upper(), "instance": [instance_members(each) for each in registrations]}


def instance_members(registration: Registration) -> Members:
    """The members of an instance; what it does not have is left out, never null."""
    written: dict[str, object] = {"instanceId": registration.instance_id} if registration.instance_id else {}
    written |= {
        "hostName": registration.host_name,
        "app": registration.app.upper(),
        "ipAddr": registration.ip_addr,
        "status": registration.status.value,
        "overriddenStatus": registration.overridden_status.value,
        "port": _port(registration.port),
        "securePort": _port(registration.secure_port),
        "countryId": registration.country_id,
        "dataCenterInfo": dict(registration.data_center),
        "leaseInfo": _lease(registration.lease),
        "metadata": dict(registration.metadata) or {"@class": "java.util.Collections$EmptyMap"},
    }
    written |= {name: registration.texts[name] for name in TEXTS if name in registration.texts}
    written |= {
        "isCoordinatingDiscoveryServer": _boolean(registration.coordinating),
        "lastUpdatedTimestamp": str(registration.last_updated),
        "lastDirtyTimestamp": str(registration.last_dirty),
    }
    return written | ({"actionType": registration.action.value} if registration.action else {})


def _port(port: Port) -> Members:
    return {"$": port.number, "@enabled": _boolean(port.enabled)}


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _lease(lease: LeaseInfo) -> Members:
    return {
        "renewalIntervalInSecs": lease.renewal_interval,
        "durationInSecs": lease.duration,
        "registrationTimestamp": lease.registered_at,
        "lastRenewalTimestamp": lease.last_renewal_at,
        "evictionTimestamp": lease.evicted_at,
        "serviceUpTimestamp": lease.service_up_at,
    }
