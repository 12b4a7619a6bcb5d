"""From registrations to instances that can be dialled; what makes no sense is left out, and named in the log once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from twisted.logger import Logger

from apiml_ws.core.registry import Instance, InvalidInstanceError, instance, invalid_routes
from apiml_ws.core.settings import nonsense
from apiml_ws.discovery.registration import LeftOut, Registration

#: Characters of a registry's words that go to the log.
_SHOWN: Final = 40


def usable(registrations: Iterable[Registration]) -> tuple[tuple[Instance, ...], tuple[LeftOut, ...]]:
    """The instances that make sense; and what does not: other instances, routes and settings of those that do."""
    instances: list[Instance] = []
    left_out: list[LeftOut] = []
    for registration in registrations:
        try:
            instances.append(instance_of(registration))
            reasons = (*invalid_routes(registration.metadata), *invalid_settings(registration.metadata))
        except InvalidInstanceError as error:
            reasons = (str(error),)
        left_out += (LeftOut(registration.app.lower(), registration.key, reason) for reason in reasons)
    return tuple(instances), tuple(left_out)


def invalid_settings(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """What of the settings for sessions is not understood, one text for each key."""
    return tuple(f"{key} {metadata[key][:_SHOWN]!r}, which is not understood" for key in nonsense(metadata))


def is_usable(registration: Registration) -> bool:
    """Whether the instance makes sense, be it UP or not."""
    try:
        instance_of(registration)
    except InvalidInstanceError:
        return False
    return True


def instance_of(registration: Registration) -> Instance:
    """What of a registration matters for routing.

    :raises InvalidInstanceError: nobody could dial it.
    """
    port = registration.secure_port if registration.secure_port.enabled else registration.port
    return instance(
        registration.app.lower(),
        registration.key,
        registration.host_name,
        port.number,
        secure=registration.secure_port.enabled,
        status=registration.status,
        metadata=registration.metadata,
    )


class Omissions:
    """Logs what of a source was left out: when it is first, and again when the reason is another."""

    _log = Logger()

    def __init__(self, source: str) -> None:
        self._source = source
        self._known: frozenset[LeftOut] = frozenset()

    def note(self, left_out: Iterable[LeftOut]) -> None:
        """``left_out`` is all that is left out of the source now."""
        found = dict.fromkeys(left_out)
        for each in found:
            if each not in self._known:
                self._log.warn(
                    "Left out of service {service}, instance {instance}, as {source} has it: {reason}",
                    instance=each.instance,
                    service=each.service,
                    source=self._source,
                    reason=each.reason,
                )
        self._known = frozenset(found)
