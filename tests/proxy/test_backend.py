"""Tests of dials: connecting, TLS, the deadline, and giving up at any moment."""

from __future__ import annotations

import gc
import os
import weakref
from dataclasses import replace
from typing import Any, cast

from OpenSSL.SSL import Connection
from twisted.internet import error
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.test import iosim
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config import Verification
from apiml_ws.core.interfaces import DialFault
from apiml_ws.proxy.backend import BackendDialer
from apiml_ws.proxy.handshake import request_head
from apiml_ws.proxy.leg import Leg
from apiml_ws.proxy.tls import ClientTls, ServerTls
from tests import certificates
from tests.proxy.doubles_dial import KEY, REQUEST, Network, ServiceEnd, Told, right_answer
from tests.proxy.doubles_handshake import HandOvers


class ConnectingTests(SynchronousTestCase):
    """On the way to a connection."""

    def setUp(self) -> None:
        """A network in memory."""
        self.network = Network()

    def test_tells_nothing_from_within(self) -> None:
        """Even a host that cannot be is a failure of a later turn."""
        self.network.dial(replace(REQUEST, instance=replace(REQUEST.instance, host="a..b")))
        self.assertEqual(self.network.told, Told())
        self.network.reactor.advance(0)
        self.assertEqual(self.network.told.failure.fault, DialFault.UNKNOWN_HOST)
        self.assertEqual(self.network.reactor.getDelayedCalls(), [])

    def test_addresses_are_not_looked_up(self) -> None:
        """IPv4 and IPv6 are connected to as they are, in the time that there is."""
        for host in ("127.0.0.1", "::1"):
            self.network.dial(replace(REQUEST, instance=replace(REQUEST.instance, host=host), timeout=7.0))
            self.network.reactor.advance(0)
            self.assertEqual(self.network.reactor.tcpClients[-1][:2], (host, 10012))
            self.assertEqual(self.network.reactor.tcpClients[-1][3], 7.0)

    def test_names_are_looked_up(self) -> None:
        """By the reactor's resolver."""
        self.network.dial(replace(REQUEST, instance=replace(REQUEST.instance, host="service.test")))
        self.network.reactor.advance(0)
        self.assertEqual(len(self.network.reactor.tcpClients), 1)

    def test_failures_have_their_words(self) -> None:
        """Nobody answered, so another instance may be asked."""
        for reason, fault in (
            (error.ConnectionRefusedError(), DialFault.REFUSED),
            (error.NoRouteError(), DialFault.UNREACHABLE),
            (error.TimeoutError(), DialFault.TIMEOUT),
        ):
            self.setUp()
            self.network.dial()
            self.network.refuse(reason)
            self.assertEqual((self.network.told.failure.fault, self.network.told.failure.final), (fault, False))
            self.assertEqual(self.network.reactor.getDelayedCalls(), [])

    def test_nothing_of_a_dial_stays_behind_a_leg(self) -> None:
        """A transport keeps the factory of its connection as long as it lives; that knows nobody any more."""
        dial = weakref.ref(self.network.dial())
        self.network.accept().say(right_answer())
        self.network.hand_over.complete()
        self.network.hand_over.transports.clear()
        gc.collect()
        self.assertEqual((len(self.network.reactor.tcpClients), dial()), (1, None))


class DeadlineTests(SynchronousTestCase):
    """One deadline over all."""

    def setUp(self) -> None:
        """A network in memory."""
        self.network = Network()

    def _assert_too_late(self, final: bool = False) -> None:
        self.network.reactor.advance(44.9)
        self.assertEqual(self.network.told, Told())
        self.network.reactor.advance(0.1)
        self.assertEqual((self.network.told.failure.fault, self.network.told.failure.final), (DialFault.TIMEOUT, final))
        self.assertEqual(self.network.reactor.getDelayedCalls(), [])

    def test_connection_that_does_not_come(self) -> None:
        """It is given up."""
        self.network.dial()
        self._assert_too_late()
        self.assertTrue(self.network.reactor.connectors[0].stoppedConnecting)

    def test_service_that_says_nothing(self) -> None:
        """It is hung up on, however much time the connection took."""
        self.network.dial()
        service = self.network.accept()
        self._assert_too_late()
        self.assertTrue(service.transport.disconnected)

    def test_service_that_drips(self) -> None:
        """A status line without an end to its head is an answer all the same."""
        self.network.dial()
        self.network.accept().say(b"HTTP/1.1 101 x\r\n")
        self._assert_too_late(final=True)

    def test_hand_over_that_takes_too_long(self) -> None:
        """The connection stays Twisted's, and is ended."""
        self.network.dial()
        service = self.network.accept()
        service.say(right_answer())
        self._assert_too_late(final=True)
        self.assertIsNone(self.network.hand_over.complete())
        self.assertTrue(service.transport.disconnected)


class CancelTests(SynchronousTestCase):
    """A dial may be given up at every stage, and then tells nothing and leaves nothing."""

    def setUp(self) -> None:
        """A network in memory and a dial in it."""
        self.network = Network()
        self.dial = self.network.dial()

    def _cancel(self) -> None:
        self.dial.cancel()
        self.dial.cancel()
        self.network.reactor.advance(100)
        self.assertEqual((self.network.told, self.network.reactor.getDelayedCalls()), (Told(), []))

    def test_before_anything_began(self) -> None:
        """Nobody is connected to."""
        self._cancel()
        self.assertEqual(self.network.reactor.tcpClients, [])

    def test_while_connecting(self) -> None:
        """The connection is not waited for."""
        self.network.reactor.advance(0)
        self._cancel()
        self.assertTrue(self.network.reactor.connectors[0].stoppedConnecting)

    def test_while_waiting_for_the_answer(self) -> None:
        """The connection ends, and what still comes is nobody's."""
        service = self.network.accept()
        self._cancel()
        self.assertTrue(service.transport.disconnected)
        service.say(right_answer())
        service.leave()
        self.assertEqual(self.network.told, Told())

    def test_while_reading_a_body(self) -> None:
        """The same."""
        service = self.network.accept()
        service.say(b"HTTP/1.1 404 x\r\n\r\nabc")
        self._cancel()
        self.assertTrue(service.transport.disconnected)

    def test_while_handing_over(self) -> None:
        """There is no wire."""
        service = self.network.accept()
        service.say(right_answer())
        self._cancel()
        self.assertIsNone(self.network.hand_over.complete())
        self.assertTrue(service.transport.disconnected)

    def test_after_the_end(self) -> None:
        """The leg is its receiver's."""
        service = self.network.accept()
        service.say(right_answer())
        self.network.hand_over.complete()
        self.dial.cancel()
        self.assertEqual(len(self.network.told.legs), 1)
        self.assertFalse(service.transport.disconnected)


class Service(Protocol):
    """A service's side of TLS: keeps what it is asked, and says what it is told to."""

    transport: Any
    asked = b""
    answer = b""

    def dataReceived(self, data: bytes) -> None:
        """Answer a whole request."""
        self.asked += data
        if self.asked.endswith(b"\r\n\r\n"):
            self.transport.write(self.answer)


class Judge:
    """Judges host names as it is told to, and remembers what was said before."""

    def __init__(self, tls: ClientTls, service: Service) -> None:
        self._tls = tls
        self._service = service
        self.asked_before: list[bytes] = []

    def creator_for(self, host: str) -> IOpenSSLClientConnectionCreator:
        """The usual one."""
        return self._tls.creator_for(host)

    def verify(self, connection: Connection, host: str) -> None:
        """The usual judgement."""
        self.asked_before.append(self._service.asked)
        self._tls.verify(connection, host)


class TlsTests(SynchronousTestCase):
    """Over TLS, between two ends in memory."""

    def setUp(self) -> None:
        """A folder for certificates."""
        self.folder = self.mktemp()
        os.mkdir(self.folder)
        self.told = Told()
        self.reactor = MemoryReactorClock()
        self.hand_over = HandOvers()
        self.service = Service()
        self.service.answer = right_answer() + b"\x81\x01a"

    def _dial(self, leaf: certificates.Issued) -> None:
        self.config = config = certificates.tls_config(self.folder, leaf)
        trusting = replace(config, trust_store=certificates.write_trust(self.folder))
        self.judge = Judge(ClientTls(trusting, Verification.STRICT), self.service)
        dialer = BackendDialer(
            self.reactor, self.judge, 48000, random=lambda count: bytes(range(count)), hand_over=self.hand_over
        )
        instance = replace(REQUEST.instance, host="localhost", secure=True)
        self.request = replace(REQUEST, instance=instance)
        self.dial = dialer.dial(self.request, self.told)
        self.reactor.advance(0)

    def _accept(self) -> iosim.IOPump:
        clock = cast(Any, self.reactor)
        listening = Factory.forProtocol(lambda: self.service)
        server = TLSMemoryBIOFactory(ServerTls(self.config), False, listening, clock=clock).buildProtocol(
            cast(Any, None)
        )
        client = self.reactor.tcpClients[-1][2].buildProtocol(None)
        near, far = iosim.FakeTransport(client, False), iosim.FakeTransport(server, True)
        pump: iosim.IOPump = iosim.connect(server, far, client, near, greet=False, clock=clock)
        return pump

    def _let_run(self, pump: iosim.IOPump | None = None) -> None:
        pump = pump or self._accept()
        for _ in range(20):
            self.reactor.advance(0)
            pump.pump()

    def test_asks_after_the_certificate_was_judged(self) -> None:
        """Not a byte before; and what came with the 101 is kept."""
        self._dial(certificates.leaf())
        self._let_run()
        self.assertEqual(self.judge.asked_before, [b""])
        self.assertEqual(self.service.asked, request_head(self.request, KEY))
        self.hand_over.complete()
        self.assertEqual(cast(Leg, self.told.legs[0]).early, b"\x81\x01a")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_certificate_for_another_host(self) -> None:
        """The credentials of the request are not told to whoever that is."""
        self._dial(certificates.leaf(names=("elsewhere",)))
        self._let_run()
        self.assertEqual((self.told.failure.fault, self.told.failure.final), (DialFault.TLS, False))
        self.assertEqual(self.service.asked, b"")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_certificate_of_a_stranger(self) -> None:
        """OpenSSL refuses it within the handshake."""
        stranger = certificates.authority("Stranger")
        self._dial(certificates.leaf(issuer=stranger))
        self._let_run()
        self.assertEqual(self.told.failure.fault, DialFault.TLS)
        self.assertEqual(self.service.asked, b"")

    def test_cancelled_within_the_handshake(self) -> None:
        """Nobody is told, and the service sees the end."""
        self._dial(certificates.leaf())
        pump = self._accept()
        pump.pump()
        self.dial.cancel()
        self._let_run(pump)
        self.assertEqual((self.told, self.service.asked), (Told(), b""))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_late_handshake(self) -> None:
        """The deadline is over TLS as well."""
        self._dial(certificates.leaf())
        pump = self._accept()
        pump.pump()
        self.reactor.advance(45)
        self._let_run(pump)
        self.assertEqual((self.told.failure.fault, self.service.asked), (DialFault.TIMEOUT, b""))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_service_that_speaks_no_tls(self) -> None:
        """What it says instead is a TLS failure, and no answer."""
        self._dial(certificates.leaf())
        service = ServiceEnd(self.reactor.tcpClients[-1][2])
        service.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        service.leave()
        self.assertEqual((self.told.failure.fault, self.told.failure.final), (DialFault.TLS, False))
