"""Services and clients that are not Autobahn: written with the ``websockets`` library, in threads."""

from __future__ import annotations

import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

#: What the sample service asks for.
CREDENTIALS = ("user", "pass")
#: Seconds that any step of a conversation may take.
TIMEOUT = 20.0

Conversation = Callable[[ServerConnection], None]


def basic(name: str, password: str) -> dict[str, str]:
    """The header for HTTP Basic."""
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


VALID = basic(*CREDENTIALS)


def open_session(uri: str, trust: ssl.SSLContext | None = None, **options: Any) -> ClientConnection:
    """A client's session; ``options`` are those of :func:`websockets.sync.client.connect`."""
    headers = options.pop("headers", VALID)
    defaults: dict[str, Any] = {"compression": None, "max_size": None, "proxy": None}
    session: ClientConnection = connect(
        uri,
        ssl=trust,
        additional_headers=headers,
        open_timeout=TIMEOUT,
        close_timeout=TIMEOUT,
        user_agent_header=None,
        **{**defaults, **options},
    )
    return session


def close_of(session: ClientConnection) -> tuple[int | None, str]:
    """How the other end closes ``session``: code and reason; None when there is no close frame (RFC 6455: 1006)."""
    try:
        while True:
            session.recv(timeout=TIMEOUT)
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")


def uppercase(session: ServerConnection) -> None:
    """Section 9 of the contract: text comes back in capitals, and BYE closes."""
    for message in session:
        answer = message.upper()
        session.send(answer)
        if answer == "BYE":
            return


def header(session: ServerConnection) -> None:
    """Section 9 of the contract: every message is answered with all headers of the handshake."""
    assert session.request is not None
    fields = session.request.headers
    names = dict.fromkeys(name.lower() for name in fields)
    items = (f"{name}:" + ", ".join(f'"{value}"' for value in fields.get_all(name)) for name in names)
    text = f"[{', '.join(items)}]"
    for message in session:
        session.send(text)
        if message == "bye":
            return


def echo(session: ServerConnection) -> None:
    """Every message comes back as it is."""
    for message in session:
        session.send(message)


class Service:
    """A WebSocket service on a free port of the loopback interface, with a conversation for each path.

    The first sessions to come are in :attr:`sessions`, so that a test can look at their end of it.
    """

    def __init__(
        self,
        conversations: dict[str, Conversation],
        tls: ssl.SSLContext | None = None,
        authenticate: bool = False,
        before_answer: Callable[[], object] = lambda: None,
        **options: Any,
    ) -> None:
        self._conversations = conversations
        self._authenticate = authenticate
        self._before_answer = before_answer
        self.sessions: list[ServerConnection] = []
        self.answers: dict[str, Response] = {}
        defaults: dict[str, Any] = {"compression": None, "max_size": None, "close_timeout": TIMEOUT}
        self._server = serve(
            self._converse, "127.0.0.1", 0, ssl=tls, process_request=self._admit, **{**defaults, **options}
        )
        self.port: int = self._server.socket.getsockname()[1]
        self.scheme = "https" if tls else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What a registry says of it."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def _admit(self, session: ServerConnection, request: Request) -> Response | None:
        self._before_answer()
        path = request.path.partition("?")[0]
        if path in self.answers:
            return self.answers[path]
        if self._authenticate and request.headers.get("Authorization") != VALID["Authorization"]:
            return session.respond(HTTPStatus.UNAUTHORIZED, "who are you\n")
        if path not in self._conversations:
            return session.respond(HTTPStatus.NOT_FOUND, "no such path\n")
        return None

    def _converse(self, session: ServerConnection) -> None:
        self.sessions.append(session)
        assert session.request is not None
        try:
            self._conversations[session.request.path.partition("?")[0]](session)
        except ConnectionClosed:
            return

    def crash(self) -> None:
        """Be gone without a word, as a machine that loses its power."""
        self._server.socket.shutdown(socket.SHUT_RDWR)
        for session in self.sessions:
            session.socket.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Take no more sessions, and drop those that are open."""
        self._server.shutdown()
        for session in self.sessions:
            session.socket.close()
        self._thread.join(TIMEOUT)
