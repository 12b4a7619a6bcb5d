"""Contexts from the configuration, by real handshakes in memory: who is asked, and what is spoken."""

from __future__ import annotations

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

from apiml_ws.core.config import ClientAuth, TlsConfig, Verification
from apiml_ws.proxy.key_material import TlsError
from apiml_ws.proxy.tls import ClientTls, ServerTls
from tests.certificates import Issued, authority, leaf, write_pkcs12
from tests.proxy.doubles_tls import bare_client, server_end, shake_hands
from tests.proxy.doubles_tls_case import TlsTestCase
from tests.proxy.test_pkcs12 import KEYTOOL


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
            shake_hands(ClientTls(ours, Verification.STRICT).connection_to("localhost"), server_end(service))

    def test_services_are_offered_forward_secrecy_without_sha1(self) -> None:
        """As the reference system excludes ``TLS_RSA_*`` and ``*_SHA``."""
        offered = ClientTls(self.config, Verification.STRICT).connection_to("localhost").get_cipher_list()
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
        client = ClientTls(self.config, Verification.DISABLED).connection_to("localhost")
        shake_hands(client, server_end(ServerTls(config)))
        shown = client.get_peer_certificate(as_cryptography=True)
        assert shown is not None
        self.assertEqual(shown.subject.rfc4514_string(), "CN=third")
        trust = write_pkcs12(self.folder, None, trusted=(authority(),), name="trust.p12")
        ours = TlsConfig(trust_store=trust, trust_store_password="password")
        shake_hands(
            ClientTls(ours, Verification.STRICT).connection_to("localhost"),
            server_end(ServerTls(self.config)),
        )
