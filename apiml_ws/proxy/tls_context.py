"""OpenSSL contexts from ``server.ssl``, for either side of TLS."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509 import Certificate
from OpenSSL.crypto import X509, X509StoreFlags
from OpenSSL.SSL import (
    MODE_RELEASE_BUFFERS,
    OP_CIPHER_SERVER_PREFERENCE,
    OP_NO_COMPRESSION,
    OP_NO_RENEGOTIATION,
    SESS_CACHE_OFF,
    TLS1_2_VERSION,
    TLS1_3_VERSION,
    TLS_METHOD,
    VERIFY_FAIL_IF_NO_PEER_CERT,
    VERIFY_NONE,
    VERIFY_PEER,
    Connection,
    Context,
    Error,
)

from apiml_ws.core.cipher_names import Suites, suites
from apiml_ws.core.config import ClientAuth, TlsConfig
from apiml_ws.proxy.key_material import Identity, TlsError, identity, trusted

_VERSIONS: Final = {"TLSv1.2": TLS1_2_VERSION, "TLSv1.3": TLS1_3_VERSION}

#: What is offered to services in TLS 1.2: forward secrecy, and no SHA-1, as the reference system has it.
_SERVICE_SUITES: Final = b"ECDHE:DHE:!aNULL:!eNULL:!PSK:!DSS:!SHA1:!MD5"

#: What a server may be configured with: anything that proves who the server is and encrypts.
_SOUND_SUITES: Final = b"ALL:!aNULL:!eNULL:!PSK:!SRP"

_ASKED: Final = {
    ClientAuth.NONE: VERIFY_NONE,
    ClientAuth.WANT: VERIFY_PEER,
    ClientAuth.NEED: VERIFY_PEER | VERIFY_FAIL_IF_NO_PEER_CERT,
}


def server_context(config: TlsConfig) -> Context:
    """A context for the side that accepts.

    Sessions are resumed by tickets alone: nothing is kept here for a client that went away.

    :raises TlsError: what ``config`` says cannot be done.
    """
    who = identity(config)
    if who is None:
        raise TlsError("certificate", "", "missing; TLS needs it and .privateKey, or a .keyStore")
    context = _context(config, OP_CIPHER_SERVER_PREFERENCE)
    _use_suites(context, config)
    _prove(context, who)
    _ask_clients(context, config)
    context.set_session_id(b"apiml-ws")
    context.set_session_cache_mode(SESS_CACHE_OFF)
    return context


def client_context(config: TlsConfig, verify: bool) -> Context:
    """A context for the side that connects; unless ``verify``, any certificate will do.

    It presents our certificate where one is asked for, and trusts the trust store alone, or the system's roots when none
    is configured.

    :raises TlsError: what ``config`` says cannot be done.
    """
    context = _context(config, 0)
    _limit(context, [_version(name) for name in config.protocols])
    context.set_cipher_list(_SERVICE_SUITES)
    who = identity(config)
    if who is not None:
        _prove(context, who)
    if verify:
        _trust(context, trusted(config))
    context.set_verify(VERIFY_PEER if verify else VERIFY_NONE)
    return context


def _context(config: TlsConfig, options: int) -> Context:
    if not config.protocols:
        raise TlsError("protocols", "", f"empty; there are {', '.join(_VERSIONS)}")
    context = Context(TLS_METHOD)
    context.set_options(OP_NO_COMPRESSION | OP_NO_RENEGOTIATION | options)
    context.set_mode(MODE_RELEASE_BUFFERS)
    return context


def _version(name: str) -> int:
    if name not in _VERSIONS:
        raise TlsError("protocols", "", f"{name} is unknown; there are {', '.join(_VERSIONS)}")
    return _VERSIONS[name]


def _limit(context: Context, versions: list[int]) -> None:
    context.set_min_proto_version(min(versions))
    context.set_max_proto_version(max(versions))


def _use_suites(context: Context, config: TlsConfig) -> None:
    """Only the configured suites, and only those protocols that have one."""
    wanted = _known_suites(config.ciphers)
    by_version = {TLS1_2_VERSION: wanted.tls12, TLS1_3_VERSION: wanted.tls13}
    versions = [version for name in config.protocols if by_version[version := _version(name)]]
    if not versions:
        raise TlsError("ciphers", "", f"none of them belongs to {', '.join(config.protocols)}")
    _limit(context, versions)
    if wanted.tls12:
        context.set_cipher_list(":".join(wanted.tls12).encode())
    if wanted.tls13:
        context.set_tls13_ciphersuites(":".join(wanted.tls13).encode())


def _known_suites(names: Iterable[str]) -> Suites:
    unknown = [name for name in names if not _known() & {*suites([name]).tls12, *suites([name]).tls13}]
    if unknown:
        raise TlsError("ciphers", "", f"OpenSSL has no safe cipher of this name: {', '.join(unknown)}")
    return suites(names)


@cache
def _known() -> frozenset[str]:
    """The suites that this OpenSSL has and that are fit for a server."""
    context = Context(TLS_METHOD)
    context.set_cipher_list(_SOUND_SUITES)
    context.set_tls13_ciphersuites(b"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256")
    return frozenset(Connection(context).get_cipher_list())


def _prove(context: Context, who: Identity) -> None:
    if not isinstance(who.key, RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey | Ed448PrivateKey):
        raise TlsError("certificate", "", "keys of its kind do not sign in TLS; RSA, EC and EdDSA keys do")
    try:
        context.use_certificate(who.certificate)
        context.use_privatekey(who.key)
        for each in who.chain:
            context.add_extra_chain_cert(each)
    except (Error, TypeError) as error:
        raise TlsError("certificate", "", f"OpenSSL does not take it: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(error.args[0][0][-1]) if isinstance(error, Error) and error.args and error.args[0] else str(error)


def _ask_clients(context: Context, config: TlsConfig) -> None:
    """Ask for certificates of those authorities that we trust, none else: the system's roots vouch for anybody."""
    context.set_verify(_ASKED[config.client_auth])
    if config.client_auth is ClientAuth.NONE:
        return
    certificates = trusted(config)
    if certificates is None:
        raise TlsError("clientAuth", "", f"{config.client_auth.value} needs a server.ssl.trustStore to judge by")
    _trust(context, certificates)
    for each in certificates:
        context.add_client_ca(each)


def _trust(context: Context, certificates: tuple[Certificate, ...] | None) -> None:
    """Trust ``certificates``, roots or not, as Java does; None for the system's roots."""
    if certificates is None:
        context.set_default_verify_paths()
        return
    store = context.get_cert_store()
    assert store is not None, "every context has one"
    store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
    for each in certificates:
        store.add_cert(X509.from_cryptography(each))
