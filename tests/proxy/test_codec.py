"""Tests of Autobahn as a codec of handshakes."""

from __future__ import annotations

import gc
from base64 import b64encode
from random import Random
from unittest import mock

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.interfaces import Headers
from apiml_ws.proxy import codec
from apiml_ws.proxy.codec import ClientCodec, HandshakeError, ServerCodec
from tests.proxy.doubles_handshake import ACCEPT, KEY


class ServerCodecTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.proxy.codec.ServerCodec`."""

    def setUp(self) -> None:
        """One codec serves all."""
        self.clock = Clock()
        self.codec = ServerCodec(self.clock)

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

    def test_one_after_the_other(self) -> None:
        """Nothing of a handshake, right or refused, is left for the next one; fails when Autobahn keeps more than it did."""
        random = Random(7)
        for _ in range(100):
            key = random.choice((b"short", b64encode(random.randbytes(16))))
            asked = random.choice((((), None), (("a", "b"), "b"), (("c",), None)))
            answers = []
            for each in (self.codec, ServerCodec(self.clock)):
                try:
                    answers.append(each.switching(key, *asked).decode())
                except HandshakeError as error:
                    answers.append(str(error))
            self.assertEqual(*answers)
            self.assertEqual(answers[0].startswith("HTTP/1.1 101 "), key != b"short")

    def test_a_form_once(self) -> None:
        """Autobahn is asked for an answer of each form once, and for every key that is not plainly right."""
        with mock.patch.object(codec, "_begin_anew", wraps=codec._begin_anew) as asked:
            for offered, chosen in (((), None), (("a", "b"), "b"), (("a", "b"), "a")):
                for key in (KEY, b64encode(bytes(16)), KEY):
                    self.assertIn(codec.accept_of(key), self.codec.switching(key, offered, chosen))
            self.assertEqual(3, asked.call_count)
            self.assertRaises(HandshakeError, self.codec.switching, b"short", (), None)
            self.assertEqual(4, asked.call_count)

    def test_forms_are_bounded(self) -> None:
        """A client that makes up subprotocols does not fill the memory."""
        for i in range(200):
            self.codec.switching(KEY, (f"p{i}",), None)
        self.assertLessEqual(len(self.codec._forms), 64)

    def test_subprotocol_that_was_not_offered(self) -> None:
        """Is an error of ours, and no answer."""
        self.assertRaises(HandshakeError, self.codec.switching, KEY, ("a",), "b")
        gc.collect()
        self.flushLoggedErrors()  # of a Deferred that Autobahn let go of


class ClientCodecTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.proxy.codec.ClientCodec`."""

    RIGHT: Headers = ((b"upgrade", b"WebSocket"), (b"CONNECTION", b"x, Upgrade"), (b"Sec-WebSocket-Accept", ACCEPT))

    def setUp(self) -> None:
        """One codec serves all."""
        self.clock = Clock()
        self.codec = ClientCodec(self.clock)
        self.random = Random(5)

    def test_takes_a_right_answer(self) -> None:
        """Whatever else stands in it, and without a timer."""
        self.codec.judge(KEY, (*self.RIGHT, (b"Set-Cookie", b"\xff\xe9"), (b"Sec-WebSocket-Protocol", b"z")))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_form_once(self) -> None:
        """Autobahn judges each form once, and every answer that is not plainly right."""
        with mock.patch.object(codec, "_begin_anew", wraps=codec._begin_anew) as asked:
            for _ in range(3):
                key = b64encode(self.random.randbytes(16))
                self.codec.judge(key, (*self.RIGHT[:2], (b"sec-websocket-accept", codec.accept_of(key))))
            self.assertEqual(1, asked.call_count)
            self.assertRaises(HandshakeError, self.codec.judge, KEY, (*self.RIGHT[:2], (b"sec-websocket-accept", KEY)))
            self.assertEqual(2, asked.call_count)

    def test_forms_are_bounded(self) -> None:
        """A service that makes up connection options does not fill the memory."""
        for i in range(200):
            self.codec.judge(KEY, (self.RIGHT[0], (b"connection", b"upgrade, x%d" % i), self.RIGHT[2]))
        self.assertLessEqual(len(self.codec._forms), 64)

    def test_refuses_wrong_ones(self) -> None:
        """A missing or wrong field, and a forged or double accept."""
        upgrade, connection, accept = self.RIGHT
        for headers in (
            (connection, accept),
            (upgrade, accept),
            (upgrade, connection),
            ((b"upgrade", b"h2c"), connection, accept),
            (upgrade, (b"connection", b"close"), accept),
            (upgrade, connection, (b"sec-websocket-accept", KEY)),
            (upgrade, connection, (b"sec-websocket-accept", b"\xff\x1b")),
            (*self.RIGHT, accept),
        ):
            error = self.assertRaises(HandshakeError, self.codec.judge, KEY, headers)
            self.assertTrue(str(error).isprintable(), headers)

    def test_one_after_the_other(self) -> None:
        """Nothing of a verdict is left for the next one; fails when Autobahn keeps more than it did."""
        random, (upgrade, connection, accept) = Random(7), self.RIGHT
        wrong: tuple[Headers, ...] = ((), (upgrade, connection), (connection, accept), (*self.RIGHT, accept))
        for _ in range(100):
            headers = random.choice((self.RIGHT, *wrong))
            if headers is self.RIGHT:
                self.codec.judge(KEY, headers)
                self.assertRaises(HandshakeError, self.codec.judge, b64encode(random.randbytes(16)), headers)
            else:
                self.assertRaises(HandshakeError, self.codec.judge, KEY, headers)
