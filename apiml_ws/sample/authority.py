"""A certificate authority for development, kept in a folder: whoever trusts it can speak TLS with what runs there.

It can vouch for this machine alone: its certificate permits no other names than ``localhost`` and no other addresses
than those of the loopback, so that trusting it endangers nothing else (RFC 5280 section 4.2.1.10).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: How long certificates hold; browsers take none that holds longer than 398 days.
AUTHORITY_LIFE: Final = timedelta(days=3650)
LEAF_LIFE: Final = timedelta(days=397)

#: Certificates that end within this time are made anew.
RENEWAL: Final = timedelta(days=30)

#: What a clock may be behind ours.
_LEEWAY: Final = timedelta(hours=1)

_NAMES: Final = ("localhost",)
_ADDRESSES: Final = ("127.0.0.1", "::1")
_NETWORKS: Final = ("127.0.0.0/8", "::1/128")
_PURPOSES: Final = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where a certificate and its key are, as PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class DevelopmentAuthority:
    """The authority in ``folder``, which is made if it is not there; ``now`` gives the time, with its zone.

    Everything is made on first use and again before it ends.  Nothing but the owner may read any of it.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now

    def root(self) -> Path:
        """The authority's own certificate, ``ca.pem``: what clients have to trust.

        :raises OSError: the folder cannot be written.
        """
        self._authority()
        return self._files("ca").certificate

    def certificate_for(self, stem: str) -> CertificateFiles:
        """A certificate for this machine in ``<stem>.pem``, its key in ``<stem>-key.pem``; good for both ends of TLS.

        :raises OSError: the folder cannot be written.
        """
        authority = self._authority()
        files = self._files(stem)
        known = self._read(files)
        if known is None or not _signed_by(known, authority):
            self._write(files, self._issue(stem, authority))
        return files

    def _files(self, stem: str) -> CertificateFiles:
        return CertificateFiles(self._folder / f"{stem}.pem", self._folder / f"{stem}-key.pem")

    def _authority(self) -> _Pair:
        files = self._files("ca")
        known = self._read(files)
        if known is None:
            known = self._found()
            self._write(files, known)
        return known

    def _read(self, files: CertificateFiles) -> _Pair | None:
        """What is in ``files``; None when it is missing, broken, or about to end."""
        try:
            certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
            key = load_pem_private_key(files.key.read_bytes(), None)
        except (FileNotFoundError, ValueError, TypeError):
            return None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            return None
        return _Pair(certificate, key) if certificate.not_valid_after_utc - RENEWAL > self._now() else None

    def _write(self, files: CertificateFiles, pair: _Pair) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(files.key, pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        write_private(files.certificate, pair.certificate.public_bytes(Encoding.PEM))

    def _found(self) -> _Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("apiml_ws development authority")
        builder = (
            self._builder(name, name, key, AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(_only_this_machine(), critical=True)
        )
        return _Pair(builder.sign(key, hashes.SHA256()), key)

    def _issue(self, stem: str, authority: _Pair) -> _Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
        builder = (
            self._builder(_name(stem), authority.certificate.subject, key, LEAF_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(_PURPOSES), critical=False)
            .add_extension(_this_machine(), critical=False)
            .add_extension(above, critical=False)
        )
        return _Pair(builder.sign(authority.key, hashes.SHA256()), key)

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, life: timedelta
    ) -> x509.CertificateBuilder:
        now = self._now()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _LEEWAY)
            .not_valid_after(now + life)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )


def write_private(path: Path, data: bytes) -> None:
    """Write a file that nobody but its owner may read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    fresh.replace(path)


def _signed_by(pair: _Pair, authority: _Pair) -> bool:
    try:
        pair.certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _this_machine() -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in _NAMES]
    return x509.SubjectAlternativeName([*names, *(x509.IPAddress(ip_address(each)) for each in _ADDRESSES)])


def _only_this_machine() -> x509.NameConstraints:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in _NAMES]
    return x509.NameConstraints([*names, *(x509.IPAddress(ip_network(each)) for each in _NETWORKS)], None)


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
