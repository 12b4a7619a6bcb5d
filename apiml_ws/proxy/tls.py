"""TLS on both sides of the gateway, as ``server.ssl`` and ``apiml.security.ssl`` configure it.

A relay drives the connections after their handshakes, and may do so in a thread of its own, outside the interpreter's
lock.  Hence nothing here calls back into Python after a handshake: OpenSSL judges chains by itself, and the host name
is judged by :meth:`ClientTls.verify` when the handshake is done.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from OpenSSL.crypto import X509
from OpenSSL.SSL import VERIFY_PEER, Connection, Context, Error
from service_identity import CertificateError, VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IOpenSSLServerConnectionCreator
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from apiml_ws.core.config import TlsConfig, Verification
from apiml_ws.proxy.key_material import TlsError
from apiml_ws.proxy.tls_context import client_context, server_context
from apiml_ws.proxy.tls_sessions import TlsSessions


class WrongHostError(Error):
    """The certificate of a service is not one for the host that was dialled."""


class _Begun(Connection):
    """The accepting end of a handshake, which Twisted cannot make begin anew: it says that to any connection it gets."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, None)
        super().set_accept_state()

    def set_accept_state(self) -> None:
        """It is in that state, or has done with it."""


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """The side that clients, operators and registry users connect to.

    :raises TlsError: what ``config`` says cannot be done.
    """

    def __init__(self, config: TlsConfig) -> None:
        self._context = server_context(config)

    def connection(self) -> Connection:
        """One that waits for a client's handshake."""
        return _Begun(self._context)

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:
        """The same for Twisted."""
        return self.connection()


class ClientTls:
    """The side that connects to services and registries; one context for all of them.

    :raises TlsError: what ``config`` says cannot be done.
    """

    _log = Logger()

    def __init__(self, config: TlsConfig, verification: Verification) -> None:
        self._verification = verification
        self._sessions = TlsSessions()
        self._context = client_context(config, verification is not Verification.DISABLED)
        if verification is Verification.DISABLED:
            self._log.warn("The certificates of services are not verified: anybody between can read and change all.")

    def connection_to(self, host: str) -> Connection:
        """A connection to ``host``, a name or an address, that begins a handshake; :meth:`verify` is to follow it."""
        connection = Connection(self._context, None)
        name = None if is_address(host) else server_name(host)
        if name:
            connection.set_tlsext_host_name(name.encode("ascii"))
        connection.set_connect_state()
        return connection

    def to_service(self, host: str, port: int) -> Connection:
        """As :meth:`connection_to`, and goes on with a session of TLS that was kept of the service there."""
        connection = self.connection_to(host)
        self._sessions.go_on(connection, (host, port))
        return connection

    def keep(self, connection: Connection, host: str, port: int) -> None:
        """``connection`` was verified, and answered: what follows with the service there may go on with its session."""
        self._sessions.keep(connection, (host, port))

    def distrust(self, host: str, port: int) -> None:
        """A handshake with the service there failed: begin anew with the next."""
        self._sessions.forget((host, port))

    def verify(self, connection: Connection, host: str) -> None:
        """Judge the host name of a ``connection`` whose handshake is done, if it is to be judged.

        :raises WrongHostError: the certificate is not for ``host``.
        """
        if self._verification is Verification.STRICT:
            judge(connection.get_peer_certificate(), host)

    def https_policy(self) -> IPolicyForHTTPS:
        """For an HTTP client: the same rules, with the host name judged within the handshake."""
        return _HttpsPolicy(self._self_judging)

    def _self_judging(self, host: str, protocol: TLSMemoryBIOProtocol) -> Connection:
        connection = self.connection_to(host)
        if self._verification is Verification.STRICT:
            connection.set_verify(VERIFY_PEER, _judgement(host, protocol))
        return connection


@implementer(IOpenSSLClientConnectionCreator)
class _Connector:
    """Makes the connections to one host."""

    def __init__(self, make: Callable[[TLSMemoryBIOProtocol], Connection]) -> None:
        self._make = make

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:
        """A connection that begins a handshake."""
        return self._make(tlsProtocol)


@implementer(IPolicyForHTTPS)
class _HttpsPolicy:
    """Makes the connections to any host."""

    def __init__(self, make: Callable[[str, TLSMemoryBIOProtocol], Connection]) -> None:
        self._make = make

    def creatorForNetloc(self, hostname: bytes, port: int) -> IOpenSSLClientConnectionCreator:
        """What makes connections to ``hostname``."""
        host = hostname.decode("ascii")
        return _Connector(lambda protocol: self._make(host, protocol))


def _judgement(host: str, protocol: TLSMemoryBIOProtocol) -> Callable[[Connection, X509, int, int, int], bool]:
    """What OpenSSL asks about each certificate of a chain; the last one, at depth 0, is the peer's own."""

    def judged(_: Connection, certificate: X509, problem: int, depth: int, good: int) -> bool:
        if problem or not good or depth:
            return bool(good) and not problem
        try:
            judge(certificate, host)
        except WrongHostError:
            protocol.failVerification(Failure())
            return False
        return True

    return judged


def judge(certificate: X509 | None, host: str) -> None:
    """Whether ``certificate`` is one for ``host`` (RFC 9525: by its alternative names, never by its subject).

    :raises WrongHostError: it is not, or there is none.
    """
    if certificate is None:
        raise WrongHostError(f"no certificate for {host}")
    try:
        meant = IPAddress_ID(_bare(host)) if is_address(host) else DNS_ID(server_name(host))
        verify_service_identity(extract_patterns(certificate), [meant], [])
    except (VerificationError, CertificateError, ValueError) as error:
        raise WrongHostError(f"the certificate is not for {host}") from error


def is_address(host: str) -> bool:
    """Whether ``host`` is an IP address, in brackets or not; for such there is no SNI (RFC 6066 section 3)."""
    try:
        ip_address(_bare(host))
    except ValueError:
        return False
    return True


def server_name(host: str) -> str:
    """``host`` as SNI and certificates have it: ASCII, no dot at its end (RFC 6066 section 3); "" if it cannot be put so."""
    name = host.rstrip(".")
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def _bare(host: str) -> str:
    return host.removeprefix("[").removesuffix("]")


def problems(config: TlsConfig, verification: Verification) -> tuple[TlsError, ...]:
    """What keeps ``config`` from being used, for a check before anything starts; the first fault of each side."""
    found: list[TlsError] = []
    if config.enabled:
        found += _fault(lambda: server_context(config))
    found += _fault(lambda: client_context(config, verification is not Verification.DISABLED))
    return tuple({str(fault): fault for fault in found}.values())


def _fault(attempt: Callable[[], object]) -> list[TlsError]:
    try:
        attempt()
    except TlsError as error:
        return [error]
    return []
