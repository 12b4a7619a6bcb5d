"""Requests to a resource in memory, answers as they are on the wire (nothing is inflated on the way)."""

from __future__ import annotations

from collections.abc import Mapping

import treq
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer
from twisted.web.resource import Resource
from zope.interface import implementer

from tests.discovery.registry_behaviour import Answered


@implementer(IBodyProducer)
class WholeBody:
    """A request's body, sent at once."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Write it."""
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Too late."""

    def resumeProducing(self) -> None:
        """Too late."""

    def stopProducing(self) -> None:
        """Too late."""


class Asker:
    """Sends requests to what is at ``/eureka``."""

    def __init__(self, case: SynchronousTestCase, resource: Resource) -> None:
        root = Resource()
        root.putChild(b"eureka", resource)
        self._case = case
        self._agent = RequestTraversalAgent(root)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """The answer to a request, whose ``Accept`` is JSON unless said otherwise."""
        sent = Headers({name: [value] for name, value in {"Accept": "application/json", **(headers or {})}.items()})
        uri = f"http://registry/eureka{path}".encode()
        waiting = self._agent.request(method.encode(), uri, sent, None if body is None else WholeBody(body))
        response = self._case.successResultOf(waiting)
        answered = {name.decode().lower(): values[0].decode() for name, values in response.headers.getAllRawHeaders()}
        return Answered(response.code, answered, self._case.successResultOf(treq.content(response)))
