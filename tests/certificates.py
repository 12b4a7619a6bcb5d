"""Certificates for tests: authorities and leaves, made once a process, with EC keys because they are quick to make.

folder = self.mktemp(); os.mkdir(folder)
tls = tls_config(folder)                 # certificate, key and trust store of the usual authority
write_pem(folder, leaf(names=("elsewhere",)), "wrong-host")
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from apiml_ws.core.config import ClientAuth, TlsConfig

_DAY = timedelta(days=1)
_SIGNS = x509.KeyUsage(False, False, False, False, False, True, True, False, False)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key and the certificates above it, nearest first, the root left out."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def chain_pem(self) -> bytes:
        """The certificate and those above it, as a server's certificate file has them."""
        return b"".join(each.public_bytes(Encoding.PEM) for each in (self.certificate, *self.chain))

    @property
    def key_pem(self) -> bytes:
        """The key, not encrypted."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@cache
def authority(name: str = "Test authority", above: Issued | None = None) -> Issued:
    """A certificate authority: a root, or one that ``above`` signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    signer = above.certificate.subject if above is not None else subject
    builder = (
        _builder(subject, signer, key, timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_SIGNS, critical=True)
    )
    certificate = builder.sign(above.key if above is not None else key, hashes.SHA256())
    return Issued(certificate, key, () if above is None else _chain(above))


@cache
def leaf(
    names: tuple[str, ...] = ("localhost",),
    addresses: tuple[str, ...] = ("127.0.0.1", "::1"),
    issuer: Issued | None = None,
    common_name: str = "localhost",
    expired: bool = False,
) -> Issued:
    """A certificate for ``names`` and ``addresses``, signed by ``issuer`` (the usual authority)."""
    signer = authority() if issuer is None else issuer
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternatives += [x509.IPAddress(ip_address(address)) for address in addresses]
    builder = _builder(_name(common_name), signer.certificate.subject, key, -_DAY if expired else timedelta(days=365))
    signed_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(signed_by, critical=False)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return Issued(builder.sign(signer.key, hashes.SHA256()), key, _chain(signer))


def write_pem(folder: str | Path, issued: Issued, stem: str = "server") -> tuple[str, str]:
    """Write ``<stem>.pem`` (with the chain) and ``<stem>-key.pem``; their paths."""
    certificate, key = Path(folder) / f"{stem}.pem", Path(folder) / f"{stem}-key.pem"
    certificate.write_bytes(issued.chain_pem)
    key.write_bytes(issued.key_pem)
    return str(certificate), str(key)


def write_trust(folder: str | Path, *authorities: Issued, name: str = "trust.pem") -> str:
    """Write a PEM trust store with ``authorities`` (the usual one when none is named); its path."""
    path = Path(folder) / name
    path.write_bytes(b"".join(each.pem for each in authorities or (authority(),)))
    return str(path)


def write_pkcs12(
    folder: str | Path,
    issued: Issued | None,
    password: str | None = "password",
    alias: str = "localhost",
    trusted: tuple[Issued, ...] = (),
    name: str = "store.p12",
) -> str:
    """Write a PKCS12 store with one key entry (or none) and the certificates of ``trusted``; its path."""
    encryption: KeySerializationEncryption = NoEncryption()
    if password is not None:
        encryption = BestAvailableEncryption(password.encode())
    others: list[x509.Certificate] = [each.certificate for each in trusted]
    if issued is not None:
        others = [*issued.chain, *others]
    store = pkcs12.serialize_key_and_certificates(
        alias.encode() if issued is not None else None,
        issued.key if issued is not None else None,
        issued.certificate if issued is not None else None,
        others,
        encryption,
    )
    path = Path(folder) / name
    path.write_bytes(store)
    return str(path)


def tls_config(
    folder: str | Path,
    issued: Issued | None = None,
    trusted: tuple[Issued, ...] = (),
    client_auth: ClientAuth = ClientAuth.NONE,
    stem: str = "server",
) -> TlsConfig:
    """PEM files in ``folder`` and the configuration that names them; by default of the usual leaf and authority."""
    certificate, key = write_pem(folder, leaf() if issued is None else issued, stem)
    trust = write_trust(folder, *trusted, name=f"{stem}-trust.pem")
    return TlsConfig(certificate=certificate, private_key=key, trust_store=trust, client_auth=client_auth)


def _chain(signer: Issued) -> tuple[x509.Certificate, ...]:
    is_root = signer.certificate.subject == signer.certificate.issuer
    return () if is_root else (signer.certificate, *signer.chain)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 10 * _DAY)
        .not_valid_after(now + life)
    )
