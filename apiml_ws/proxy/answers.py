"""The answers in HTTP: one value, its numbered body, and the two ways to write it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from twisted.web.http import NO_BODY_CODES
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from apiml_ws.core.closing import Cause, closure, http_status
from apiml_ws.core.dialing import DialRefusal
from apiml_ws.core.headers import answer_headers
from apiml_ws.core.interfaces import Headers
from apiml_ws.core.messages import error_body
from apiml_ws.proxy.heads import head_lines
from apiml_ws.proxy.upgrade import Fault

_JSON: Final[Headers] = ((b"Content-Type", b"application/json"),)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a request; ``headers`` without those of its framing.  ``reason`` None: the usual one of the status."""

    status: int
    body: bytes
    headers: Headers = _JSON
    reason: bytes | None = None

    @property
    def phrase(self) -> bytes:
        """What stands behind the status."""
        return HTTPStatus(self.status).phrase.encode() if self.reason is None else self.reason

    def whole(self) -> bytes:
        """Head and body of the last answer on a connection, for when there is no request that could be answered."""
        framing = ((b"Content-Length", b"%d" % len(self.body)), (b"Connection", b"close"))
        head = b"HTTP/1.1 %d %s\r\n" % (self.status, self.phrase)
        return head + head_lines((*self.headers, *framing)) + b"\r\n" + self.body

    def write(self, request: Request) -> None:
        """Answer ``request`` and be done with it."""
        request.setResponseCode(self.status, self.phrase)
        for name, value in self.headers:
            request.responseHeaders.addRawHeader(name, value)
        if self.status not in NO_BODY_CODES:
            request.setHeader(b"content-length", b"%d" % len(self.body))
            request.write(self.body)
        request.finish()


class AnswerResource(Resource):
    """Gives the same answer whatever it is asked."""

    isLeaf = True

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    def render(self, request: Request) -> int:
        """The answer."""
        self._answer.write(request)
        return NOT_DONE_YET


def for_fault(fault: Fault, path: str = "") -> Answer:
    """The answer to a request that is not right; ``path`` is the one that was asked for, without the query."""
    number, *fields = _MESSAGES.get(fault.status, _MALFORMED)
    body = error_body(number, *(field.format(path=path, text=fault.text) for field in fields))
    return Answer(fault.status, body, (*_JSON, *fault.headers))


_MALFORMED: Final = ("ZWEAO400E", "{text}")
_MESSAGES: Final = {
    403: ("ZWEAT403E", "{path}"),
    404: ("ZWEAM104E", "{path}"),
    405: ("ZWEAO405E",),
    500: ("ZWEAO500E",),
    503: ("ZWEAO503E", "{text}"),
}


def for_refusal(refusal: DialRefusal, path: str) -> Answer:
    """The answer to a client whose service could not be had: the service's own if it gave one in HTTP."""
    own = refusal.failure.answer if refusal.failure is not None else None
    if own is not None:
        return Answer(own.status, own.body, answer_headers(own.headers), own.reason)
    return Answer(http_status(refusal.cause), _refusal_body(refusal, path))


def _refusal_body(refusal: DialRefusal, path: str) -> bytes:
    if refusal.cause is Cause.NO_INSTANCE:
        return error_body("ZWEAG710E", refusal.subject)
    text = closure(refusal.cause, refusal.subject, refusal.detail).reason
    match http_status(refusal.cause):
        case 404:
            return error_body("ZWEAM104E", path)
        case 503:
            return error_body("ZWEAO503E", text)
        case 504:
            return error_body("ZWEAM700E", text)
        case _:
            return error_body("ZWEAM701E", refusal.subject or path, text)
