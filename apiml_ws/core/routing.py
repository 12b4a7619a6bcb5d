"""Where a session goes: request target and snapshot -> :class:`Target` or :class:`Refusal`.

    origin_form(resource: bytes) -> bytes
    unsafe(resource: bytes) -> str | None
    is_session_path(resource: bytes) -> bool
    route(resource: bytes, snapshot: Snapshot) -> Target | Refusal

``/ws/<version>/<service>/<rest>`` and ``/<service>/ws/<version>/<rest>`` are understood.  Service, ``ws`` and version are
compared percent-decoded, once, and the service whatever its case; what is sent on is never decoded.  All functions take
the request target as it stood in the request line, in absolute form too, and never raise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from apiml_ws.core.closing import Cause
from apiml_ws.core.registry import Instance, Route, Service, Snapshot

_ABSOLUTE: Final = re.compile(rb"(?:https?|wss?)://[^/?#]*", re.IGNORECASE)
_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
_NOT_VISIBLE: Final = re.compile(rb"[^\x21-\x7e]")
#: A segment that is one dot or two, with or without parameters.
_DOTS: Final = re.compile(rb"(?:\A|[/\\])\.{1,2}(?:\Z|[/\\;])")
_WS: Final = "ws"
#: Request targets that are remembered, and how many bytes they may have.
_REMEMBERED: Final = 1000
_SHORT: Final = 256
#: How often a path is decoded in search of dot segments: services behind other proxies decode more than once.
_DECODINGS: Final = 3


@dataclass(frozen=True, slots=True)
class Target:
    """What a session is routed to.

    ``rest`` is the path after what the route names, with the query, as on the wire.  ``prefix`` is what of the gateway's
    path was replaced, without a slash at its end, visible ASCII only.
    """

    service: Service
    route: Route
    rest: bytes
    prefix: str

    @property
    def resource(self) -> bytes:
        """The request target for the service: serviceUrl, rest of the path and query, never decoded."""
        return _joined(self.route, self.rest)

    def resource_at(self, instance: Instance) -> bytes:
        """``resource`` for one instance: with its own serviceUrl where the instances of the service differ in it."""
        own = instance.routes.get(self.route.gateway_url, self.route)
        return _joined(own, self.rest)

    def url(self, instance: Instance) -> str:
        """The service's URL at ``instance`` without the query, for close reasons and messages."""
        return self.uri(instance).partition("?")[0]

    def uri(self, instance: Instance) -> str:
        """The service's URL at ``instance`` with the query, for the session list."""
        return instance.address + _visible(self.resource_at(instance))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no target; ``subject`` fills the ``%s`` of the cause's text."""

    cause: Cause
    subject: str = ""


def origin_form(resource: bytes) -> bytes:
    """Path and query of a request target in absolute form; any other target as it is (RFC 9112 section 3.2)."""
    absolute = _ABSOLUTE.match(resource)
    if absolute is None:
        return resource
    path = resource[absolute.end() :]
    return path if path.startswith(b"/") else b"/" + path


def unsafe(resource: bytes) -> str | None:
    """Why ``resource`` is answered with 400 whatever its path; None if nothing is wrong with it.

    Dot segments are found encoded, overlong, made with encoded slashes or backslashes, and with path parameters
    (``..;x``, which Java servers drop).  A query may hold anything but raw control characters.
    """
    return _short_unsafe(resource) if len(resource) <= _SHORT else _unsafe(resource)


def _unsafe(resource: bytes) -> str | None:
    path = origin_form(resource).partition(b"?")[0]
    if _CONTROL.search(resource) or _CONTROL.search(unquote_to_bytes(path)):
        return "control character"
    if b"#" in resource:
        return "fragment"
    return "dot segment" if _has_dot_segment(path) else None


_short_unsafe: Final = lru_cache(maxsize=_REMEMBERED)(_unsafe)


def _has_dot_segment(path: bytes) -> bool:
    for _ in range(_DECODINGS + 1):
        if _DOTS.search(path) is not None:
            return True
        decoded = unquote_to_bytes(path).replace(b"\xc0\xae", b".").replace(b"\xc0\xaf", b"/")
        if decoded == path:
            return False
        path = decoded
    return False


def is_session_path(resource: bytes) -> bool:
    """Whether ``resource`` is for the WebSocket gateway: ``ws`` is its first or second segment.

    Such a path may still be refused by :func:`route`; an upgrade on any other is 404.
    """
    return _short_is_session_path(resource) if len(resource) <= _SHORT else _is_session_path(resource)


def _is_session_path(resource: bytes) -> bool:
    segments = origin_form(resource).partition(b"?")[0].split(b"/", 3)
    return segments[0] == b"" and _WS in map(_text, segments[1:3])


_short_is_session_path: Final = lru_cache(maxsize=_REMEMBERED)(_is_session_path)


def route(resource: bytes, snapshot: Snapshot) -> Target | Refusal:
    """The target of ``resource`` as ``snapshot`` knows it; checks in the order of the close code table."""
    target = origin_form(resource)
    path, mark, query = target.partition(b"?")
    segments = path.split(b"/", 4)
    if len(segments) < 5 or not is_session_path(target):
        return Refusal(Cause.INVALID_PATH)
    service_id, version = _places(segments, snapshot)
    service = snapshot.services.get(_text(service_id).lower())
    if service is None:
        return Refusal(Cause.UNKNOWN_SERVICE, _visible(service_id))
    found = service.routes.get(f"{_WS}/{_text(version)}")
    if found is None:
        return Refusal(Cause.UNKNOWN_ROUTE, _visible(version))
    if not service.up:
        return Refusal(Cause.NO_INSTANCE, _visible(service_id))
    return Target(service, found, segments[4] + mark + query, _visible(b"/".join(segments[:4])))


class Routes:
    """Where the request targets of these days lead, as long as the snapshot is the same; few clients ask for other ones."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._known: dict[bytes, Target | Refusal] = {}

    def route(self, resource: bytes, snapshot: Snapshot) -> Target | Refusal:
        """See :func:`route`."""
        if snapshot is not self._snapshot:
            self._snapshot, self._known = snapshot, {}
        found = self._known.get(resource)
        if found is None:
            found = route(resource, snapshot)
            if len(self._known) < _REMEMBERED and len(resource) <= _SHORT:
                self._known[resource] = found
        return found


def _places(segments: list[bytes], snapshot: Snapshot) -> tuple[bytes, bytes]:
    """Service and version among the five ``segments``; where both forms fit, a known service ``ws`` decides."""
    _, first, second, third, _ = segments
    if _text(first) == _WS and (_text(second) != _WS or _WS not in snapshot.services):
        return third, second
    return first, third


def _joined(found: Route, rest: bytes) -> bytes:
    start = _visible(found.service_url.encode()).encode()
    return (start if start.endswith(b"/") else start + b"/") + rest


def _text(segment: bytes) -> str:
    return (unquote_to_bytes(segment) if b"%" in segment else segment).decode("utf-8", "replace")


def _visible(text: bytes) -> str:
    """``text`` with all that may not stand in a URL or a header percent-encoded."""
    if _NOT_VISIBLE.search(text) is not None:
        text = _NOT_VISIBLE.sub(lambda byte: b"%%%02X" % ord(byte[0]), text)
    return text.decode("ascii")
