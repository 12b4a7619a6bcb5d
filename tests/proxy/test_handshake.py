"""Tests of the handshake with a service, from the request to a leg or a failure."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.interfaces import DialFault, DialRequest, HttpAnswer
from apiml_ws.proxy.handshake import authority, request_head
from apiml_ws.proxy.heads import BODY_LIMIT
from apiml_ws.proxy.leg import Leg
from tests.core.doubles_registry import an_instance
from tests.proxy.doubles_dial import KEY, REQUEST, Network, ServiceEnd, right_answer, right_fields

OFFER = "permessage-deflate; client_max_window_bits"


class RequestTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.proxy.handshake.request_head`."""

    def test_writes_fields_byte_for_byte(self) -> None:
        """Own fields first, then the others in their order, with their case, bytes and lines."""
        request = replace(REQUEST, subprotocols=("b", "a"), extensions=("x; y", "z"))
        self.assertEqual(
            request_head(request, KEY),
            b"GET /sample/ws/a?b=%20 HTTP/1.1\r\n"
            b"Host: 127.0.0.1:10012\r\n"
            b"Upgrade: websocket\r\n"
            b"Connection: Upgrade\r\n"
            b"Sec-WebSocket-Key: " + KEY + b"\r\n"
            b"Sec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: b, a\r\n"
            b"Sec-WebSocket-Extensions: x; y, z\r\n"
            b"x-A: 1\r\n"
            b"X-a: \xe9\r\n"
            b"\r\n",
        )

    def test_offers_nothing_when_there_is_nothing(self) -> None:
        """Without subprotocols and extensions their fields are not there."""
        head = request_head(REQUEST, KEY)
        self.assertNotIn(b"Sec-WebSocket-Protocol", head)
        self.assertNotIn(b"Sec-WebSocket-Extensions", head)

    def test_host(self) -> None:
        """The port where it is not the scheme's, brackets for IPv6, ASCII for a name that is not."""
        for host, port, secure, expected in (
            ("a.test", 10012, True, b"a.test:10012"),
            ("a.test", 443, True, b"a.test"),
            ("a.test", 443, False, b"a.test:443"),
            ("a.test", 80, False, b"a.test"),
            ("::1", 80, True, b"[::1]:80"),
            ("::1", 443, True, b"[::1]"),
            ("b\xfccher.test", 443, True, b"xn--bcher-kva.test"),
        ):
            self.assertEqual(authority(an_instance(host=host, port=port, secure=secure)), expected)


class AnswerTests(SynchronousTestCase):
    """What a service may answer, and what becomes of it."""

    def _dialled(self, request: DialRequest = REQUEST, limit: int = 48000) -> tuple[Network, ServiceEnd]:
        network = Network(limit)
        network.dial(request)
        return network, network.accept()

    def _leg(self, *data: bytes, request: DialRequest = REQUEST) -> Leg:
        network, service = self._dialled(request)
        service.say(*data)
        self.assertEqual((network.waits, network.told.failures), (False, []))
        return cast(Leg, network.told.legs[0])

    def test_asks_at_once(self) -> None:
        """Over TCP the request is the first thing that is said."""
        _, service = self._dialled()
        self.assertEqual(service.asked, request_head(REQUEST, KEY))

    def test_right_answer_gives_a_leg(self) -> None:
        """With all headers of the answer, and nothing that waits."""
        leg = self._leg(right_answer((b"set-Cookie", b"\xe9")))
        self.assertEqual(leg.answer_headers, (*right_fields(), (b"set-Cookie", b"\xe9")))
        self.assertEqual((leg.early, leg.extensions, leg.subprotocol), (b"", "", None))

    def test_byte_by_byte(self) -> None:
        """However the answer comes."""
        answer = right_answer()
        self._leg(*(answer[at : at + 1] for at in range(len(answer))))

    def test_early_bytes_are_kept(self) -> None:
        """Those in the segment of the 101; what comes later is still to be read."""
        network, service = self._dialled()
        service.say(right_answer() + b"\x81\x01a", b"\x81")
        self.assertEqual(cast(Leg, network.told.legs[0]).early, b"\x81\x01a")

    def test_agreement_is_that_of_the_answer(self) -> None:
        """One of the subprotocols that were offered, or none; extensions in canonical spelling."""
        request = replace(REQUEST, subprotocols=("a", "b"), extensions=(OFFER,))
        extensions = (b"Sec-WebSocket-Extensions", b"permessage-deflate;client_max_window_bits=10")
        leg = self._leg(right_answer((b"Sec-WebSocket-Protocol", b"b"), extensions), request=request)
        self.assertEqual((leg.subprotocol, leg.extensions), ("b", "permessage-deflate; client_max_window_bits=10"))
        self.assertIsNone(self._leg(right_answer(), request=request).subprotocol)

    def test_wrong_101_is_final(self) -> None:
        """A forged accept, another upgrade, a subprotocol or an extension that was not offered, a malformed head."""
        upgrade, connection, accept = right_fields()
        request = replace(REQUEST, subprotocols=("a",))
        start = b"HTTP/1.1 101 x\r\n"
        for answer in (
            right_answer(key=b"other"),
            right_answer((b"Sec-WebSocket-Protocol", b"c")),
            right_answer((b"Sec-WebSocket-Protocol", b"A")),
            right_answer((b"Sec-WebSocket-Protocol", b"a"), (b"Sec-WebSocket-Protocol", b"a")),
            right_answer((b"Sec-WebSocket-Extensions", b"permessage-deflate")),
            right_answer((b"Sec-WebSocket-Extensions", b"\xff")),
            start + b"\r\n",
            start + b"%s: %s\r\n%s: %s\r\n\r\n" % (*connection, *accept),
            start + b"Upgrade: h2c\r\n%s: %s\r\n%s: %s\r\n\r\n" % (*connection, *accept),
            start + b"%s: %s\r\n%s: %s\r\n\r\n" % (*upgrade, *accept),
            start + b"no colon\r\n\r\n",
        ):
            network, service = self._dialled(request)
            service.say(answer)
            self.assertEqual((network.told.failure.fault, network.told.failure.final), (DialFault.BAD_HANDSHAKE, True))
            self.assertTrue(network.told.failure.detail.isprintable())
            self.assertTrue(service.hung_up_on)
            self.assertFalse(network.waits)

    def test_what_is_not_http_is_no_answer(self) -> None:
        """Another instance may be asked."""
        for said in (b"SSH-2.0-x\r\n", b"\x15\x03\x03\0\2\2\x28", b"<html>", b"HTTP/1.1 2OO x\r\n"):
            network, service = self._dialled()
            service.say(said)
            self.assertEqual((network.told.failure.fault, network.told.failure.final), (DialFault.BAD_HANDSHAKE, False))
            self.assertTrue(service.hung_up_on)

    def test_head_beyond_the_limit_is_a_bad_handshake(self) -> None:
        """The limit is that of the client's side."""
        network, service = self._dialled(limit=100)
        service.say(b"HTTP/1.1 101 x\r\nA: " + b"a" * 100)
        self.assertEqual((network.told.failure.fault, network.told.failure.final), (DialFault.BAD_HANDSHAKE, True))

    def test_http_answer_is_passed_on(self) -> None:
        """Status, reason, headers and body of a known length; the connection ends then."""
        network, service = self._dialled()
        service.say(b"HTTP/1.1 401 Not you\r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nw", b"ho?more", b"x")
        failure = network.told.failure
        headers = ((b"WWW-Authenticate", b"Basic"), (b"Content-Length", b"4"))
        self.assertEqual((failure.fault, failure.final), (DialFault.HTTP, True))
        self.assertEqual(failure.answer, HttpAnswer(401, b"Not you", headers, b"who?"))
        self.assertTrue(service.hung_up_on)
        self.assertFalse(network.waits)

    def test_body_may_end_with_the_connection(self) -> None:
        """A close, clean or not, ends a body of unknown length."""
        network, service = self._dialled()
        service.say(b"HTTP/1.0 503 x\r\n\r\nab", b"c")
        service.leave()
        self.assertEqual(network.told.failure.answer, HttpAnswer(503, b"x", (), b"abc"))

    def test_body_ends_at_the_deadline(self) -> None:
        """What came until then is passed on."""
        network, service = self._dialled()
        service.say(b"HTTP/1.1 200 OK\r\n\r\nab")
        network.clock.advance(45)
        self.assertEqual(network.told.failure.answer, HttpAnswer(200, b"OK", (), b"ab"))
        self.assertTrue(service.hung_up_on)

    def test_body_is_bounded(self) -> None:
        """64 KiB, then the connection ends."""
        network, service = self._dialled()
        service.say(b"HTTP/1.1 404 x\r\n\r\n", b"x" * 70000)
        answer = network.told.failure.answer
        self.assertEqual(len(answer.body) if answer is not None else None, BODY_LIMIT)
        self.assertTrue(service.hung_up_on)

    def test_lost_connection(self) -> None:
        """Before a status line another instance may be asked; after it the service answered."""
        for said, final in ((b"", False), (b"HTTP/1.1 401", False), (b"HTTP/1.1 401 x\r\nA:", True)):
            for ending in (ServiceEnd.leave, ServiceEnd.break_off):
                network, service = self._dialled()
                service.say(*([said] if said else []))
                ending(service)
                self.assertEqual(
                    (network.told.failure.fault, network.told.failure.final), (DialFault.CONNECTION_LOST, final)
                )
                self.assertEqual((service.hung_up_on, network.waits), (True, False))
