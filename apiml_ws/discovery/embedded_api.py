"""What the embedded registry answers to which request, as values: Eureka's REST interface without HTTP.

Errors for an unknown instance have no body, since Java clients take one for an instance and do not register again.
A value that is none of its kind is 400 (Netflix's server: 500).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from apiml_ws.core.registry import Status
from apiml_ws.discovery.leases import Leases, Renewal
from apiml_ws.discovery.registering import RegistrationError, read_registration
from apiml_ws.discovery.registration import Registration
from apiml_ws.discovery.wire_out import Members, application_body, applications_body, instance_body

#: Kinds of content in which an instance can be registered.
MEDIA_TYPES: Final = ("application/json", "application/xml")


@dataclass(frozen=True, slots=True)
class Question:
    """A request: ``names`` are those parts of the path that are not fixed, decoded; ``media_type`` is that of ``body``."""

    names: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    media_type: str = ""
    body: bytes = b""
    from_peer: bool = False

    @property
    def app(self) -> str:
        """The name of an application, or whatever comes first."""
        return self.names[0]

    @property
    def instance_id(self) -> str:
        """The id of an instance, or whatever comes last."""
        return self.names[-1]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: ``document`` is to be written as JSON or XML, ``text`` as it is; ``allowed`` are methods for a 405."""

    status: int = 200
    document: Members | None = None
    text: str = ""
    allowed: tuple[str, ...] = ()


NOT_FOUND: Final = Reply(404)


def answer(leases: Leases, method: str, path: tuple[str, ...], question: Question) -> Reply:
    """The reply to ``method`` on ``path``, whose parts are decoded and follow the base path; trailing slashes count not."""
    while path and not path[-1]:
        path = path[:-1]
    for shape, methods in _SHAPES:
        names = _match(shape, path)
        if names is not None:
            chosen = methods.get(method)
            if chosen is None:
                return Reply(405, allowed=tuple(methods))
            return chosen(leases, replace(question, names=names))
    return NOT_FOUND


def _match(shape: tuple[str, ...], path: tuple[str, ...]) -> tuple[str, ...] | None:
    if len(shape) != len(path) or any(fixed not in ("*", part) for fixed, part in zip(shape, path, strict=True)):
        return None
    return tuple(part for fixed, part in zip(shape, path, strict=True) if fixed == "*")


def _applications(leases: Leases, _question: Question) -> Reply:
    return Reply(document=applications_body(leases, leases.version))


def _delta(leases: Leases, _question: Question) -> Reply:
    return Reply(document=applications_body(leases.delta(), leases.version, leases.hashcode))


def _application(leases: Leases, question: Question) -> Reply:
    found = leases.application(question.app)
    return Reply(document=application_body(question.app, found)) if found else NOT_FOUND


def _register(leases: Leases, question: Question) -> Reply:
    if question.media_type not in MEDIA_TYPES:
        return Reply(415)
    try:
        leases.register(read_registration(question.body, question.media_type, question.app))
    except RegistrationError as error:
        return Reply(400, text=str(error))
    return Reply(204)


def _instance(leases: Leases, question: Question) -> Reply:
    return _one(leases.instance(question.app, question.instance_id))


def _by_id(leases: Leases, question: Question) -> Reply:
    return _one(leases.by_id(question.instance_id))


def _one(found: Registration | None) -> Reply:
    return NOT_FOUND if found is None else Reply(document=instance_body(found))


def _renew(leases: Leases, question: Question) -> Reply:
    try:
        last_dirty = _last_dirty(question)
    except ValueError:
        return Reply(400)
    renewal = leases.renew(question.app, question.instance_id, last_dirty)
    if renewal is Renewal.REGISTER_AGAIN:
        return NOT_FOUND
    if renewal is Renewal.OUTDATED and question.from_peer:
        found = _instance(leases, question)
        return Reply(409, found.document)
    return Reply()


def _last_dirty(question: Question) -> int | None:
    found = question.query.get("lastDirtyTimestamp")
    return None if found is None else int(found)


def _cancel(leases: Leases, question: Question) -> Reply:
    return _done(leases.cancel(question.app, question.instance_id))


def _override(leases: Leases, question: Question) -> Reply:
    try:
        status, last_dirty = Status(question.query.get("value")), _last_dirty(question)
    except ValueError:
        return Reply(400)
    return _done(leases.override(question.app, question.instance_id, status, last_dirty or 0))


def _clear_override(leases: Leases, question: Question) -> Reply:
    try:
        status = Status(question.query.get("value", "UNKNOWN"))
    except ValueError:
        return Reply(400)
    return _done(leases.clear_override(question.app, question.instance_id, status))


def _amend(leases: Leases, question: Question) -> Reply:
    return _done(leases.amend(question.app, question.instance_id, question.query))


def _done(known: bool) -> Reply:
    return Reply() if known else NOT_FOUND


def _by_address(member: str) -> Callable[[Leases, Question], Reply]:
    def found(leases: Leases, question: Question) -> Reply:
        return Reply(document=applications_body(leases.by_address(member, question.app), -1))

    return found


#: What stands in the path, ``*`` for any name, and what each method does there; the first that fits counts.
_SHAPES: Final[tuple[tuple[tuple[str, ...], Mapping[str, Callable[[Leases, Question], Reply]]], ...]] = (
    (("apps",), {"GET": _applications}),
    (("apps", "delta"), {"GET": _delta}),
    (("apps", "*"), {"GET": _application, "POST": _register}),
    (("apps", "*", "*"), {"GET": _instance, "PUT": _renew, "DELETE": _cancel}),
    (("apps", "*", "*", "status"), {"PUT": _override, "DELETE": _clear_override}),
    (("apps", "*", "*", "metadata"), {"PUT": _amend}),
    (("instances", "*"), {"GET": _by_id}),
    (("vips", "*"), {"GET": _by_address("vipAddress")}),
    (("svips", "*"), {"GET": _by_address("secureVipAddress")}),
)
