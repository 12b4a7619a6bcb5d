"""JSON resources: one document at one path, read by GET and HEAD, never kept by a cache."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from twisted.web.http import NOT_ALLOWED, NOT_FOUND
from twisted.web.resource import Resource
from twisted.web.server import Request

from apiml_ws.core.messages import error_body

JSON: Final = "application/json"
#: What Spring's actuator answers to whoever takes anything.
ACTUATOR: Final = "application/vnd.spring-boot.actuator.v3+json"

#: A status and what the body says.
Answer = tuple[int, object]


class Document(Resource):
    """Answers with what ``read`` says at that moment.  Its path with a slash behind it is the same document."""

    def __init__(self, read: Callable[[], Answer]) -> None:
        super().__init__()
        self._read = read

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Itself for the slash, nothing below."""
        return self if path == b"" and not request.postpath else NotFound()

    def render(self, request: Request) -> bytes | int:
        """The document, or 405."""
        return self.answer(request) if request.method in (b"GET", b"HEAD") else _not_allowed(request)

    def answer(self, request: Request) -> bytes | int:
        """The document."""
        status, content = self._read()
        return respond(request, status, json.dumps(content).encode(), wanted_type(request))


class NotFound(Resource):
    """What is not there, whatever the method."""

    isLeaf = True

    def render(self, request: Request) -> bytes:
        """404."""
        return respond(request, NOT_FOUND, error_body("ZWEAM104E", path(request)))


def _not_allowed(request: Request) -> bytes:
    request.setHeader(b"allow", b"GET, HEAD")
    return respond(request, NOT_ALLOWED, error_body("ZWEAO405E"))


def respond(request: Request, status: int, body: bytes, kind: str = JSON) -> bytes:
    """Set status and headers; ``body`` as :meth:`~twisted.web.resource.IResource.render` returns it."""
    request.setResponseCode(status)
    request.setHeader(b"content-type", kind.encode())
    request.setHeader(b"cache-control", b"no-store")
    request.setHeader(b"x-content-type-options", b"nosniff")
    if request.method != b"HEAD":
        return body
    request.setHeader(b"content-length", b"%d" % len(body))
    return b""


def path(request: Request) -> str:
    """The path that was asked for, without the query."""
    return str(request.uri.partition(b"?")[0].decode("latin-1"))


def media_type(accept: str | None) -> str:
    """Which of the two types an ``Accept`` header prefers (RFC 9110 section 12.5.1); Spring's own if it does not care.

    A header that takes neither gets plain JSON, for want of anything better.
    """
    wanted = _weights(accept or "*/*")
    plain, spring = (_weight(wanted, kind) for kind in (JSON, ACTUATOR))
    return ACTUATOR if spring > 0 and spring >= plain else JSON


def wanted_type(request: Request) -> str:
    """See :func:`media_type`."""
    value = request.getHeader(b"accept")
    return media_type(None if value is None else value.decode("latin-1"))


def _weights(accept: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        weights[kind] = _quality(parameters)
    return weights


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _weight(wanted: dict[str, float], kind: str) -> float:
    ranges = (kind, "application/*", "*/*")
    return next((wanted[each] for each in ranges if each in wanted), 0.0)
