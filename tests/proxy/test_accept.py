"""Keys of handshakes and what answers them, held against Autobahn."""

from __future__ import annotations

from base64 import b64encode
from random import Random
from typing import Any, cast

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.interfaces import Headers
from apiml_ws.proxy.accept import HandshakeError, accept, judge, switching
from apiml_ws.proxy.codec import ServerCodec
from apiml_ws.proxy.heads import head_lines
from tests.proxy.doubles_handshake import ACCEPT, KEY

RIGHT: Headers = ((b"upgrade", b"WebSocket"), (b"CONNECTION", b"x, Upgrade"), (b"Sec-WebSocket-Accept", ACCEPT))


class _Referee(WebSocketClientProtocol):
    """Autobahn's client, which sends nothing and only judges."""

    fault: str | None = "incomplete answer"

    def startHandshake(self) -> None:
        """Nothing is asked."""

    def onOpen(self) -> None:
        """The answer is right."""
        self.fault = None

    def failHandshake(self, reason: str) -> None:
        """Keep why."""
        self.fault = reason


def autobahn_takes(headers: Headers) -> bool:
    """Whether Autobahn takes a 101 with ``headers`` for an answer to :data:`KEY`."""
    factory = WebSocketClientFactory(reactor=cast(Any, Clock()))
    factory.setProtocolOptions(openHandshakeTimeout=0)
    referee: Any = _Referee()
    referee.factory, referee.websocket_key = factory, KEY
    referee.makeConnection(StringTransport(lenient=True))
    referee.dataReceived(b"HTTP/1.1 101 Switching Protocols\r\n" + head_lines(headers) + b"\r\n")
    return referee.fault is None


class AnswerTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.proxy.accept.accept` and :func:`~apiml_ws.proxy.accept.switching`."""

    def test_the_example_of_the_rfc(self) -> None:
        """RFC 6455 section 1.3."""
        self.assertEqual(accept(KEY), ACCEPT)

    def test_answers_as_autobahn_does(self) -> None:
        """The same fields with the same values, for any key, whatever was agreed."""
        random, codec = Random(7), ServerCodec(cast(Any, Clock()))
        for _ in range(50):
            key = b64encode(random.randbytes(16))
            for subprotocol, extensions in ((None, ""), ("v12.stomp", ""), (None, "x; y"), ("a", "x")):
                ours = switching(key, subprotocol, extensions)
                theirs = codec.switching(key, () if subprotocol is None else (subprotocol,), subprotocol, extensions)
                self.assertEqual(*(sorted(head.lower().split(b"\r\n")) for head in (ours, theirs)))
                self.assertEqual(ours.find(b"\r\n\r\n"), len(ours) - 4)


class JudgeTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.proxy.accept.judge`."""

    def test_takes_right_answers(self) -> None:
        """Whatever the case and whatever else stands in them, as Autobahn does."""
        for headers in (RIGHT, (*RIGHT, (b"Set-Cookie", b"a")), ((b"Connection", b"a"), *RIGHT)):
            judge(KEY, headers)
            self.assertTrue(autobahn_takes(headers), headers)
        judge(KEY, (*RIGHT, (b"Set-Cookie", b"\xff\xe9")))

    def test_refuses_wrong_ones(self) -> None:
        """A missing or wrong field, and a forged or double accept; the complaint can be read, and Autobahn has it too."""
        upgrade, connection, ours = RIGHT
        for headers in (
            (connection, ours),
            (upgrade, ours),
            (upgrade, connection),
            ((b"upgrade", b"h2c"), connection, ours),
            ((b"upgrade", b"websocket, h2c"), connection, ours),
            (upgrade, (b"connection", b"close"), ours),
            (upgrade, connection, (b"sec-websocket-accept", KEY)),
            (upgrade, connection, (b"sec-websocket-accept", ACCEPT.lower())),
            (upgrade, connection, (b"sec-websocket-accept", b"\x1b")),
            (*RIGHT, ours),
            (upgrade, upgrade, connection, ours),
        ):
            error = self.assertRaises(HandshakeError, judge, KEY, headers)
            self.assertTrue(str(error).isprintable(), headers)
            self.assertFalse(autobahn_takes(headers), headers)
        error = self.assertRaises(HandshakeError, judge, KEY, (upgrade, connection, (b"sec-websocket-accept", b"\xff")))
        self.assertTrue(str(error).isascii())
