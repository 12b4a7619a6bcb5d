"""Registries for tests that answer what they are told to, over HTTP in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.web.iweb import IResponse
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from apiml_ws.discovery.calls import HttpClient


@dataclass
class Scripted:
    """An answer: ``body`` with ``status``; ``hang`` for none at all, ``unfinished`` for one that never ends."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    unfinished: bool = False


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    host: str
    uri: str
    headers: dict[str, str]
    body: bytes


class ScriptedRegistry(Resource):
    """Gives its answers in turn, the last one again and again, and remembers what it was asked.

    ``answers`` are those of any server; ``by_host`` those of the server with that host name.  ``deltas`` are for requests of
    deltas, of which nothing is remembered, and which are refused, as long as there are none.
    """

    isLeaf = True

    def __init__(self, *answers: Scripted, by_host: dict[str, Scripted] | None = None) -> None:
        super().__init__()
        self.answers = list(answers)
        self.by_host = by_host or {}
        self.deltas: list[Scripted] = []
        self.asked: list[Asked] = []
        self.hanging: list[Request] = []
        self.stub = StubTreq(self)

    @property
    def client(self) -> HttpClient:
        """What asks this registry, whatever the server's address."""
        return cast(HttpClient, self.stub)

    @property
    def lines(self) -> list[str]:
        """Method and target of all requests."""
        return [f"{asked.method} {asked.uri}" for asked in self.asked]

    def render(self, request: Request) -> bytes | int:
        """Answer as scripted."""
        if request.uri.endswith(b"/apps/delta"):
            if not self.deltas:
                return self._given(request, Scripted(403))
            self._note(request)
            return self._given(request, _next(self.deltas))
        host = self._note(request)
        return self._given(request, self.by_host.get(host) or _next(self.answers))

    def _note(self, request: Request) -> str:
        headers = {
            name.decode().lower(): b", ".join(values).decode()
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        assert request.content is not None
        host = str(request.getRequestHostname().decode())
        self.asked.append(Asked(request.method.decode(), host, request.uri.decode(), headers, request.content.read()))
        return host

    def _given(self, request: Request, scripted: Scripted) -> bytes | int:
        request.setResponseCode(scripted.status)
        for name, value in scripted.headers.items():
            request.setHeader(name, value)
        if scripted.hang or scripted.unfinished:
            self.hanging.append(request)
        if scripted.hang:
            return NOT_DONE_YET
        if scripted.unfinished:
            request.write(scripted.body)
            return NOT_DONE_YET
        return scripted.body

    def finish_hanging(self, body: bytes = b"") -> None:
        """Answer all who wait."""
        hanging, self.hanging = self.hanging, []
        for request in hanging:
            request.write(body)
            request.finish()
        self.stub.flush()


def _next(answers: list[Scripted]) -> Scripted:
    return answers.pop(0) if len(answers) > 1 else answers[0]


class BrokenClient:
    """An HTTP client whose requests fail before they reach anybody."""

    def __init__(self, error: Callable[[], Exception]) -> None:
        self._error = error
        self.requests = 0

    def request(self, method: str, url: str, **options: object) -> Deferred[IResponse]:
        """Fail."""
        self.requests += 1
        failed: Deferred[IResponse] = Deferred()
        failed.errback(self._error())
        return failed
