"""Certificates, keys and trust from files, and what is said of files that are wrong."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config import TlsConfig
from apiml_ws.proxy import key_material
from apiml_ws.proxy.key_material import TlsError, identity, trusted
from apiml_ws.proxy.pkcs12 import KeyEntry, Store
from tests.certificates import authority, leaf, tls_config, write_pem, write_pkcs12, write_trust
from tests.proxy.test_pkcs12 import KEYTOOL


class FilesTestCase(SynchronousTestCase):
    """A folder for a test's files."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        os.mkdir(self.folder)

    def write(self, name: str, data: bytes) -> str:
        path = self.folder / name
        path.write_bytes(data)
        return str(path)

    def wrong(self, config: TlsConfig, key: str, file: str | None, words: str) -> None:
        """Reading ``config`` names ``key`` and ``file``, and says ``words``."""
        with self.assertRaises(TlsError) as caught:
            identity(config)
            trusted(config)
        self.assertEqual(caught.exception.key, key)
        self.assertEqual(caught.exception.file, file or "")
        self.assertIn(words, str(caught.exception))
        self.assertTrue(str(caught.exception).startswith(f"server.ssl.{key}: {file or ''}"))


class PemTests(FilesTestCase):
    """Certificate, key and trust store as PEM files."""

    def test_certificate_key_and_chain_are_read(self) -> None:
        """What follows the first certificate is the chain, in its order."""
        middle = authority("Middle", authority())
        ours = leaf(issuer=middle)
        found = identity(tls_config(self.folder, ours))
        assert found is not None
        self.assertEqual(found.certificate, ours.certificate)
        self.assertEqual(found.chain, (middle.certificate,))

    def test_nothing_configured_is_no_identity_and_no_trust(self) -> None:
        """That is for the caller to judge."""
        self.assertIsNone(identity(TlsConfig()))
        self.assertIsNone(trusted(TlsConfig()))

    def test_all_certificates_of_the_trust_store_are_trusted(self) -> None:
        """A PEM file may hold many."""
        second = authority("Second")
        config = TlsConfig(trust_store=write_trust(self.folder, authority(), second))
        self.assertEqual(trusted(config), (authority().certificate, second.certificate))

    def test_a_missing_file_is_named(self) -> None:
        """With what the system says of it."""
        config = tls_config(self.folder)
        self.wrong(replace(config, certificate="/none.pem"), "certificate", "/none.pem", "No such file")
        self.wrong(replace(config, private_key="/none.pem"), "privateKey", "/none.pem", "No such file")
        self.wrong(replace(config, trust_store="/none.pem"), "trustStore", "/none.pem", "No such file")

    def test_a_certificate_without_a_key_is_an_error(self) -> None:
        """And a key without a certificate."""
        config = tls_config(self.folder)
        self.wrong(replace(config, private_key=None), "privateKey", None, "missing")
        self.wrong(replace(config, certificate=None), "privateKey", config.private_key, "no server.ssl.certificate")

    def test_files_of_another_kind_are_errors(self) -> None:
        """A key where a certificate should be, and the other way round."""
        config = tls_config(self.folder)
        self.wrong(replace(config, certificate=config.private_key), "certificate", config.private_key, "no certificate")
        self.wrong(replace(config, private_key=config.certificate), "privateKey", config.certificate, "no private key")

    def test_a_key_of_another_certificate_is_an_error(self) -> None:
        """Before any client finds out."""
        config = tls_config(self.folder)
        _, other = write_pem(self.folder, leaf(names=("elsewhere",)), "other")
        self.wrong(replace(config, private_key=other), "privateKey", other, "does not belong")

    def test_an_encrypted_key_is_an_error(self) -> None:
        """There is no configuration key for its password."""
        encrypted = leaf().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
        file = self.write("encrypted.pem", encrypted)
        self.wrong(replace(tls_config(self.folder), private_key=file), "privateKey", file, "is encrypted")


class StoreTests(FilesTestCase):
    """PKCS12 stores."""

    def store(self) -> TlsConfig:
        return TlsConfig(key_store=write_pkcs12(self.folder, leaf()), key_store_password="password")

    def test_key_certificate_and_chain_are_read(self) -> None:
        """The chain is what leads up from the key's certificate; the root is left out."""
        middle = authority("Middle", authority())
        ours = leaf(issuer=middle)
        file = write_pkcs12(self.folder, ours, trusted=(authority("Stranger"), authority()))
        found = identity(TlsConfig(key_store=file, key_store_password="password"))
        assert found is not None
        self.assertEqual((found.certificate, found.chain), (ours.certificate, (middle.certificate,)))

    def test_an_alias_chooses_whatever_its_case(self) -> None:
        """As Java does, which stores aliases in lower case."""
        config = TlsConfig(key_store=str(KEYTOOL), key_store_password="password", key_alias="LocalHost")
        found = identity(config)
        assert found is not None
        self.assertEqual(found.certificate.subject.rfc4514_string(), "CN=localhost")

    def test_the_first_key_serves_without_an_alias(self) -> None:
        """As in Java."""
        found = identity(TlsConfig(key_store=str(KEYTOOL), key_store_password="password"))
        assert found is not None
        self.assertEqual(found.certificate.subject.rfc4514_string(), "CN=First")

    def test_an_unknown_alias_is_an_error_that_lists_the_known(self) -> None:
        """So that a slip is seen at once."""
        config = TlsConfig(key_store=str(KEYTOOL), key_store_password="password", key_alias="fourth")
        self.wrong(config, "keyAlias", str(KEYTOOL), "no key is called fourth; there are: first, localhost, third")

    def test_a_wrong_password_is_an_error(self) -> None:
        """That names the key which holds it, not what it holds."""
        config = replace(self.store(), key_store_password="guess")
        self.wrong(config, "keyStore", config.key_store, "keyStorePassword")
        with self.assertRaises(TlsError) as caught:
            identity(config)
        self.assertNotIn("guess", str(caught.exception))

    def test_a_missing_password_is_an_error(self) -> None:
        """For a store that has one."""
        config = replace(self.store(), key_store_password=None)
        self.wrong(config, "keyStore", config.key_store, "wrong password")

    def test_a_store_without_a_key_is_an_error(self) -> None:
        """It may be a trust store by mistake."""
        file = write_pkcs12(self.folder, None, trusted=(authority(),))
        self.wrong(TlsConfig(key_store=file, key_store_password="password"), "keyStore", file, "no private key")

    def test_a_java_key_store_is_an_error_that_tells_the_way_out(self) -> None:
        """JKS, whether by its type or by its content."""
        file = self.write("store.jks", bytes.fromhex("feedfeed00000002"))
        self.wrong(TlsConfig(key_store=file), "keyStore", file, "keytool -importkeystore")
        self.wrong(TlsConfig(key_store=file, key_store_type="JKS"), "keyStoreType", None, "JKS is not supported")

    def test_a_pkcs12_trust_store_trusts_its_certificates_but_its_own(self) -> None:
        """A certificate that goes with a key in the store is somebody's, not an authority."""
        file = write_pkcs12(self.folder, leaf(), trusted=(authority(),))
        self.assertEqual(
            trusted(TlsConfig(trust_store=file, trust_store_password="password")), (authority().certificate,)
        )

    def test_a_trust_store_without_certificates_is_an_error(self) -> None:
        """It would trust nobody."""
        file = write_pkcs12(self.folder, leaf())
        config = TlsConfig(trust_store=file, trust_store_password="password")
        self.wrong(config, "trustStore", file, "no trusted certificate")

    def test_a_store_that_lacks_the_certificate_of_its_key_is_an_error(self) -> None:
        """Nothing could be shown to a client."""
        lonely = Store((KeyEntry("lonely", leaf().key),), (authority().certificate,))
        self.patch(key_material, "read_store", lambda *_: lonely)
        config = self.store()
        self.wrong(config, "keyStore", config.key_store, "no certificate for its key")
