"""TLS on both sides, by real handshakes in memory."""

from __future__ import annotations

import os
from dataclasses import replace

from OpenSSL.SSL import (
    TLS1_1_VERSION,
    TLS1_2_VERSION,
    TLS1_3_VERSION,
    TLS_METHOD,
    Connection,
    Context,
    Error,
)
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IOpenSSLServerConnectionCreator
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface.verify import verifyObject

from apiml_ws.core.config import ClientAuth, TlsConfig, Verification
from apiml_ws.proxy.key_material import TlsError
from apiml_ws.proxy.tls import ClientTls, ServerTls, WrongHostError, is_address, judge, problems, server_name
from tests.certificates import Issued, authority, leaf, tls_config, write_pkcs12, write_trust
from tests.proxy.doubles_tls import Blamed, bare_client, client_end, server_end, shake_hands
from tests.proxy.test_pkcs12 import KEYTOOL


class TlsTestCase(SynchronousTestCase):
    """A folder, and configurations in it."""

    def setUp(self) -> None:
        self.folder = self.mktemp()
        os.mkdir(self.folder)
        self.config = tls_config(self.folder)

    def config_of(self, issued: Issued, name: str) -> TlsConfig:
        return tls_config(self.folder, issued, stem=name)


class ServiceVerificationTests(TlsTestCase):
    """Which services are spoken to, by the three modes."""

    def dial(self, verification: Verification, service: Issued, host: str = "localhost") -> None:
        """A handshake with a service that shows ``service``, and the judgement after it."""
        tls = ClientTls(self.config, verification)
        connection = client_end(tls.creator_for(host))
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
        client = client_end(ClientTls(self.config, Verification.NONSTRICT).creator_for(host))
        server = server_end(ServerTls(self.config))
        shake_hands(client, server)
        return client, server

    def test_the_creators_are_what_twisted_asks_for(self) -> None:
        """They go into a ``TLSMemoryBIOFactory`` or an endpoint."""
        verifyObject(IOpenSSLServerConnectionCreator, ServerTls(self.config))
        creator = ClientTls(self.config, Verification.STRICT).creator_for("localhost")
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
        shake_hands(
            client_end(ClientTls(self.config_of(ours, "ours"), Verification.STRICT).creator_for("localhost")), server
        )
        shown = server.get_peer_certificate(as_cryptography=True)
        self.assertEqual(shown, ours.certificate)

    def test_without_a_certificate_of_ours_services_are_still_dialled(self) -> None:
        """A gateway behind a TLS terminator has none."""
        bare = TlsConfig(enabled=False, trust_store=self.config.trust_store)
        client = client_end(ClientTls(bare, Verification.STRICT).creator_for("localhost"))
        server = server_end(ServerTls(self.config))
        shake_hands(client, server)
        self.assertIsNone(server.get_peer_certificate())

    def test_a_session_is_resumed_by_a_ticket(self) -> None:
        """A client that comes back need not begin anew, even where certificates are asked for."""
        self.config = replace(self.config, client_auth=ClientAuth.WANT, protocols=("TLSv1.2",))
        creator = ClientTls(self.config, Verification.STRICT).creator_for("localhost")
        server = ServerTls(self.config)
        first = client_end(creator)
        shake_hands(first, server_end(server))
        session = first.get_session()
        assert session is not None
        second, end = client_end(creator), server_end(server)
        second.set_session(session)
        shake_hands(second, end)
        self.assertEqual(second.master_key(), first.master_key())


class ClientAuthTests(TlsTestCase):
    """``server.ssl.clientAuth``."""

    def arrive(self, mode: ClientAuth, client: Issued | None) -> Connection:
        """A client that shows ``client``, or nothing, at a server of that mode; the server's end."""
        server = server_end(ServerTls(replace(self.config, client_auth=mode)))
        context = Context(TLS_METHOD)
        if client is not None:
            context.use_certificate(client.certificate)
            context.use_privatekey(client.key)
        shake_hands(bare_client(context), server)
        return server

    def test_none_does_not_ask(self) -> None:
        """A certificate that the client has stays with it."""
        self.assertIsNone(self.arrive(ClientAuth.NONE, leaf()).get_peer_certificate())

    def test_want_takes_a_trusted_certificate_or_none(self) -> None:
        """It is there for the actuator to see."""
        self.assertIsNotNone(self.arrive(ClientAuth.WANT, leaf()).get_peer_certificate())
        self.assertIsNone(self.arrive(ClientAuth.WANT, None).get_peer_certificate())

    def test_need_takes_a_trusted_certificate_only(self) -> None:
        """Without one the handshake fails."""
        self.assertIsNotNone(self.arrive(ClientAuth.NEED, leaf()).get_peer_certificate())
        with self.assertRaises(Error):
            self.arrive(ClientAuth.NEED, None)

    def test_an_untrusted_certificate_fails_the_handshake(self) -> None:
        """Under want as well."""
        for mode in (ClientAuth.WANT, ClientAuth.NEED):
            for client in (leaf(issuer=authority("Stranger")), leaf(expired=True)):
                with self.assertRaises(Error):
                    self.arrive(mode, client)

    def test_clients_are_told_whose_certificates_are_good(self) -> None:
        """Java clients choose theirs by that list."""
        server = server_end(ServerTls(replace(self.config, client_auth=ClientAuth.WANT)))
        names = [name.CN for name in server.get_client_ca_list()]
        self.assertEqual(names, ["Test authority"])

    def test_asking_needs_a_trust_store(self) -> None:
        """The system's roots would vouch for anybody."""
        for mode in (ClientAuth.WANT, ClientAuth.NEED):
            with self.assertRaises(TlsError) as caught:
                ServerTls(replace(self.config, client_auth=mode, trust_store=None))
            self.assertEqual(caught.exception.key, "clientAuth")


class ProtocolTests(TlsTestCase):
    """``server.ssl.protocols`` and ``.ciphers``."""

    def version(self, lowest: int, highest: int) -> tuple[str, str | None]:
        """What a client that speaks these versions agrees on with the server."""
        context = Context(TLS_METHOD)
        context.set_min_proto_version(lowest)
        context.set_max_proto_version(highest)
        client = bare_client(context)
        shake_hands(client, server_end(ServerTls(self.config)))
        return client.get_protocol_version_name(), client.get_cipher_name()

    def test_both_protocols_are_spoken_by_default(self) -> None:
        """TLS 1.3 with those who can, TLS 1.2 with the rest, nothing older."""
        self.assertEqual(self.version(TLS1_2_VERSION, TLS1_3_VERSION), ("TLSv1.3", "TLS_AES_128_GCM_SHA256"))
        self.assertEqual(self.version(TLS1_2_VERSION, TLS1_2_VERSION), ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"))
        with self.assertRaises(Error):
            self.version(TLS1_1_VERSION, TLS1_1_VERSION)

    def test_protocols_are_limited(self) -> None:
        """To the one that is configured."""
        self.config = replace(self.config, protocols=("TLSv1.3",))
        with self.assertRaises(Error):
            self.version(TLS1_2_VERSION, TLS1_2_VERSION)
        self.config = replace(self.config, protocols=("TLSv1.2",))
        self.assertEqual(self.version(TLS1_2_VERSION, TLS1_3_VERSION)[0], "TLSv1.2")

    def test_services_are_dialled_with_the_configured_protocols(self) -> None:
        """A gateway that is to speak TLS 1.3 alone does so on both sides."""
        service = ServerTls(replace(self.config, protocols=("TLSv1.2",)))
        ours = replace(self.config, protocols=("TLSv1.3",))
        with self.assertRaises(Error):
            shake_hands(client_end(ClientTls(ours, Verification.STRICT).creator_for("localhost")), server_end(service))

    def test_services_are_offered_forward_secrecy_without_sha1(self) -> None:
        """As the reference system excludes ``TLS_RSA_*`` and ``*_SHA``."""
        offered = client_end(ClientTls(self.config, Verification.STRICT).creator_for("localhost")).get_cipher_list()
        weak = [n for n in offered if n.endswith("-SHA") or not n.startswith(("TLS_", "ECDHE-", "DHE-"))]
        self.assertEqual(weak, [])

    def test_only_the_configured_suites_are_spoken(self) -> None:
        """Of TLS 1.3 as of TLS 1.2, in either spelling, the server's order first."""
        self.config = replace(self.config, ciphers=("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_CHACHA20_POLY1305_SHA256"))
        self.assertEqual(self.version(TLS1_3_VERSION, TLS1_3_VERSION)[1], "TLS_CHACHA20_POLY1305_SHA256")
        self.assertEqual(self.version(TLS1_2_VERSION, TLS1_2_VERSION)[1], "ECDHE-ECDSA-AES256-GCM-SHA384")

    def test_a_protocol_without_a_suite_is_not_spoken(self) -> None:
        """Suites of one version only leave that version."""
        self.config = replace(self.config, ciphers=("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",))
        self.assertEqual(self.version(TLS1_2_VERSION, TLS1_3_VERSION)[0], "TLSv1.2")
        self.config = replace(self.config, ciphers=("TLS_AES_128_GCM_SHA256",))
        with self.assertRaises(Error):
            self.version(TLS1_2_VERSION, TLS1_2_VERSION)

    def test_what_cannot_be_spoken_is_an_error(self) -> None:
        """That names the key and what was found."""
        for change, key, words in (
            (
                {"ciphers": ("TLS_RSA_WITH_RC4_128_MD5", "ECDHE-NOTHING")},
                "ciphers",
                "TLS_RSA_WITH_RC4_128_MD5, ECDHE-NOTHING",
            ),
            ({"ciphers": ("ADH-AES128-SHA256",)}, "ciphers", "ADH-AES128-SHA256"),
            ({"ciphers": ("TLS_AES_128_GCM_SHA256",), "protocols": ("TLSv1.2",)}, "ciphers", "TLSv1.2"),
            ({"protocols": ("TLSv1.1",)}, "protocols", "TLSv1.1"),
            ({"protocols": ()}, "protocols", "empty"),
            ({"certificate": None, "private_key": None}, "certificate", "missing"),
        ):
            with self.assertRaises(TlsError) as caught:
                ServerTls(replace(self.config, **change))
            self.assertEqual(caught.exception.key, key)
            self.assertIn(words, str(caught.exception))


class StoreTests(TlsTestCase):
    """PKCS12 stores do what PEM files do."""

    def test_a_java_key_store_and_a_pkcs12_trust_store_serve(self) -> None:
        """The handshake shows the certificate of the alias."""
        config = TlsConfig(key_store=str(KEYTOOL), key_store_password="password", key_alias="third")
        client = client_end(ClientTls(self.config, Verification.DISABLED).creator_for("localhost"))
        shake_hands(client, server_end(ServerTls(config)))
        shown = client.get_peer_certificate(as_cryptography=True)
        assert shown is not None
        self.assertEqual(shown.subject.rfc4514_string(), "CN=third")
        trust = write_pkcs12(self.folder, None, trusted=(authority(),), name="trust.p12")
        ours = TlsConfig(trust_store=trust, trust_store_password="password")
        shake_hands(
            client_end(ClientTls(ours, Verification.STRICT).creator_for("localhost")),
            server_end(ServerTls(self.config)),
        )


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
