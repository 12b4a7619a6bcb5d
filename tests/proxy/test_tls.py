"""TLS on both sides, by real handshakes in memory."""

from __future__ import annotations

from dataclasses import replace

from OpenSSL.SSL import (
    Connection,
    Error,
)
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IOpenSSLServerConnectionCreator
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface.verify import verifyObject

from apiml_ws.core.config import ClientAuth, TlsConfig, Verification
from apiml_ws.proxy.tls import ClientTls, ServerTls, WrongHostError, is_address, judge, problems, server_name
from tests.certificates import Issued, authority, leaf, write_trust
from tests.proxy.doubles_tls import Blamed, client_end, server_end, shake_hands
from tests.proxy.doubles_tls_case import TlsTestCase


class ServiceVerificationTests(TlsTestCase):
    """Which services are spoken to, by the three modes."""

    def dial(self, verification: Verification, service: Issued, host: str = "localhost") -> None:
        """A handshake with a service that shows ``service``, and the judgement after it."""
        tls = ClientTls(self.config, verification)
        connection = tls.connection_to(host)
        shake_hands(connection, server_end(ServerTls(self.config_of(service, "service"))))
        tls.verify(connection, host)

    def test_a_good_certificate_is_good_in_every_mode(self) -> None:
        """By name and by address, of either version."""
        for mode in Verification:
            for host in ("localhost", "LocalHost.", "127.0.0.1", "::1", "[::1]"):
                self.dial(mode, leaf(), host)

    def test_a_wrong_host_fails_under_strict_alone(self) -> None:
        """The chain is good, the name is another's."""
        elsewhere = leaf(names=("elsewhere",), addresses=("192.0.2.1",))
        for host in ("localhost", "127.0.0.1"):
            with self.assertRaises(WrongHostError):
                self.dial(Verification.STRICT, elsewhere, host)
        self.dial(Verification.NONSTRICT, elsewhere)
        self.dial(Verification.DISABLED, elsewhere)

    def test_an_untrusted_chain_fails_under_strict_and_nonstrict(self) -> None:
        """An authority that is not in the trust store vouches for nobody."""
        stranger = leaf(issuer=authority("Stranger"))
        for mode in (Verification.STRICT, Verification.NONSTRICT):
            with self.assertRaises(Error):
                self.dial(mode, stranger)
        self.dial(Verification.DISABLED, stranger)

    def test_an_expired_certificate_fails_under_strict_and_nonstrict(self) -> None:
        """Time is part of the chain's soundness."""
        for mode in (Verification.STRICT, Verification.NONSTRICT):
            with self.assertRaises(Error):
                self.dial(mode, leaf(expired=True))
        self.dial(Verification.DISABLED, leaf(expired=True))

    def test_a_chain_by_an_intermediate_authority_is_followed(self) -> None:
        """The service sends it, the root is trusted."""
        self.dial(Verification.STRICT, leaf(issuer=authority("Middle", authority())))

    def test_a_certificate_that_is_in_the_trust_store_itself_is_trusted(self) -> None:
        """As Java does; the authority above it need not be known."""
        service = leaf(issuer=authority("Private"))
        trust = write_trust(self.folder, service, name="pinned.pem")
        self.config = replace(self.config, trust_store=trust)
        self.dial(Verification.STRICT, service)

    def test_the_trust_store_replaces_the_systems_roots(self) -> None:
        """Without one the system's serve, which do not know ours."""
        self.config = replace(self.config, trust_store=None)
        with self.assertRaises(Error):
            self.dial(Verification.STRICT, leaf())

    def test_the_subject_is_not_a_host_name(self) -> None:
        """A certificate without alternative names is for no host (RFC 9525 section 2)."""
        with self.assertRaises(WrongHostError):
            self.dial(Verification.STRICT, leaf(names=(), addresses=(), common_name="localhost"))

    def test_disabled_is_warned_of(self) -> None:
        """Once, when it is set up."""
        with capturedLogs() as events:
            ClientTls(self.config, Verification.DISABLED)
            ClientTls(self.config, Verification.STRICT)
        self.assertEqual([event["log_level"].name for event in events], ["warn"])

    def test_no_certificate_is_a_wrong_one(self) -> None:
        """Nothing was shown."""
        with self.assertRaises(WrongHostError):
            judge(None, "localhost")


class HttpsPolicyTests(TlsTestCase):
    """What registry connections get: the same rules within the handshake."""

    def setUp(self) -> None:
        super().setUp()
        self.blamed = Blamed()

    def ask(self, verification: Verification, registry: Issued) -> None:
        policy = ClientTls(self.config, verification).https_policy()
        verifyObject(IPolicyForHTTPS, policy)
        connection = client_end(policy.creatorForNetloc(b"localhost", 10011), self.blamed)
        shake_hands(connection, server_end(ServerTls(self.config_of(registry, "registry"))))

    def test_a_good_registry_is_asked(self) -> None:
        """In every mode."""
        for mode in Verification:
            self.ask(mode, leaf())

    def test_a_wrong_host_fails_the_handshake_under_strict_alone(self) -> None:
        """Nobody judges after it."""
        elsewhere = leaf(names=("elsewhere",), addresses=())
        with self.assertRaises(Error):
            self.ask(Verification.STRICT, elsewhere)
        self.assertEqual([type(reason) for reason in self.blamed.failures], [WrongHostError])
        self.ask(Verification.NONSTRICT, elsewhere)
        self.ask(Verification.DISABLED, elsewhere)

    def test_an_untrusted_registry_fails_the_handshake(self) -> None:
        """The host name is right, the chain is not."""
        for mode in (Verification.STRICT, Verification.NONSTRICT):
            with self.assertRaises(Error):
                self.ask(mode, leaf(issuer=authority("Stranger")))


class ConnectionTests(TlsTestCase):
    """What connections say and leave out."""

    def pair(self, host: str) -> tuple[Connection, Connection]:
        client = ClientTls(self.config, Verification.NONSTRICT).connection_to(host)
        server = server_end(ServerTls(self.config))
        shake_hands(client, server)
        return client, server

    def test_the_creators_are_what_twisted_asks_for(self) -> None:
        """They go into a ``TLSMemoryBIOFactory`` or an endpoint."""
        verifyObject(IOpenSSLServerConnectionCreator, ServerTls(self.config))
        creator = ClientTls(self.config, Verification.STRICT).https_policy().creatorForNetloc(b"localhost", 443)
        verifyObject(IOpenSSLClientConnectionCreator, creator)

    def test_names_are_sent_as_sni_and_addresses_are_not(self) -> None:
        """RFC 6066 section 3 allows names only, without a dot at the end."""
        seen = [
            self.pair(host)[1].get_servername() for host in ("host.example.", "b\u00fccher.example", "127.0.0.1", "::1")
        ]
        self.assertEqual(seen, [b"host.example", b"xn--bcher-kva.example", None, None])

    def test_a_name_that_cannot_be_put_in_ascii_is_not_sent(self) -> None:
        """Its certificate cannot be right either."""
        client, server = self.pair("\u00fc..example")
        self.assertIsNone(server.get_servername())
        with self.assertRaises(WrongHostError):
            ClientTls(self.config, Verification.STRICT).verify(client, "\u00fc..example")

    def test_nothing_of_python_is_called_after_a_handshake(self) -> None:
        """A native relay drives these connections outside the interpreter's lock."""
        for connection in self.pair("localhost"):
            context = connection.get_context()
            self.assertIsNone(context._info_callback)
            self.assertIsNone(context._verify_callback)
            self.assertIsNone(context._keylog_callback)

    def test_there_is_no_renegotiation(self) -> None:
        """Under TLS 1.2, where the protocol has it, the server refuses."""
        self.config = replace(self.config, protocols=("TLSv1.2",))
        client, server = self.pair("localhost")
        self.assertEqual(client.get_protocol_version_name(), "TLSv1.2")
        self.assertRaises(Error, server.renegotiate)

    def test_our_certificate_is_shown_to_services_that_ask(self) -> None:
        """With its chain."""
        ours = leaf(common_name="gateway", issuer=authority("Middle", authority()))
        service = ServerTls(replace(self.config, client_auth=ClientAuth.NEED))
        server = server_end(service)
        shake_hands(ClientTls(self.config_of(ours, "ours"), Verification.STRICT).connection_to("localhost"), server)
        shown = server.get_peer_certificate(as_cryptography=True)
        self.assertEqual(shown, ours.certificate)

    def test_without_a_certificate_of_ours_services_are_still_dialled(self) -> None:
        """A gateway behind a TLS terminator has none."""
        bare = TlsConfig(enabled=False, trust_store=self.config.trust_store)
        client = ClientTls(bare, Verification.STRICT).connection_to("localhost")
        server = server_end(ServerTls(self.config))
        shake_hands(client, server)
        self.assertIsNone(server.get_peer_certificate())

    def test_a_session_is_resumed_by_a_ticket(self) -> None:
        """A client that comes back need not begin anew, even where certificates are asked for."""
        self.config = replace(self.config, client_auth=ClientAuth.WANT, protocols=("TLSv1.2",))
        tls = ClientTls(self.config, Verification.STRICT)
        server = ServerTls(self.config)
        first = tls.connection_to("localhost")
        shake_hands(first, server_end(server))
        session = first.get_session()
        assert session is not None
        second, end = tls.connection_to("localhost"), server_end(server)
        second.set_session(session)
        shake_hands(second, end)
        self.assertEqual(second.master_key(), first.master_key())


class ProblemTests(TlsTestCase):
    """:func:`problems`, for a check that starts nothing."""

    def test_a_sound_configuration_has_none(self) -> None:
        """Whether TLS is served or not."""
        self.assertEqual(problems(self.config, Verification.STRICT), ())
        self.assertEqual(problems(TlsConfig(enabled=False), Verification.STRICT), ())

    def test_faults_of_both_sides_are_told_once(self) -> None:
        """The same fault is not repeated, another one is not hidden."""
        bad = replace(self.config, ciphers=("X",), trust_store="/none.pem")
        self.assertEqual([fault.key for fault in problems(bad, Verification.STRICT)], ["ciphers", "trustStore"])
        self.assertEqual(len(problems(replace(self.config, certificate="/none"), Verification.STRICT)), 1)


class HostTests(SynchronousTestCase):
    """Names and addresses."""

    def test_addresses_are_told_from_names(self) -> None:
        """In brackets or not."""
        self.assertTrue(all(map(is_address, ("127.0.0.1", "::1", "[fe80::1]"))))
        self.assertFalse(any(map(is_address, ("localhost", "127.0.0", ""))))

    def test_names_are_put_in_ascii(self) -> None:
        """Underscores, which hosts have in practice, stay."""
        self.assertEqual(server_name("my_host."), "my_host")
