"""Tests of Autobahn as a codec of handshakes."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.proxy.accept import HandshakeError
from apiml_ws.proxy.codec import ServerCodec
from tests.proxy.doubles_handshake import ACCEPT, KEY


class ServerCodecTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.proxy.codec.ServerCodec`."""

    def setUp(self) -> None:
        """One codec serves all."""
        self.clock = Clock()
        self.codec = ServerCodec(cast(Any, self.clock))

    def test_answers_a_key(self) -> None:
        """The 101 has what RFC 6455 asks for, nothing of who we are, and leaves no timer."""
        head = self.codec.switching(KEY, (), None)
        start, *lines = head.split(b"\r\n")
        self.assertEqual(start, b"HTTP/1.1 101 Switching Protocols")
        self.assertEqual(
            sorted(line.lower() for line in lines),
            [b"", b"", b"connection: upgrade", b"sec-websocket-accept: " + ACCEPT.lower(), b"upgrade: websocket"],
        )
        self.assertIn(ACCEPT, head)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_says_what_was_agreed(self) -> None:
        """Subprotocol, extensions and further fields stand in it, the fields byte for byte."""
        head = self.codec.switching(KEY, ("a", "b"), "b", "x; y", ((b"set-Cookie", b"\xe9"), (b"set-Cookie", b"2")))
        self.assertIn(b"\r\nSec-WebSocket-Protocol: b\r\n", head)
        self.assertIn(b"\r\nset-Cookie: \xe9\r\nset-Cookie: 2\r\nSec-WebSocket-Extensions: x; y\r\n\r\n", head)
        self.assertEqual(head.count(b"\r\n\r\n"), 1)

    def test_refuses_what_autobahn_refuses(self) -> None:
        """A request that passed by mistake does not get a 101."""
        self.assertRaises(HandshakeError, self.codec.switching, b"short", (), None)
