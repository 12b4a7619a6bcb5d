"""Registrations and JSON instances for tests, each with what the test is about and sound values for the rest."""

from __future__ import annotations

import json
from typing import Any

from apiml_ws.discovery.registration import LeaseInfo, Port, Registration


def registration(instance_id: str = "localhost:svc:9101", app: str = "SVC", **members: Any) -> Registration:
    """A registration that any registry takes."""
    given: dict[str, Any] = {
        "host_name": "localhost",
        "port": Port(9101, enabled=False),
        "secure_port": Port(9101, enabled=True),
        "lease": LeaseInfo(renewal_interval=30, duration=90),
        "last_dirty": 1000,
        **members,
    }
    return Registration(app=app, instance_id=instance_id, **given)


def instance_json(instance_id: str = "localhost:svc:9101", app: str = "SVC", **members: object) -> dict[str, Any]:
    """An instance as Netflix's server writes it."""
    return {
        "instanceId": instance_id,
        "hostName": "localhost",
        "app": app,
        "ipAddr": "127.0.0.1",
        "status": "UP",
        "overriddenStatus": "UNKNOWN",
        "port": {"$": 9101, "@enabled": "false"},
        "securePort": {"$": 9101, "@enabled": "true"},
        "countryId": 1,
        "dataCenterInfo": {"@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", "name": "MyOwn"},
        "leaseInfo": {"renewalIntervalInSecs": 30, "durationInSecs": 90},
        "metadata": {"apiml.routes.ws_v1.gatewayUrl": "ws/v1", "apiml.routes.ws_v1.serviceUrl": "/svc/ws"},
        "vipAddress": "svc",
        "secureVipAddress": "svc",
        "isCoordinatingDiscoveryServer": "false",
        "lastUpdatedTimestamp": "1795487779771",
        "lastDirtyTimestamp": "1795487779770",
        "actionType": "ADDED",
        **members,
    }


def without(members: dict[str, Any], *names: str) -> dict[str, Any]:
    """``members`` but for those named."""
    return {name: value for name, value in members.items() if name not in names}


def applications_json(*instances: object, **members: object) -> bytes:
    """An answer with one application that has ``instances``."""
    application = [{"name": "SVC", "instance": list(instances)}] if instances else []
    applications = {"versions__delta": "1", "apps__hashcode": "UP_1_", "application": application, **members}
    return json.dumps({"applications": applications}).encode()
