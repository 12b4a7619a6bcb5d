"""Tests of dials: connecting, TLS, the deadline, and giving up at any moment."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import replace
from typing import cast

from OpenSSL.SSL import Connection, WantReadError, ZeroReturnError
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config import Verification
from apiml_ws.core.interfaces import DialFault
from apiml_ws.proxy.handshake import Talk, request_head
from apiml_ws.proxy.leg import Leg
from apiml_ws.proxy.poller import READ, WRITE
from apiml_ws.proxy.tls import ClientTls, ServerTls
from apiml_ws.proxy.wire import TlsWire
from tests import certificates
from tests.proxy.doubles_dial import KEY, REQUEST, Network, ServiceEnd, Told, right_answer
from tests.proxy.doubles_tls import server_end


class ConnectingTests(SynchronousTestCase):
    """On the way to a connection."""

    def setUp(self) -> None:
        """A network in memory."""
        self.network = Network()

    def test_tells_nothing_from_within(self) -> None:
        """Even a host that cannot be is a failure of a later turn."""
        self.network.dial(replace(REQUEST, instance=replace(REQUEST.instance, host="a..b")))
        self.assertEqual(self.network.told, Told())
        self.network.clock.advance(0)
        self.assertEqual(self.network.told.failure.fault, DialFault.UNKNOWN_HOST)
        self.assertFalse(self.network.waits)

    def test_failures_have_their_words(self) -> None:
        """Nobody answered, so another instance may be asked."""
        for problem, fault in (
            (errno.ECONNREFUSED, DialFault.REFUSED),
            (errno.EHOSTUNREACH, DialFault.UNREACHABLE),
            (errno.ETIMEDOUT, DialFault.TIMEOUT),
        ):
            self.setUp()
            self.network.dial()
            self.network.refuse(problem)
            self.assertEqual((self.network.told.failure.fault, self.network.told.failure.final), (fault, False))
            self.assertFalse(self.network.waits)


class DeadlineTests(SynchronousTestCase):
    """One deadline over all."""

    def setUp(self) -> None:
        """A network in memory."""
        self.network = Network()

    def _assert_too_late(self, final: bool = False) -> None:
        self.network.clock.advance(44.9)
        self.assertEqual(self.network.told, Told())
        self.network.clock.advance(0.1)
        self.assertEqual((self.network.told.failure.fault, self.network.told.failure.final), (DialFault.TIMEOUT, final))
        self.assertEqual((self.network.waits, self.network.sockets.open), (False, []))

    def test_connection_that_does_not_come(self) -> None:
        """It is given up."""
        self.network.dial()
        self._assert_too_late()

    def test_service_that_says_nothing(self) -> None:
        """It is hung up on, however much time the connection took."""
        self.network.dial()
        self.network.accept()
        self._assert_too_late()

    def test_service_that_drips(self) -> None:
        """A status line without an end to its head is an answer all the same."""
        self.network.dial()
        self.network.accept().say(b"HTTP/1.1 101 x\r\n")
        self._assert_too_late(final=True)


class CancelTests(SynchronousTestCase):
    """A dial may be given up at every stage, and then tells nothing and leaves nothing."""

    def setUp(self) -> None:
        """A network in memory and a dial in it."""
        self.network = Network()
        self.dial = self.network.dial()

    def _cancel(self) -> None:
        self.dial.cancel()
        self.dial.cancel()
        self.network.clock.advance(100)
        self.assertEqual((self.network.told, self.network.waits, self.network.sockets.open), (Told(), False, []))

    def test_before_anything_began(self) -> None:
        """Nobody is connected to."""
        self._cancel()
        self.assertEqual(self.network.sockets.made, [])

    def test_while_the_answer_is_judged(self) -> None:
        """There is no leg, however right it is, and however far that came."""
        for judged in (False, True):
            self.setUp()
            service = self.network.accept()
            service.sock.peer_sends(right_answer())
            self.network.poller.report(service.sock, READ)
            if judged:
                self.patch(Talk, "open", lambda talk: self.dial.cancel())
                self.network.clock.advance(0)
            self._cancel()

    def test_while_connecting(self) -> None:
        """The connection is not waited for."""
        self.assertEqual(len(self.network.sockets.open), 0)
        self.assertFalse(self.network.asked_for.closed)
        self._cancel()

    def test_while_waiting_for_the_answer(self) -> None:
        """The connection ends, and what still comes is nobody's."""
        service = self.network.accept()
        self._cancel()
        service.say(right_answer())
        self.assertEqual(self.network.told, Told())

    def test_while_reading_a_body(self) -> None:
        """The same."""
        self.network.accept().say(b"HTTP/1.1 404 x\r\n\r\nabc")
        self._cancel()

    def test_after_the_end(self) -> None:
        """The leg is its receiver's."""
        service = self.network.accept()
        service.say(right_answer())
        self.dial.cancel()
        self.assertEqual(len(self.network.told.legs), 1)
        self.assertFalse(service.sock.closed)


class WritingTests(SynchronousTestCase):
    """A service that takes its time to take the request."""

    def test_the_rest_follows(self) -> None:
        """As soon as there is room, and the answer is not waited for before."""
        network = Network()
        network.dial()
        sock = network.asked_for
        sock.takes = 10
        service = network.accept()
        self.assertEqual((len(service.asked), network.poller.events(sock)), (10, READ | WRITE))
        sock.takes = None
        network.poller.report(sock, WRITE)
        self.assertEqual((service.asked, network.poller.events(sock)), (request_head(REQUEST, KEY), READ))
        service.say(right_answer())
        self.assertEqual(len(network.told.legs), 1)

    def test_internal_error_before(self) -> None:
        """So is what failed at connecting."""
        network = Network()
        network.sockets.prepare = lambda made: [].pop()
        network.dial()
        network.clock.advance(0)
        self.assertEqual(network.told.failure.fault, DialFault.UNREACHABLE)
        self.assertFalse(network.waits)
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 1)

    def test_internal_error(self) -> None:
        """What failed for a reason of ours is a failed dial."""
        network = Network()
        network.dial()
        network.accept()
        network.poller.crash(network.asked_for)
        self.assertEqual(network.told.failure.fault, DialFault.CONNECTION_LOST)
        self.assertEqual((network.waits, network.sockets.open), (False, []))


class Judge:
    """Judges host names as it is told to, and remembers what was said before."""

    def __init__(self, tls: ClientTls) -> None:
        self._tls = tls
        self.service: Service | None = None
        self.asked_before: list[bytes] = []
        self.kept: list[tuple[str, int]] = []
        self.distrusted: list[tuple[str, int]] = []

    def to_service(self, host: str, port: int) -> Connection:
        """The usual one."""
        return self._tls.to_service(host, port)

    def keep(self, connection: Connection, host: str, port: int) -> None:
        """As usual."""
        self.kept.append((host, port))
        self._tls.keep(connection, host, port)

    def distrust(self, host: str, port: int) -> None:
        """As usual."""
        self.distrusted.append((host, port))
        self._tls.distrust(host, port)

    def verify(self, connection: Connection, host: str) -> None:
        """The usual judgement."""
        assert self.service is not None
        self.asked_before.append(self.service.asked)
        self._tls.verify(connection, host)


class Service:
    """A service's side of TLS: keeps what it is asked, and says what it is told to."""

    def __init__(self, end: ServiceEnd, connection: Connection) -> None:
        self._end = end
        self._connection = connection
        self.asked = b""
        self.answer = right_answer() + b"\x81\x01a"

    def turn(self) -> None:
        """Hear what was sent, and say what there is to be said, in one piece."""
        sealed, self._end.sock.sent = self._end.sock.sent, b""
        if sealed:
            self._connection.bio_write(sealed)
        with contextlib.suppress(WantReadError, ZeroReturnError):
            self._connection.do_handshake()
            self.asked += self._connection.recv(65536)
            if self.asked.endswith(b"\r\n\r\n"):
                self._connection.send(self.answer)
        with contextlib.suppress(WantReadError):
            self._end.say(self._connection.bio_read(65536))


class TlsTests(SynchronousTestCase):
    """Over TLS, between two ends in memory."""

    def setUp(self) -> None:
        """A folder for certificates."""
        self.folder = self.mktemp()
        os.mkdir(self.folder)

    def _dial(self, leaf: certificates.Issued) -> None:
        config = certificates.tls_config(self.folder, leaf)
        trusting = replace(config, trust_store=certificates.write_trust(self.folder))
        self.judge = Judge(ClientTls(trusting, Verification.STRICT))
        self.network = Network(tls=self.judge)
        self.request = replace(REQUEST, instance=replace(REQUEST.instance, secure=True))
        self.dial = self.network.dial(self.request)
        self.end = self.network.accept()
        self.service = self.judge.service = Service(self.end, server_end(ServerTls(config)))

    def _let_run(self, turns: int = 10) -> None:
        for _ in range(turns):
            self.service.turn()

    def test_asks_after_the_certificate_was_judged(self) -> None:
        """Not a byte before; and what came with the 101 is kept."""
        self._dial(certificates.leaf())
        self._let_run()
        self.assertEqual(self.judge.asked_before, [b""])
        self.assertEqual(self.service.asked, request_head(self.request, KEY))
        leg = cast(Leg, self.network.told.legs[0])
        self.assertIsInstance(leg.wire, TlsWire)
        self.assertEqual((leg.early, self.network.waits), (b"\x81\x01a", False))
        instance = self.request.instance
        self.assertEqual(([(instance.host, instance.port)], []), (self.judge.kept, self.judge.distrusted))

    def test_certificate_for_another_host(self) -> None:
        """The credentials of the request are not told to whoever that is."""
        self._dial(certificates.leaf(names=("elsewhere",), addresses=()))
        self._let_run()
        self.assertEqual((self.network.told.failure.fault, self.network.told.failure.final), (DialFault.TLS, False))
        self.assertEqual((self.service.asked, self.end.hung_up_on, self.network.waits), (b"", True, False))
        instance = self.request.instance
        self.assertEqual(([], [(instance.host, instance.port)]), (self.judge.kept, self.judge.distrusted))

    def test_certificate_of_a_stranger(self) -> None:
        """OpenSSL refuses it within the handshake."""
        stranger = certificates.authority("Stranger")
        self._dial(certificates.leaf(issuer=stranger))
        self._let_run(1)
        self.assertEqual(self.network.told.failure.fault, DialFault.TLS)
        self.assertEqual((self.service.asked, self.end.hung_up_on), (b"", True))

    def test_cancelled_within_the_handshake(self) -> None:
        """Nobody is told, and the service sees the end."""
        self._dial(certificates.leaf())
        self.dial.cancel()
        self._let_run()
        self.assertEqual((self.network.told, self.service.asked, self.end.hung_up_on), (Told(), b"", True))
        self.assertFalse(self.network.waits)

    def test_late_handshake(self) -> None:
        """The deadline is over TLS as well."""
        self._dial(certificates.leaf())
        self.network.clock.advance(45)
        self._let_run()
        self.assertEqual((self.network.told.failure.fault, self.service.asked), (DialFault.TIMEOUT, b""))
        self.assertFalse(self.network.waits)

    def test_service_that_speaks_no_tls(self) -> None:
        """What it says instead is a TLS failure, and no answer."""
        self._dial(certificates.leaf())
        self.end.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.assertEqual((self.network.told.failure.fault, self.network.told.failure.final), (DialFault.TLS, False))

    def test_service_that_leaves_within_the_handshake(self) -> None:
        """Another one may be asked."""
        self._dial(certificates.leaf())
        self.end.leave()
        failure = self.network.told.failure
        self.assertEqual((failure.fault, failure.final), (DialFault.CONNECTION_LOST, False))
