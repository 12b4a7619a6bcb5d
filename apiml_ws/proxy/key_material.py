"""Our certificate and key, and the certificates that we trust, from PEM files or PKCS12 stores.

Whatever is wrong with a file is a :class:`TlsError` that names the configuration key and the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates

from apiml_ws.core.config import TlsConfig
from apiml_ws.proxy.pkcs12 import KeyEntry, Store, read_store

_JKS = bytes.fromhex("feedfeed")
_PEM = b"-----BEGIN "


class TlsError(Exception):
    """A key of ``server.ssl`` that cannot be honoured; ``file`` is empty when no file is to blame."""

    def __init__(self, key: str, file: str, problem: str) -> None:
        super().__init__(": ".join(part for part in (f"server.ssl.{key}", file, problem) if part))
        self.key, self.file, self.problem = key, file, problem


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are: a key, its certificate, and the certificates between it and a root, nearest first."""

    key: PrivateKeyTypes
    certificate: Certificate
    chain: tuple[Certificate, ...] = ()


def identity(config: TlsConfig) -> Identity | None:
    """The configured certificate and key; None when none are configured.

    :raises TlsError: they cannot be read, or do not belong together.
    """
    if config.certificate is not None:
        return _pem_identity(config, config.certificate)
    if config.private_key is not None:
        raise TlsError("privateKey", config.private_key, "there is no server.ssl.certificate that it belongs to")
    return None if config.key_store is None else _store_identity(config, config.key_store)


def trusted(config: TlsConfig) -> tuple[Certificate, ...] | None:
    """The certificates of the configured trust store, PEM or PKCS12; None when none is configured.

    :raises TlsError: it cannot be read, or holds no certificate.
    """
    file = config.trust_store
    if file is None:
        return None
    data = _read("trustStore", file)
    if _PEM in data:
        return _pem_certificates("trustStore", file, data)
    store = _store("trustStore", file, data, config.trust_store_password)
    own = {_public(entry.key.public_key()) for entry in store.keys}
    found = tuple(each for each in store.certificates if _public(each.public_key()) not in own)
    if not found:
        raise TlsError("trustStore", file, "holds no trusted certificate")
    return found


def _pem_identity(config: TlsConfig, file: str) -> Identity:
    certificate, *chain = _pem_certificates("certificate", file, _read("certificate", file))
    if config.private_key is None:
        raise TlsError("privateKey", "", f"missing, though server.ssl.certificate names {file}")
    key = _pem_key(config.private_key)
    if _public(key.public_key()) != _public(certificate.public_key()):
        raise TlsError("privateKey", config.private_key, f"does not belong to the first certificate in {file}")
    return Identity(key, certificate, tuple(chain))


def _pem_certificates(key: str, file: str, data: bytes) -> tuple[Certificate, ...]:
    try:
        return tuple(load_pem_x509_certificates(data))
    except ValueError as error:
        raise TlsError(key, file, "holds no certificate in PEM format, or a broken one") from error


def _pem_key(file: str) -> PrivateKeyTypes:
    data = _read("privateKey", file)
    try:
        return load_pem_private_key(data, None)
    except TypeError as error:
        raise TlsError("privateKey", file, "is encrypted; a PEM key must not be, a PKCS12 store may") from error
    except ValueError as error:
        raise TlsError("privateKey", file, "holds no private key in PEM format, or a broken one") from error


def _store_identity(config: TlsConfig, file: str) -> Identity:
    if config.key_store_type.upper() != "PKCS12":
        raise TlsError("keyStoreType", "", f"{config.key_store_type} is not supported, PKCS12 is")
    store = _store("keyStore", file, _read("keyStore", file), config.key_store_password)
    entry = _chosen(config.key_alias, file, store.keys)
    public = _public(entry.key.public_key())
    certificate = next((each for each in store.certificates if _public(each.public_key()) == public), None)
    if certificate is None:
        raise TlsError("keyStore", file, "holds no certificate for its key")
    return Identity(entry.key, certificate, _above(certificate, store.certificates))


def _chosen(alias: str | None, file: str, keys: tuple[KeyEntry, ...]) -> KeyEntry:
    if not keys:
        raise TlsError("keyStore", file, "holds no private key")
    wanted = keys[0].alias if alias is None else alias
    for entry in keys:
        if entry.alias.casefold() == wanted.casefold():
            return entry
    present = ", ".join(entry.alias or "(one without a name)" for entry in keys)
    raise TlsError("keyAlias", file, f"no key is called {alias}; there are: {present}")


def _above(certificate: Certificate, store: Iterable[Certificate]) -> tuple[Certificate, ...]:
    """The certificates of ``store`` that lead up from ``certificate``, without a root, which the peer has itself."""
    by_subject = {each.subject: each for each in store if each.issuer != each.subject}
    chain: list[Certificate] = []
    while (above := by_subject.pop(certificate.issuer, None)) is not None:
        chain.append(above)
        certificate = above
    return tuple(chain)


def _store(key: str, file: str, data: bytes, password: str | None) -> Store:
    if data.startswith(_JKS):
        raise TlsError(key, file, "is a JKS store; keytool -importkeystore -deststoretype PKCS12 converts it")
    try:
        return read_store(data, None if password is None else password.encode())
    except ValueError as error:
        raise TlsError(key, file, f"wrong password ({key}Password), or no PKCS12 store") from error


def _read(key: str, file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise TlsError(key, file, error.strerror or str(error)) from error


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
