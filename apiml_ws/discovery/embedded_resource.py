"""The embedded registry on the web: twisted.web's side of :mod:`apiml_ws.discovery.embedded_api`."""

from __future__ import annotations

import gzip
import hmac
from typing import Final

from twisted.web import server
from twisted.web.resource import Resource

from apiml_ws.discovery.accepted import Form, form, takes_gzip
from apiml_ws.discovery.embedded_api import Question, Reply, answer
from apiml_ws.discovery.leases import Leases
from apiml_ws.discovery.wire_out import dumped
from apiml_ws.discovery.wire_xml import to_xml

#: A body may be this long; an instance with 300 KB of metadata passes, as it does with Netflix's server.
BODY_LIMIT: Final = 1024 * 1024

#: Userid and password.
Credentials = tuple[str, str]


class RegistryResource(Resource):
    """Eureka's REST interface below the path that it is put at, and below ``v2`` there.

    ``credentials``, if there are any, are asked for by HTTP Basic.
    """

    isLeaf = True

    def __init__(self, leases: Leases, credentials: Credentials | None = None) -> None:
        super().__init__()
        self._leases = leases
        self._credentials = credentials

    def render(self, request: server.Request) -> bytes:
        """Answer one request, at once."""
        # Otherwise an empty answer would claim to be HTML.
        request.defaultContentType = None
        if not self._allowed(request):
            request.setResponseCode(401)
            request.setHeader(b"WWW-Authenticate", b'Basic realm="Eureka", charset="UTF-8"')
            return b""
        method = request.method.decode("latin-1")
        path = tuple(part.decode("utf-8", "replace") for part in request.postpath or ())
        if path[:1] == ("v2",):
            path = path[1:]
        reply = answer(self._leases, "GET" if method == "HEAD" else method, path, _question(request))
        return _written(request, reply, compressible=path[1:] in ((), ("",), ("delta",), ("delta", "")))

    def _allowed(self, request: server.Request) -> bool:
        if self._credentials is None:
            return True
        userid, password = (each.encode() for each in self._credentials)
        # Both are compared whatever the first says, each in constant time.
        matches = (
            hmac.compare_digest(request.getUser(), userid),
            hmac.compare_digest(request.getPassword(), password),
        )
        return all(matches)


def _question(request: server.Request) -> Question:
    body = request.content.read() if request.content else b""
    return Question(
        query={
            name.decode("utf-8", "replace"): values[0].decode("utf-8", "replace") for name, values in _args(request)
        },
        media_type=(request.getHeader("Content-Type") or "").partition(";")[0].strip().lower(),
        body=body,
        from_peer=request.getHeader("x-netflix-discovery-replication") == "true",
    )


def _args(request: server.Request) -> list[tuple[bytes, list[bytes]]]:
    return list((request.args or {}).items())


def _written(request: server.Request, reply: Reply, *, compressible: bool) -> bytes:
    request.setResponseCode(reply.status)
    if reply.allowed:
        request.setHeader(b"Allow", ", ".join(reply.allowed).encode())
    if reply.text:
        request.setHeader(b"Content-Type", b"application/json" if reply.text.startswith("{") else b"text/plain")
        return reply.text.encode()
    if reply.document is None:
        return b""
    chosen = form(request.getHeader("Accept"))
    if chosen is None:
        request.setResponseCode(406)
        return b""
    request.setHeader(b"Content-Type", chosen.value.encode())
    body = dumped(reply.document) if chosen is Form.JSON else to_xml(reply.document)
    return _sent(request, _compressed(request, body) if compressible else body)


def _compressed(request: server.Request, body: bytes) -> bytes:
    request.setHeader(b"Vary", b"Accept, Accept-Encoding")
    if not takes_gzip(request.getHeader("Accept-Encoding")):
        return body
    request.setHeader(b"Content-Encoding", b"gzip")
    return gzip.compress(body, compresslevel=5)


def _sent(request: server.Request, body: bytes) -> bytes:
    if request.method != b"HEAD":
        return body
    request.setHeader(b"Content-Length", str(len(body)).encode())
    return b""
