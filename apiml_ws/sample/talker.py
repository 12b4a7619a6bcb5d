"""One session of a client that says what it is given and writes down what it hears."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime

#: Seconds that answers are waited for after the end of the input.
PATIENCE = 5.0

Write = Callable[[str], object]


class Talker(WebSocketClientProtocol):
    """The session.

    ``write`` gets each message, ``complain`` why it ended if that was not as it should be.  ``opened`` fires when the
    handshake is done, ``done`` at the end, with the exit status.
    """

    def __init__(self, clock: IReactorTime, write: Write, complain: Write) -> None:
        super().__init__()
        self.opened: Deferred[None] = Deferred()
        self.done: Deferred[int] = Deferred()
        self._clock = clock
        self._write, self._complain = write, complain
        self._unanswered = 0
        self._finishing = False
        self._waiting: IDelayedCall | None = None

    def onOpen(self) -> None:
        """The handshake is done."""
        self.opened.callback(None)

    def say(self, text: bytes) -> None:
        """Send a text message."""
        self._unanswered += 1
        self.sendMessage(text)

    def finish(self) -> None:
        """Nothing more will be said: close when everything was answered, or when patience ends."""
        self._finishing = True
        if self._unanswered > 0:
            self._waiting = self._clock.callLater(PATIENCE, self.sendClose, 1000)
        else:
            self.sendClose(1000)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Write it down."""
        self._unanswered -= 1
        self._write(repr(payload) if isBinary else payload.decode("utf-8"))
        if self._finishing and self._unanswered <= 0:
            self.sendClose(1000)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Say how it ended, unless it ended as it should."""
        if self._waiting is not None and self._waiting.active():
            self._waiting.cancel()
        good = wasClean and code in (1000, 1005, None)
        if not good:
            self._complain(f"closed: {self._ending(code, reason)}")
        self.done.callback(0 if good else 1)

    def _ending(self, code: int | None, reason: str | None) -> str:
        """What the peer said, or else what happened."""
        said = (self.remoteCloseCode, self.remoteCloseReason) if self.remoteCloseCode else (code, reason)
        return " ".join(str(part) for part in said if part)


class TalkerFactory(WebSocketClientFactory):
    """Makes ``talker`` the session of a connection."""

    def __init__(self, talker: Talker, url: str, headers: Mapping[str, str], subprotocols: Sequence[str]) -> None:
        super().__init__(url, headers=dict(headers), protocols=list(subprotocols))
        self._talker = talker

    def buildProtocol(self, addr: IAddress | None) -> Talker:
        """The session."""
        self._talker.factory = self
        return self._talker


class Lines:
    """Cuts input into lines for ``talker``."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take more input; nothing means its end. A last line without an end counts."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._talker.say(line.removesuffix(b"\r"))
        if data:
            return
        if self._rest:
            self._talker.say(self._rest)
        self._talker.finish()
