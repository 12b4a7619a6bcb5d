"""PKCS12 stores with any number of keys."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.proxy import pkcs12
from apiml_ws.proxy.pkcs12 import Store, read_store
from tests.certificates import authority, leaf, write_pkcs12

#: Made by keytool of Java 17: three key entries ``first``, ``localhost``, ``third``, password ``password``.
KEYTOOL = Path(__file__).parent / "data" / "keytool.p12"


class StoreTests(SynchronousTestCase):
    """:func:`read_store`."""

    def read(self, **kw: object) -> Store:
        folder = self.mktemp()
        os.mkdir(folder)
        store = write_pkcs12(folder, leaf(), trusted=(authority(),), **kw)  # type: ignore[arg-type]  # passed through
        return read_store(Path(store).read_bytes(), b"password" if kw.get("password", "password") else None)

    def test_every_key_of_a_java_store_is_found(self) -> None:
        """Not only the first one, and each with its certificate."""
        store = read_store(KEYTOOL.read_bytes(), b"password")
        self.assertEqual([entry.alias for entry in store.keys], ["first", "localhost", "third"])
        self.assertEqual(
            {_spki(entry.key.public_key()) for entry in store.keys},
            {_spki(certificate.public_key()) for certificate in store.certificates},
        )

    def test_key_and_certificates_are_read(self) -> None:
        """A store of one entry gives its key under its alias, and all certificates."""
        store = self.read(alias="MyKey")
        self.assertEqual([entry.alias for entry in store.keys], ["MyKey"])
        self.assertEqual(set(store.certificates), {leaf().certificate, authority().certificate})

    def test_a_store_without_encryption_is_read(self) -> None:
        """Its key stands in the open, and needs no password."""
        store = self.read(password=None)
        self.assertEqual([entry.alias for entry in store.keys], ["localhost"])

    def test_a_wrong_password_is_an_error(self) -> None:
        """As the store's check sum shows."""
        with self.assertRaises(ValueError):
            read_store(KEYTOOL.read_bytes(), b"wrong")

    def test_any_other_file_is_an_error(self) -> None:
        """Whatever stands in it."""
        for data in (b"", b"text", b"\x30\x80\x02", b"\x30\x84\xff"):
            with self.assertRaises(ValueError):
                read_store(data, b"password")

    def test_the_first_key_serves_when_the_keys_cannot_be_found(self) -> None:
        """A structure that is valid but not understood costs the other keys, not the store."""
        self.patch(pkcs12, "_DATA", b"not met")
        store = read_store(KEYTOOL.read_bytes(), b"password")
        self.assertEqual([entry.alias for entry in store.keys], ["first"])
        self.assertEqual(len(store.certificates), 3)

    def test_a_trust_store_has_no_keys(self) -> None:
        """Certificates alone are a store too."""
        folder = self.mktemp()
        os.mkdir(folder)
        store = read_store(Path(write_pkcs12(folder, None, trusted=(authority(),))).read_bytes(), b"password")
        self.assertEqual(store, Store((), (authority().certificate,)))

    def test_a_key_without_a_name_has_an_empty_one(self) -> None:
        """OpenSSL makes such stores."""
        self.patch(pkcs12, "_FRIENDLY_NAME", b"not met")
        self.assertEqual([entry.alias for entry in self.read().keys], [""])

    def test_the_walk_tells_what_is_no_der(self) -> None:
        """Truncated elements, indefinite and truncated lengths, and nothing at all."""
        for data in (b"\x30\x05\x00", b"\x30\x80\x00\x00", b"\x30\x82\x01", b"\x30", b""):
            with self.assertRaises(ValueError):
                pkcs12._only(data)

    def test_content_that_is_no_octet_string_is_an_error(self) -> None:
        """A content info whose value is of another type."""
        with self.assertRaises(ValueError):
            pkcs12._octets(bytes.fromhex("060101a003020105"))


def _spki(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined, no-any-return]  # any kind
