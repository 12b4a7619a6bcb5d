"""Tests of the way in: what goes straight to a session, what goes to HTTP, and who has to leave."""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import replace
from typing import Any, cast

from OpenSSL.SSL import Connection, WantReadError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.static import Data

from apiml_ws.core.config import Handshake, Verification
from apiml_ws.core.routing import Target
from apiml_ws.proxy.channel import HANDSHAKE_TIMEOUT
from apiml_ws.proxy.codec import ServerCodec
from apiml_ws.proxy.leg import Leg
from apiml_ws.proxy.poller import READ, WRITE
from apiml_ws.proxy.tls import ClientTls, ServerTls
from apiml_ws.proxy.wire import SocketWire, TlsWire
from tests import certificates
from tests.proxy.doubles_door import Door, DoorClient, DoorGateway
from tests.proxy.doubles_handshake import KEY, PLAIN, Gateway, HandOvers, handshake, request
from tests.proxy.doubles_tls import server_end
from tests.proxy.test_entry import DEFLATE, known

PATH = b"/sample/ws/v1/a?b=%20"
#: What a client hears that asked for nothing but a session.
SWITCHING = ServerCodec(Clock()).switching(KEY, (), None)
HTTP = request(b"/application", ((b"Host", b"gateway"),))


class StraightTests(SynchronousTestCase):
    """Handshakes that have nothing odd about them."""

    def _assert_in(self, gateway: DoorGateway, client: DoorClient) -> Leg:
        ((_, leg, service),) = gateway.sessions.started
        self.assertIsNone(service)
        self.assertEqual((client.served, gateway.door.poller.watched, len(gateway.lobby)), (False, {}, 0))
        self.assertEqual(gateway.clock.getDelayedCalls(), [])
        return cast(Leg, leg)

    def test_session_begins(self) -> None:
        """The 101 is written, and the session has the socket; nothing else knows of it any more."""
        gateway = DoorGateway(snapshot=known())
        client = gateway.door.connect().send(handshake(PATH))
        leg = self._assert_in(gateway, client)
        self.assertEqual(client.sock.sent, SWITCHING)
        self.assertEqual((leg.early, leg.extensions, leg.subprotocol), (b"", "", None))
        self.assertIsInstance(leg.wire, SocketWire)
        leg.wire.close()
        self.assertTrue(client.sock.closed)

    def test_client_that_spoke_already(self) -> None:
        """It is not waited for."""
        gateway = DoorGateway(snapshot=known())
        self._assert_in(gateway, gateway.door.connect(handshake(PATH)))

    def test_same_opening_as_through_http(self) -> None:
        """Whatever a client asks for, and whatever it is told, the way makes no difference."""
        more = ((b"x-A", b"\xe9"), (b"X-A", b""), (b"Cookie", b"a=b"), (b"Origin", b"http://gateway:10010"))
        config = replace(PLAIN, web_socket=replace(PLAIN.web_socket, supported_protocols=("*",)))
        for fields in ((), more, (*more, (b"Sec-WebSocket-Protocol", b"b, a"), DEFLATE)):
            told, openings = [], []
            for kind in (Gateway, DoorGateway):
                gateway = kind(config, known(apiml_ws_compression="true"))
                client = gateway.ask(handshake(PATH, *fields))
                told.append(client.sock.sent if isinstance(client, DoorClient) else self._told(gateway.hand_over))
                openings.append(gateway.sessions.started[0][0])
            self.assertEqual(*openings)
            self.assertEqual(*(sorted(head.lower().split(b"\r\n")) for head in told))

    def _told(self, hand_over: HandOvers) -> bytes:
        wire = hand_over.complete()
        assert wire is not None
        return wire.written

    def test_client_that_is_gone(self) -> None:
        """There is no session."""
        gateway = DoorGateway(snapshot=known())
        client = gateway.door.connect()
        client.sock.refuses = True
        client.send(handshake(PATH))
        self.assertEqual((gateway.sessions.started, client.sock.closed, client.served), ([], True, False))

    def test_session_that_fails_at_once(self) -> None:
        """Its client's connection ends, and it keeps no place."""
        gateway = DoorGateway(snapshot=known(), most=1)
        self.patch(gateway.sessions, "start", lambda *_: [].pop())
        clients = [gateway.door.connect().send(handshake(PATH)) for _ in range(2)]
        self.assertEqual([(client.sock.closed, client.served) for client in clients], [(True, False)] * 2)
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 2)


class HttpTests(SynchronousTestCase):
    """Everything else goes to the HTTP server, with all that was said."""

    def setUp(self) -> None:
        """A gateway with an actuator."""
        self.gateway = DoorGateway(snapshot=known(), actuator=Data(b"actuator", "text/plain"))

    def test_other_requests(self) -> None:
        """One after the other, whole or in pieces."""
        client = self.gateway.door.connect().send(HTTP).send(HTTP[:9]).send(HTTP[9:])
        self.assertEqual([body for _, body in client.answers], [b"actuator"] * 2)
        client = self.gateway.door.connect().send(*(HTTP[at : at + 1] for at in range(len(HTTP))))
        self.assertEqual((client.served, client.answer[1]), (True, b"actuator"))

    def test_handshake_in_pieces(self) -> None:
        """It is as good as any other."""
        whole = handshake(PATH)
        client = self.gateway.door.connect().send(whole[:50], whole[50:])
        self.assertEqual((client.served, self.gateway.hand_over.pending), (True, 1))

    def test_backend_first(self) -> None:
        """A client that has to wait for its service does so over HTTP."""
        gateway = DoorGateway(
            replace(PLAIN, web_socket=replace(PLAIN.web_socket, handshake=Handshake.BACKEND_FIRST)), known()
        )
        client = gateway.door.connect().send(handshake(PATH))
        self.assertEqual((client.served, len(gateway.sessions.searches)), (True, 1))

    def test_refusals(self) -> None:
        """No room, the end of the gateway, a foreign origin, a head beyond the limit: in HTTP, as ever."""
        for status, gateway, more in (
            (503, DoorGateway(snapshot=known(), most=0), ()),
            (403, DoorGateway(snapshot=known()), ((b"Origin", b"https://evil.test"),)),
            (431, DoorGateway(snapshot=known(), limit=300), ((b"A", b"a" * 300),)),
        ):
            client = gateway.door.connect().send(handshake(PATH, *more))
            self.assertEqual((client.status, gateway.entered), (status, 0))
        self.gateway.sessions.accepting = False
        self.assertEqual(self.gateway.door.connect().send(handshake(PATH)).status, 503)

    def test_place_is_not_lost(self) -> None:
        """A client that came in straight keeps no place but that of its session."""
        gateway = DoorGateway(snapshot=known(), most=2)
        statuses = []
        for _ in range(3):
            client = gateway.door.connect().send(handshake(PATH))
            statuses.append(client.status if client.served else 101)
        self.assertEqual(statuses, [101, 101, 503])

    def test_deadline_is_one(self) -> None:
        """What a client took before it said anything is not given to it again."""
        client = self.gateway.door.connect()
        self.gateway.clock.advance(HANDSHAKE_TIMEOUT - 1)
        client.send(HTTP[:40])
        self.assertEqual(client.answers, [])
        self.gateway.clock.advance(1)
        self.assertEqual(client.status, 408)


class LeavingTests(SynchronousTestCase):
    """Who says nothing."""

    def setUp(self) -> None:
        """A gateway with two seats, and a client."""
        self.gateway = DoorGateway(seats=2)
        self.client = self.gateway.door.connect()

    def _assert_out(self) -> None:
        self.assertEqual((self.client.sock.closed, self.client.served), (True, False))
        self.assertEqual((self.gateway.door.poller.watched, len(self.gateway.lobby)), ({}, 0))
        self.assertEqual(self.gateway.clock.getDelayedCalls(), [])

    def test_silent_client(self) -> None:
        """It has its time, and goes."""
        self.gateway.clock.advance(HANDSHAKE_TIMEOUT - 0.1)
        self.assertFalse(self.client.sock.closed)
        self.gateway.clock.advance(0.1)
        self._assert_out()

    def test_client_that_leaves(self) -> None:
        """By FIN or RST."""
        self.client.sock.peer_ends()
        self.gateway.door.poller.report(self.client.sock, READ)
        self._assert_out()
        self.client = self.gateway.door.connect()
        self.client.sock.peer_breaks()
        self.gateway.door.poller.broken(self.client.sock)
        self._assert_out()

    def test_client_that_is_gone_at_once(self) -> None:
        """Nothing is left of it."""
        self.gateway.clock.advance(HANDSHAKE_TIMEOUT)
        self.client = self.gateway.door.connect(b"")
        self._assert_out()

    def test_nothing_there(self) -> None:
        """A report for nothing changes nothing."""
        self.gateway.door.poller.report(self.client.sock, READ)
        self.assertEqual(self.gateway.door.poller.events(self.client.sock), READ)

    def test_turned_out(self) -> None:
        """When there are no seats, whoever has waited longest goes, at once."""
        others = [self.gateway.door.connect() for _ in range(2)]
        self.assertEqual([each.sock.closed for each in (self.client, *others)], [True, False, False])
        self.assertIn((socket.SOL_SOCKET, socket.SO_LINGER), self.client.sock.options)
        self.assertEqual(len(self.gateway.lobby), 2)

    def test_internal_error(self) -> None:
        """It costs that connection."""
        self.gateway.door.poller.crash(self.client.sock)
        self._assert_out()


class SealedTests(SynchronousTestCase):
    """Over TLS."""

    def setUp(self) -> None:
        """A gateway with an actuator, and a client that has not said anything."""
        folder = self.mktemp()
        os.mkdir(folder)
        config = certificates.tls_config(folder)
        self.end: Connection = ClientTls(config, Verification.STRICT).connection_to("localhost")
        self.gateway = Gateway(replace(PLAIN, tls=config), known(), actuator=Data(b"actuator", "text/plain"))
        self.door = Door(self.gateway, server_end(ServerTls(config)))
        self.client: Any = self.door.connect()
        self.sock = self.client.sock

    def _carry(self) -> None:
        """What the client wants to say in one segment, and back what is said to it."""
        with contextlib.suppress(WantReadError):
            self.client.send(self.end.bio_read(65536))
        self.gateway.clock.advance(0)
        sent, self.sock.sent = self.sock.sent + self.client.transport.value(), b""
        self.client.transport.clear()
        if sent:
            self.end.bio_write(sent)

    def _begin(self) -> None:
        """The client's first word, and the answer."""
        with contextlib.suppress(WantReadError):
            self.end.do_handshake()
        self._carry()

    def _shake(self) -> None:
        self._begin()
        self.end.do_handshake()
        self._carry()

    def _heard(self) -> bytes:
        return self.end.recv(65536)

    def test_session_begins(self) -> None:
        """The wire is one of TLS, and nothing is left in it."""
        self._shake()
        self.end.send(handshake(PATH))
        self._carry()
        self.assertEqual(self._heard(), SWITCHING)
        ((opening, leg, _),) = self.gateway.sessions.started
        self.assertIsInstance(cast(Leg, leg).wire, TlsWire)
        self.assertFalse(cast(Leg, leg).wire.readable)
        self.assertIsInstance(opening.target, Target)
        self.assertEqual(opening.gateway_uri, "wss://gateway:10010/sample/ws/v1/a?b=%20")
        self.assertEqual((self.client.served, self.door.poller.watched, len(self.gateway.lobby)), (False, {}, 0))

    def test_request_along_with_the_handshake(self) -> None:
        """The end of the handshake and the request may be one segment."""
        self._begin()
        self.end.do_handshake()
        self.end.send(handshake(PATH))
        self._carry()
        self.assertEqual(len(self.gateway.sessions.started), 1)

    def test_http(self) -> None:
        """The HTTP server goes on with the same connection, one request after the other."""
        self._shake()
        for _ in range(2):
            self.end.send(HTTP)
            self._carry()
            self.assertIn(b"actuator", self._heard())
        self.assertTrue(self.client.served)

    def test_bytes_before_the_101(self) -> None:
        """In a record of their own, but the same segment: a breach."""
        self._shake()
        self.end.send(handshake(PATH))
        self.end.send(b"\x81")
        self._carry()
        self.assertEqual(self._heard()[:13], b"HTTP/1.1 400 ")
        self.assertEqual(self.gateway.sessions.started, [])

    def test_deadline_covers_tls(self) -> None:
        """However far the handshake came."""
        self._begin()
        self.gateway.clock.advance(HANDSHAKE_TIMEOUT)
        self.assertTrue(self.sock.closed)
        self.assertEqual(len(self.gateway.lobby), 0)

    def test_no_tls(self) -> None:
        """Who speaks plainly is let go."""
        self.client.send(HTTP)
        self.assertEqual((self.sock.closed, self.client.served, len(self.gateway.lobby)), (True, False, 0))

    def test_client_that_does_not_read(self) -> None:
        """The handshake goes on when there is room for what we have to say."""
        self.sock.takes = 100
        self._begin()
        self.assertEqual(self.door.poller.events(self.sock), READ | WRITE)
        self.sock.takes = None
        self.door.poller.report(self.sock, WRITE)
        self.assertEqual(self.door.poller.events(self.sock), READ)
        self.test_session_begins()
