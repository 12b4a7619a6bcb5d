"""Tests of the HTTP server below the gateway's resources."""

from __future__ import annotations

import json
import os

from twisted.internet.address import IPv4Address
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from apiml_ws.core.config import Config
from apiml_ws.proxy.channel import BODY_LIMIT, GatewayRequest
from apiml_ws.proxy.upgrade import Fault
from tests import certificates
from tests.proxy.doubles_descriptor import SealedClient
from tests.proxy.doubles_door import DoorGateway
from tests.proxy.doubles_handshake import Client, Gateway, handshake, request, value

HOST = (b"Host", b"gateway")


class Echo(Resource):
    """Answers with the fields that it got, in one piece or not at all yet; ``broken`` fails."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[GatewayRequest] = []
        self.secure: list[bool] = []

    def render(self, request: Request) -> bytes | int:
        """As the path says."""
        assert isinstance(request, GatewayRequest)
        self.seen.append(request)
        self.secure.append(request.isSecure())
        if request.path.endswith(b"/broken"):
            raise RuntimeError("broken on purpose")
        if request.path.endswith(b"/half"):
            request.write(b"half")
            raise RuntimeError("broken on purpose")
        if request.path.endswith(b"/slow"):
            return NOT_DONE_YET
        assert request.content is not None
        return b"%s %s" % (request.method, request.content.read())


class ChannelTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.proxy.channel.GatewayChannel`."""

    kind: type[Gateway] = Gateway

    def setUp(self) -> None:
        """A site whose actuator echoes."""
        self.echo = Echo()
        self.gateway = self.kind(actuator=self.echo)

    def _ask(self, *headers: tuple[bytes, bytes], path: bytes = b"/application/x", method: bytes = b"GET") -> Client:
        return self.gateway.ask(request(path, (HOST, *headers), method))

    def _assert_refused(self, client: Client, status: int) -> None:
        head, body = client.answer
        self.assertEqual(head.status, status)
        self.assertEqual(value(head.headers, b"connection"), b"close")
        self.assertEqual(value(head.headers, b"content-type"), b"application/json")
        self.assertEqual(len(json.loads(body)["messages"]), 1)
        self.assertTrue(client.transport.half_closed)

    def test_serves_http(self) -> None:
        """One request after the other on one connection, without a word about the software."""
        client = self._ask()
        client.send(request(b"/application/x", (HOST,), b"HEAD"))
        (first, body), (second, _) = client.answers
        self.assertEqual((first.status, second.status, body), (200, 200, b"GET "))
        self.assertIsNone(value(first.headers, b"server"))
        self.assertFalse(client.transport.half_closed)

    def test_keeps_fields_as_they_were(self) -> None:
        """Names, order, bytes and lines of one name."""
        self._ask((b"x-b", b"1"), (b"X-A", b"\xe9"), (b"X-B", b"2,3"))
        self.assertEqual(self.echo.seen[0].fields, (HOST, (b"x-b", b"1"), (b"X-A", b"\xe9"), (b"X-B", b"2,3")))

    def test_takes_a_head_of_the_limit_in_one_line(self) -> None:
        """48000 bytes, one field nearly as long, whole or in pieces."""
        start = request(b"/application/x", (HOST, (b"A", b"")))
        whole = request(b"/application/x", (HOST, (b"A", b"a" * (48000 - len(start)))))
        for pieces in ([whole], [whole[at : at + 1000] for at in range(0, len(whole), 1000)]):
            self.assertEqual(self.gateway.connect().send(*pieces).status, 200)

    def test_refuses_a_longer_head(self) -> None:
        """One byte more in a line, in the sum of the lines, or without any end, is 431."""
        start = request(b"/application/x", (HOST, (b"A", b"")))
        long = request(b"/application/x", (HOST, (b"A", b"a" * (48001 - len(start)))))
        many = request(b"/application/x", (HOST, *((b"A%d" % at, b"a" * 200) for at in range(300))))
        for client in (
            self.gateway.ask(long),
            self.gateway.ask(many),
            self.gateway.connect().send(*[b"x" * 1000] * 60),
            self.gateway.ask(b"GET /" + b"x" * 48000 + b" HTTP/1.1\r\n"),
        ):
            self._assert_refused(client, 431)

    def test_refuses_malformed_requests(self) -> None:
        """Each is answered once with 400, and the connection ends."""
        line = b"GET /application/x HTTP/1.1\r\n"
        for text in (
            b"\x16\x03\x01\r\n",
            b"GET /x\r\n",
            b"GET  /x HTTP/1.1\r\n",
            b"GET /x HTTP/2.0\r\n",
            b"GET x HTTP/1.1\r\nHost: a\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            line + b"Host : a\r\n\r\n",
            line + b"Host: a\r\nX: b\r\n folded\r\n\r\n",
            line + b"Host: a\r\nX: b\r\n\tfolded\r\n\r\n",
            line + b" Host: a\r\n\r\n",
            line + b"Host: a\nX: b\r\n\r\n",
            line + b"Host: a\r\nX: \0\r\n\r\n",
            line + b"Host: a\r\nno colon\r\n\r\n",
            line + b"Host: a\r\nContent-Length: +1\r\n\r\nx",
            line + b"Host: a\r\nContent-Length: 0x1\r\n\r\nx",
            line + b"Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
            line + b"Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
            line + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\n",
            line + b"Transfer-Encoding: x\r\nHost: a\r\n\r\n",
        ):
            self._assert_refused(self.gateway.ask(text), 400)
            self._assert_refused(self.gateway.connect().send(*[text[at : at + 1] for at in range(len(text))]), 400)
        self.assertEqual(self.echo.seen, [])

    def test_bounds_bodies(self) -> None:
        """Up to 64 KiB of a known length is read, more and chunks are refused before they come."""
        self.assertEqual(self._ask((b"Content-Length", b"2"), method=b"PUT").send(b"ab").answer[1], b"PUT ab")
        self._assert_refused(self._ask((b"Content-Length", b"%d" % (BODY_LIMIT + 1)), method=b"PUT"), 413)
        self._assert_refused(self._ask((b"Transfer-Encoding", b"chunked"), method=b"PUT"), 411)

    def test_refuses_the_body_of_a_handshake(self) -> None:
        """On any path, of known length or in chunks; a length of 0 is none."""
        for path in (b"/a/ws/v1/b", b"/other"):
            for more in ((b"Content-Length", b"1"), (b"Transfer-Encoding", b"chunked")):
                self._assert_refused(self.gateway.ask(handshake(path, more)), 400)
        self.gateway.ask(handshake(b"/a/ws/v1/b", (b"Content-Length", b"0")))
        self.assertEqual(self.gateway.entered, 1)

    def test_refuses_what_comes_before_the_101(self) -> None:
        """Bytes behind a handshake, in the same read or the next one, are 400, and nothing is handed over."""
        for pieces in ([handshake(b"/a/ws/v1/b") + b"\x81"], [handshake(b"/a/ws/v1/b"), b"\x81"]):
            client = self.gateway.connect().send(*pieces)
            self._assert_refused(client, 400)
            self.assertEqual(self.gateway.entered, 0)

    def test_takes_a_handshake_behind_a_request(self) -> None:
        """A connection that was kept may still become a session, pipelined or not."""
        self.gateway.ask(request(b"/application/x", (HOST,)) + handshake(b"/a/ws/v1/b"))
        self._ask().send(handshake(b"/a/ws/v1/b"))
        self.assertEqual(self.gateway.entered, 2)

    def test_closes_after_an_error(self) -> None:
        """Whatever answered it, 400 and above end the connection and say so."""
        client = self._ask(path=b"/nothing")
        client.send(request(b"/application/x", (HOST,)))
        self._assert_refused(client, 404)

    def test_closes_when_asked(self) -> None:
        """A client that says close gets its answer, then the end."""
        client = self._ask((b"Connection", b"close"))
        self.assertEqual((client.status, client.transport.half_closed), (200, True))
        self.assertEqual(value(client.answer[0].headers, b"connection"), b"close")

    def test_answers_a_failing_resource_with_500(self) -> None:
        """The failure is logged, and the client told nothing of it."""
        client = self._ask(path=b"/application/broken")
        self._assert_refused(client, 500)
        self.assertNotIn(b"purpose", client.transport.value())
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_cuts_an_answer_off_that_failed_half_way(self) -> None:
        """There is no second head; the connection ends."""
        client = self._ask(path=b"/application/half")
        self.assertEqual((client.transport.value().count(b"HTTP/1.1"), client.transport.half_closed), (1, True))
        self.flushLoggedErrors(RuntimeError)

    def test_refuses_once(self) -> None:
        """Whoever finds a second fault says nothing more."""
        client = self.gateway.ask(b"x\r\n")
        client.channel.refuse(Fault(500))
        self._assert_refused(client, 400)

    def test_discards_after_the_last_word(self) -> None:
        """So that the answer arrives: the client closes first, or is cut off after a while."""
        client = self.gateway.ask(b"x\r\n")
        client.send(b"more", b"GET / HTTP/1.1\r\n\r\n")
        self._assert_refused(client, 400)
        self.gateway.clock.advance(14.9)
        self.assertFalse(client.transport.disconnected)
        self.gateway.clock.advance(0.1)
        self.assertTrue(client.transport.disconnected)
        client.leave()
        self.assertEqual(self.gateway.clock.getDelayedCalls(), [])

    def test_client_that_closes_first_ends_the_wait(self) -> None:
        """No timer is left."""
        client = self.gateway.ask(b"x\r\n")
        client.leave()
        self.assertEqual(self.gateway.clock.getDelayedCalls(), [])


class ThroughTheDoorTests(ChannelTests):
    """The same for clients whose first words may be a whole handshake, and nothing else passes by HTTP."""

    kind = DoorGateway

    def test_refuses_what_comes_before_the_101(self) -> None:
        """Bytes behind a handshake in the same read; in the next one there is a 101 already."""
        self._assert_refused(self.gateway.ask(handshake(b"/a/ws/v1/b") + b"\x81"), 400)
        self.assertEqual(self.gateway.entered, 0)


class DeadlineTests(SynchronousTestCase):
    """Tests of the time that a client has."""

    def setUp(self) -> None:
        """A site whose actuator echoes."""
        self.echo = Echo()
        self.gateway = Gateway(actuator=self.echo)

    def test_silent_client_is_let_go(self) -> None:
        """60 s after accept, without a word."""
        client = self.gateway.connect()
        self.gateway.clock.advance(59.9)
        self.assertFalse(client.transport.half_closed)
        self.gateway.clock.advance(0.1)
        self.assertEqual((client.transport.half_closed, client.transport.value()), (True, b""))

    def test_drip_is_no_excuse(self) -> None:
        """A request that is not whole after 60 s gets 408, however much came of it."""
        client = self.gateway.connect().send(b"GET /a/ws/v1/b HTTP/1.1\r\n")
        for _ in range(60):
            client.send(b"A: b\r\n")
            self.gateway.clock.advance(1)
        self.assertEqual(client.status, 408)

    def test_time_for_an_answer_is_not_the_clients(self) -> None:
        """A request that is there is not cut off; the next one has its own 60 s."""
        client = self.gateway.ask(request(b"/application/slow", (HOST,)))
        self.gateway.clock.advance(1000)
        self.assertFalse(client.transport.half_closed)
        self.echo.seen[0].finish()
        self.gateway.clock.advance(59)
        self.assertFalse(client.transport.half_closed)
        self.gateway.clock.advance(1)
        self.assertTrue(client.transport.half_closed)

    def test_forgotten_connection_has_no_timer(self) -> None:
        """After a hand-over nothing is left of it."""
        client = self.gateway.ask(handshake(b"/a/ws/v1/b"))
        self.gateway.hand_over.complete()
        self.assertEqual(self.gateway.clock.getDelayedCalls(), [])
        self.assertIsNone(client.channel.transport)
        self.assertEqual(client.channel.requests, [])


class LobbyTests(SynchronousTestCase):
    """Tests of what becomes of connections when there are many: here, more than two."""

    def setUp(self) -> None:
        """A site with two seats."""
        self.echo = Echo()
        self.gateway = Gateway(actuator=self.echo, seats=2)

    def _slow(self) -> Client:
        return self.gateway.ask(request(b"/application/slow", (HOST,)))

    def test_silent_client_makes_room(self) -> None:
        """The one that has waited longest, of those that nobody serves."""
        slow, silent, asking = self._slow(), self.gateway.connect(), self._slow()
        self.assertEqual([False, True, False], [client.transport.disconnected for client in (slow, silent, asking)])

    def test_answered_client_waits_again(self) -> None:
        """It had its turn, and others came later."""
        first, second = self._slow(), self.gateway.connect()
        self.echo.seen[0].finish()
        self.gateway.connect()
        self.gateway.connect()
        self.assertEqual([True, True], [client.transport.disconnected for client in (second, first)])

    def test_refused_client_waits(self) -> None:
        """An answered error holds a connection only as long as nobody else wants it."""
        refused = self.gateway.ask(request(b"/elsewhere", (HOST,)))
        self.gateway.connect()
        self.gateway.connect()
        self.assertTrue(refused.transport.disconnected)

    def test_seats_are_left(self) -> None:
        """By those that are gone, and by those that have a place for a session."""
        self.gateway.connect().leave()
        self.assertEqual(0, len(self.gateway.lobby))
        self.gateway.connect()
        self.gateway.ask(handshake(b"/a/ws/v1/b"))
        self.assertEqual(1, len(self.gateway.lobby))
        self.gateway.hand_over.complete()
        self.assertEqual(1, len(self.gateway.lobby))

    def test_client_that_does_not_read_is_not_waited_for(self) -> None:
        """A connection that is to be handed over when all was sent has 60 s for that."""
        client = self.gateway.ask(handshake(b"/a/ws/v1/b"))
        self.gateway.clock.advance(59)
        self.assertFalse(client.transport.disconnected)
        self.gateway.clock.advance(1)
        self.assertTrue(client.transport.disconnected)


class TlsTests(SynchronousTestCase):
    """The same over TLS."""

    def setUp(self) -> None:
        """A site behind TLS, and a client that is trusted with nothing but its authority."""
        folder = self.mktemp()
        os.mkdir(folder)
        self.echo = Echo()
        self.gateway = Gateway(Config(), actuator=self.echo)
        self.client = SealedClient(certificates.tls_config(folder), self.gateway.site)

    def _turn(self, seconds: float = 0) -> None:
        self.gateway.clock.advance(seconds)
        self.client.turn()

    def test_serves_https(self) -> None:
        """Requests know that they came over TLS."""
        self.client.shake_hands()
        self.client.say(request(b"/application/x", (HOST,)))
        self._turn()
        self.assertIn(b"200 OK", self.client.hear())
        self.assertEqual(self.echo.secure, [True])

    def test_last_word_arrives_before_the_end(self) -> None:
        """An error is followed by close_notify; the connection waits for the client's."""
        self.client.shake_hands()
        self.client.say(b"x\r\n")
        self._turn()
        self.assertIn(b"400 Bad Request", self.client.hear())
        self.assertTrue(self.client.told_end)
        self.client.say(b"more")
        self.assertFalse(self.client.tcp.disconnected)
        self._turn(15)
        self._turn()
        self.assertTrue(self.client.tcp.disconnected)
        self.assertEqual(self.gateway.clock.getDelayedCalls(), [])

    def test_deadline_is_over_tls_as_well(self) -> None:
        """Whoever does not finish its handshake is cut off after 60 s, without a word."""
        self.client.begin()
        self._turn(60)
        self._turn()
        self.assertTrue(self.client.tcp.disconnected)
        self.assertEqual(self.gateway.clock.getDelayedCalls(), [])

    def test_record_behind_a_handshake_is_refused(self) -> None:
        """Though both records came in one segment."""
        self.client.shake_hands()
        self.client.say(handshake(b"/a/ws/v1/b"), b"\x81\x80")
        self._turn()
        self.assertIn(b"400 Bad Request", self.client.hear())
        self.assertEqual(self.gateway.hand_over.pending, 0)


class RequestTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.proxy.channel.GatewayRequest` and its site."""

    def test_understands_the_absolute_form(self) -> None:
        """The path decides, the authority is kept (RFC 9112 section 3.2.2)."""
        echo = Echo()
        gateway = Gateway(actuator=echo)
        client = gateway.ask(request(b"http://other:1/application/x?y", (HOST,)))
        self.assertEqual((client.status, echo.seen[0].uri), (200, b"/application/x?y"))
        self.assertEqual(echo.seen[0].authority, b"other:1")

    def test_failure_after_the_client_went_is_only_logged(self) -> None:
        """There is nobody to tell."""
        echo = Echo()
        client = Gateway(actuator=echo).ask(request(b"/application/slow", (HOST,)))
        client.leave()
        echo.seen[0].processingFailed(Failure(RuntimeError("late")))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_site_has_no_log_and_no_h2(self) -> None:
        """Starting and stopping it arms no timer, and HTTP/1.1 is all that it offers."""
        gateway = Gateway()
        gateway.site.startFactory()
        self.assertEqual(gateway.clock.getDelayedCalls(), [])
        gateway.site.stopFactory()
        self.assertEqual(gateway.site.acceptableProtocols(), [b"http/1.1"])
        self.assertIsNotNone(gateway.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1)))
