"""The sample service over HTTP: sessions below ``/discoverableclient/ws``, health and info below ``…/application``."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Final, cast

from autobahn.twisted.resource import WebSocketResource
from twisted.internet.interfaces import IReactorTime
from twisted.web.http import HTTPChannel
from twisted.web.pages import notFound
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site

from apiml_ws.sample.answers import ANSWERS, Answering, Message
from apiml_ws.sample.sessions import Sessions

#: The first segment of every path; the service's id as well.
CONTEXT: Final = "discoverableclient"

#: The only credentials that the service takes.
CREDENTIALS: Final = b"Basic " + b64encode(b"user:pass")

#: Bytes of a handshake's header; the gateway takes 48000 from its clients and adds some.
HEADER_LIMIT: Final = 65536


class SampleChannel(HTTPChannel):
    """HTTP with room for large cookies."""

    MAX_LENGTH = HEADER_LIMIT
    totalHeadersSize = HEADER_LIMIT


class SampleSite(Site):
    """Speaks HTTP/1.1 by :class:`SampleChannel`.  Requests are not logged: the gateway has a line for each session."""

    noisy = False
    protocol = SampleChannel  # type: ignore[assignment]  # without the wrapper that could choose HTTP/2

    def log(self, request: object) -> None:
        """Nothing; Twisted would tell the time by the reactor's clock, which is not that of the day."""


def sample_site(sessions: Sessions, info: Mapping[str, object], reactor: IReactorTime) -> Site:
    """All of the service; ``info`` is what ``/application/info`` says."""
    root, context, operators = Folder(), Folder(), Folder()
    root.putChild(CONTEXT.encode(), context)
    context.putChild(b"ws", Guarded(sessions))
    context.putChild(b"application", operators)
    operators.putChild(b"health", Document({"status": "UP"}))
    operators.putChild(b"info", Document(info))
    return SampleSite(root, reactor=reactor)


class Folder(Resource):
    """What is only there for what is below it."""

    def getChild(self, path: bytes, request: Request) -> IResource:
        """404 for anything else; Twisted's own page for that is one that it warns of."""
        return notFound()

    def render(self, request: Request) -> int | bytes:
        """404 for itself."""
        return cast(int | bytes, notFound().render(request))


class Document(Resource):
    """A JSON document."""

    isLeaf = True

    def __init__(self, content: Mapping[str, object]) -> None:
        super().__init__()
        self._body = json.dumps(content).encode()

    def render_GET(self, request: Request) -> bytes:
        """The document; whoever asks."""
        request.setHeader(b"Content-Type", b"application/json")
        return self._body


class Guarded(Resource):
    """What is below ``/ws``: for those alone who know the credentials."""

    def __init__(self, sessions: Sessions) -> None:
        super().__init__()
        self._sessions = sessions

    def getChild(self, path: bytes, request: Request) -> IResource:
        """401 before 404, so that strangers do not learn what is there."""
        if request.getHeader("Authorization") != CREDENTIALS.decode():
            return Refusal(401, (b"WWW-Authenticate", b'Basic realm="discoverableclient"'))
        answering = ANSWERS.get(path)
        if answering is None or request.postpath:
            return notFound()
        if (request.getHeader("Upgrade") or "").lower() != "websocket":
            return Refusal(426, (b"Upgrade", b"websocket"))
        return self._session(answering, request)

    def render(self, request: Request) -> int | bytes:
        """The folder itself is no path of its own."""
        return cast(int | bytes, self.getChild(b"", request).render(request))

    def _session(self, answering: Answering, request: Request) -> IResource:
        fields = list(request.requestHeaders.getAllRawHeaders())
        factory = self._sessions.factory(lambda payload, binary: answering(Message(payload, binary, fields)))
        return cast(IResource, WebSocketResource(factory))


class Refusal(Resource):
    """A status with one field that says what is wanted, and no body."""

    isLeaf = True

    def __init__(self, status: int, field: tuple[bytes, bytes]) -> None:
        super().__init__()
        self._status, self._field = status, field

    def render(self, request: Request) -> bytes:
        """Refuse."""
        request.setResponseCode(self._status)
        request.setHeader(*self._field)
        return b""
