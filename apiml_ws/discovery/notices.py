"""What a discovery service tells gateways: something changed, come and read.

Zowe's discovery service sends ``DELETE /gateway/cache/services/{id}`` (or without the id, for all) to every gateway that
is registered, whenever an instance comes, goes or changes its status.  Only who shows a trusted certificate is heard.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import Request

from apiml_ws.core.messages import error_body

#: The path below ``/gateway``; one more segment may name a service.
_PATH: Final = [b"cache", b"services"]


class NoticeResource(Resource):
    """Put it at ``/gateway``; ``changed`` is called at each notice, ``trusted`` says whether a request may bring one."""

    isLeaf = True
    _log = Logger()

    def __init__(self, changed: Callable[[], object], trusted: Callable[[Request], bool]) -> None:
        super().__init__()
        self._changed = changed
        self._trusted = trusted

    def render(self, request: Request) -> bytes:
        """Answer at once; what is read, is read later."""
        segments = [each for each in request.postpath or () if each]
        if segments[:2] != _PATH or len(segments) > 3:
            return _refused(request, 404, error_body("ZWEAM104E", _path(request)))
        if request.method != b"DELETE":
            request.setHeader(b"allow", b"DELETE")
            return _refused(request, 405, error_body("ZWEAO405E"))
        if not self._trusted(request):
            return _refused(request, 403, error_body("ZWEAO402E", _path(request)))
        self._log.debug("Notice of a change from {client}", client=request.getClientAddress())
        self._changed()
        request.setResponseCode(204)
        return b""


def _path(request: Request) -> str:
    return str(request.uri.partition(b"?")[0].decode("latin-1"))


def _refused(request: Request, status: int, body: bytes) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"application/json")
    return body
