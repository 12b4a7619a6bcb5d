"""The root of all that the gateway serves on its port: WebSocket for services, and the actuator beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET

from apiml_ws.core.config import Config
from apiml_ws.core.directory import Directory
from apiml_ws.core.headers import Arrival, Fields
from apiml_ws.core.places import Places
from apiml_ws.core.routing import is_session_path, unsafe
from apiml_ws.core.stages import Stages
from apiml_ws.proxy.answers import AnswerResource, for_fault
from apiml_ws.proxy.channel import GatewayRequest
from apiml_ws.proxy.codec import ServerCodec
from apiml_ws.proxy.entry import Entrance, Sessions
from apiml_ws.proxy.handover import HandOver, Handover
from apiml_ws.proxy.openings import Asked, Openings
from apiml_ws.proxy.plain_request import plain_request
from apiml_ws.proxy.upgrade import Fault, examine, host, wants_websocket

_ACTUATOR: Final = b"application"
_NOTICES: Final = b"gateway"


class GatewayResource(Resource):
    """Sends each request where it belongs: sessions to the entrance, ``/application`` to ``actuator``, the rest to 404.

    ``/gateway`` is for ``notices``, what a discovery service has to say.  ``random(n)`` gives n bytes for ids of sessions.
    ``hand_over`` takes a client's connection out of Twisted.
    """

    def __init__(
        self,
        config: Config,
        directory: Directory,
        sessions: Sessions,
        places: Places,
        stages: Stages,
        reactor: IReactorTime,
        actuator: IResource | None = None,
        notices: IResource | None = None,
        *,
        random: Callable[[int], bytes] = os.urandom,
        hand_over: HandOver | None = None,
    ) -> None:
        super().__init__()
        self._others = {_ACTUATOR: actuator, _NOTICES: notices}
        entrance = Entrance(
            config.web_socket.handshake,
            Openings(config, directory, random),
            sessions,
            places,
            ServerCodec(reactor),
            hand_over or partial(Handover, reactor),
            stages,
            max(1, ceil(config.web_socket.stop_timeout)),
        )
        #: Where handshakes go.
        self.entrance = entrance
        self._sessions = _SessionResource(entrance)

    def getChildWithDefault(self, path: bytes, request: GatewayRequest) -> IResource:
        """What answers ``request``; whatever its path, it has to be a proper request first."""
        fault = _fault(request)
        if fault is None and is_session_path(request.uri):
            return self._sessions
        other = self._others.get(path)
        if fault is None and other is not None and not wants_websocket(request.fields):
            return other
        return AnswerResource(for_fault(fault or Fault(404), request.path.decode("latin-1")))


class _SessionResource(Resource):
    """Every path that is for the WebSocket gateway."""

    isLeaf = True

    def __init__(self, entrance: Entrance) -> None:
        super().__init__()
        self._entrance = entrance

    def render(self, request: GatewayRequest) -> int:
        """Answer a handshake, or what should have been one."""
        upgrade = examine(request.method, request.clientproto, request.fields)
        if isinstance(upgrade, Fault):
            for_fault(upgrade, request.path.decode("latin-1")).write(request)
        else:
            self._entrance.enter(request, Asked(request.uri, Fields(request.fields), _arrival(request), upgrade))
        return NOT_DONE_YET


def plainly_asked(data: bytes, peer: tuple[str, int], scheme: str) -> Asked | None:
    """What a client asks for that sent ``data``, if that is a handshake without anything odd or wrong about it.

    The same rules hold as for requests that come through HTTP; whatever breaks one is answered there.
    """
    request = plain_request(data)
    if request is None or unsafe(request[0]) is not None or not is_session_path(request[0]):
        return None
    target, fields = request
    named, upgrade = host(fields, b"HTTP/1.1"), examine(b"GET", b"HTTP/1.1", fields)
    if isinstance(named, Fault) or isinstance(upgrade, Fault):
        return None
    return Asked(target, fields, Arrival(*peer, scheme, named.decode("latin-1")), upgrade)


def _fault(request: GatewayRequest) -> Fault | None:
    found = unsafe(request.uri)
    if found is not None:
        return Fault(400, found)
    named = host(request.fields, request.clientproto)
    return named if isinstance(named, Fault) else None


def _arrival(request: GatewayRequest) -> Arrival:
    peer = request.getClientAddress()
    named = request.authority or host(request.fields, request.clientproto)
    assert isinstance(named, bytes), "judged before"
    return Arrival(peer.host, peer.port, "https" if request.isSecure() else "http", named.decode("latin-1"))
