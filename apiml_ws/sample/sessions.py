"""The sample service's side of WebSocket sessions, by Autobahn."""

from __future__ import annotations

from collections.abc import Callable

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionRequest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorCore

from apiml_ws.sample.answers import Answer

#: Seconds that a client gets to answer a close.
CLOSE_TIMEOUT = 2

Reply = Callable[[bytes, bool], Answer]


class Sessions:
    """All open sessions of one service."""

    def __init__(self, reactor: IReactorCore) -> None:
        self._reactor = reactor
        self._open: set[SampleSession] = set()
        self._gone: list[Deferred[None]] = []

    def __len__(self) -> int:
        return len(self._open)

    def factory(self, reply: Reply) -> WebSocketServerFactory:
        """What makes a session whose messages are answered by ``reply``."""
        factory = _SessionFactory(self, reply, self._reactor)
        factory.setProtocolOptions(webStatus=False, closeHandshakeTimeout=CLOSE_TIMEOUT, openHandshakeTimeout=10)
        return factory

    def opened(self, session: SampleSession) -> None:
        """A session began."""
        self._open.add(session)

    def closed(self, session: SampleSession) -> None:
        """A session ended, or never began."""
        self._open.discard(session)
        if not self._open:
            gone, self._gone = self._gone, []
            for each in gone:
                each.callback(None)

    def end(self) -> Deferred[None]:
        """Close all with 1001; fires when they are gone."""
        if not self._open:
            return succeed(None)
        gone: Deferred[None] = Deferred()
        self._gone.append(gone)
        for session in tuple(self._open):
            session.go_away()
        return gone


class _SessionFactory(WebSocketServerFactory):
    """Makes the session of one request."""

    def __init__(self, sessions: Sessions, reply: Reply, reactor: IReactorCore) -> None:
        super().__init__(reactor=reactor)
        self._sessions, self._reply = sessions, reply

    def buildProtocol(self, addr: object) -> SampleSession:
        """The session."""
        session = SampleSession(self._sessions, self._reply)
        session.factory = self
        return session


class SampleSession(WebSocketServerProtocol):
    """One session: every message is answered at once."""

    def __init__(self, sessions: Sessions, reply: Reply) -> None:
        super().__init__()
        self._sessions = sessions
        self._reply = reply

    def onConnect(self, request: ConnectionRequest) -> str | None:
        """Agree to the first subprotocol that is offered, whatever it is."""
        return request.protocols[0] if request.protocols else None

    def onOpen(self) -> None:
        """The handshake is done."""
        self._sessions.opened(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Answer, and close with 1000 and no reason after the last word."""
        answer = self._reply(payload, isBinary)
        self.sendMessage(answer.payload, answer.binary)
        if answer.last:
            self.sendClose(1000)

    def go_away(self) -> None:
        """Close with 1001 (RFC 6455 section 7.4.1), which Autobahn's ``sendClose`` leaves to servers themselves."""
        self.sendCloseFrame(code=1001, reasonUtf8=b"Service is shutting down", isReply=False)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The session is over, however."""
        self._sessions.closed(self)
