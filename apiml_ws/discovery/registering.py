"""The body of a registration, judged as strictly as Netflix's server does, so that mistakes show here and there alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from apiml_ws.discovery.registration import Registration
from apiml_ws.discovery.wire import WireError, members, parsed, read_instance, text
from apiml_ws.discovery.wire_xml import from_xml

#: What Netflix's server says of a body that it cannot make an instance of.
UNREADABLE = '{"error": "cannot parse request body"}'


class RegistrationError(ValueError):
    """A registration that is answered with 400 and this text."""


def read_registration(body: bytes, media_type: str, app: str) -> Registration:
    """What was posted for the application ``app``; ``media_type`` is ``application/json`` or ``application/xml``.

    :raises RegistrationError: it is not a registration, or one for another application.
    """
    try:
        document = from_xml(body) if media_type == "application/xml" else members(parsed(body), "the body")
        instance = members(document.get("instance"), "instance")
        _check_shape(instance)
        _check_presence(instance, app)
        return replace(read_instance(instance), app=app.upper())
    except WireError as error:
        raise RegistrationError(UNREADABLE) from error


def _check_shape(instance: Mapping[str, object]) -> None:
    if not text(instance.get("app")):
        raise WireError("no app")
    for name in ("port", "securePort"):
        if instance.get(name) is not None:
            members(instance[name], name)
    data_center = instance.get("dataCenterInfo")
    if data_center is not None and not text(members(data_center, "dataCenterInfo").get("@class")):
        raise WireError("dataCenterInfo without @class")


def _check_presence(instance: Mapping[str, object], app: str) -> None:
    for name, spoken in (("hostName", "hostname"), ("ipAddr", "ip address")):
        if not text(instance.get(name)):
            raise RegistrationError(f"Missing {spoken}")
    if text(instance["app"]).upper() != app.upper():
        raise RegistrationError(f"Mismatched appName, expecting {app.upper()} but was {text(instance['app']).upper()}")
    if instance.get("dataCenterInfo") is None:
        raise RegistrationError("Missing dataCenterInfo")
