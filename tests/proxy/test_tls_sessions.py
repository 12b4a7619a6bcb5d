"""Tests of going on with sessions of TLS, against the TLS of Python's standard library."""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import replace

from OpenSSL.SSL import Connection, WantReadError

from apiml_ws.core.config import Verification
from apiml_ws.proxy.tls import ClientTls
from tests.proxy.doubles_tls_case import TlsTestCase


class Service:
    """One end of TLS in memory, which says whether it went on with a session."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.end = context.wrap_bio(self._in, self._out, server_side=True)

    def answer(self, client: Connection) -> bytes:
        """Do the handshake, and say one thing; what the client read."""
        for _ in range(4):
            with contextlib.suppress(WantReadError):
                client.do_handshake()
            self._carry(client)
            with contextlib.suppress(ssl.SSLWantReadError):
                self.end.do_handshake()
            self._carry(client)
        self.end.write(b"hello")
        self._carry(client)
        return client.recv(100)

    def _carry(self, client: Connection) -> None:
        with contextlib.suppress(WantReadError):
            self._in.write(client.bio_read(65536))
        said = self._out.read()
        if said:
            client.bio_write(said)


class TlsSessionsTests(TlsTestCase):
    """Tests of :class:`~apiml_ws.proxy.tls_sessions.TlsSessions`, by :class:`~apiml_ws.proxy.tls.ClientTls`."""

    def setUp(self) -> None:
        """A service with a good certificate."""
        super().setUp()
        self.tls = ClientTls(self.config, Verification.STRICT)
        self.context = self.renewed()

    def renewed(self) -> ssl.SSLContext:
        """The service after a restart: it knows no session any more."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        assert self.config.certificate is not None
        context.load_cert_chain(self.config.certificate, self.config.private_key)
        return context

    def dial(self, port: int = 443, tls: ClientTls | None = None, good: bool = True) -> bool | None:
        """A handshake, verified and kept, and an end that is ``good`` or a cut; whether it went on with a session."""
        tls = tls or self.tls
        client, service = tls.to_service("localhost", port), Service(self.context)
        self.assertEqual(b"hello", service.answer(client))
        tls.verify(client, "localhost")
        tls.keep(client, "localhost", port)
        if good:
            client.shutdown()
        return service.end.session_reused

    def test_the_second_handshake_goes_on(self) -> None:
        """And those after it, with either version; the certificate is judged each time."""
        for protocols in (("TLSv1.2",), ("TLSv1.3",)):
            tls = ClientTls(replace(self.config, protocols=protocols), Verification.STRICT)
            self.assertEqual([False, True, True], [self.dial(tls=tls) for _ in range(3)])

    def test_another_service(self) -> None:
        """Begins for itself, on whatever port."""
        self.assertEqual([False, False, True, True], [self.dial(port) for port in (1, 2, 1, 2)])

    def test_a_service_that_was_restarted(self) -> None:
        """Does not know the session, and nothing is wrong with that."""
        self.dial()
        self.context = self.renewed()
        self.assertEqual([False, True], [self.dial(), self.dial()])

    def test_a_failure(self) -> None:
        """After it nothing goes on."""
        self.dial()
        self.tls.distrust("localhost", 443)
        self.tls.distrust("localhost", 443)
        self.assertIs(False, self.dial())

    def test_a_connection_that_was_cut(self) -> None:
        """OpenSSL trusts its session no more."""
        self.dial(good=False)
        self.assertEqual([False, True], [self.dial(), self.dial()])

    def test_only_so_many(self) -> None:
        """Those that were dialled last are remembered."""
        for port in range(257):
            self.dial(port)
        self.assertEqual([False, True], [self.dial(0), self.dial(256)])
