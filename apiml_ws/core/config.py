"""The gateway's configuration: one frozen value, valid as a whole.

Times are in seconds here, whatever the unit of the key; sizes in bytes.  :mod:`apiml_ws.core.config_reader` makes it
from a file's text, the environment and the command line.  Key names and defaults are the contract of the README.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType

from apiml_ws.core.config_problem import Problem

Network = IPv4Network | IPv6Network


class ClientAuth(Enum):
    """``server.ssl.clientAuth``: whether a client is asked for a certificate, and whether it must have one."""

    NONE = "none"
    WANT = "want"
    NEED = "need"


class Handshake(Enum):
    """``server.webSocket.handshake``: who is answered first."""

    CLIENT_FIRST = "client-first"
    BACKEND_FIRST = "backend-first"


class Compression(Enum):
    """``server.webSocket.compression``: permessage-deflate in a client-first handshake."""

    SERVICE = "service"
    NEVER = "never"
    ALWAYS = "always"


class Propagation(Enum):
    """``server.webSocket.propagation``: which sessions move to another instance."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Drain(Enum):
    """``server.webSocket.drain``: what becomes of the sessions of an instance that the registry takes off."""

    KEEP = "keep"
    MOVE = "move"
    CLOSE = "close"


class RelayKind(Enum):
    """``server.relay.kind``."""

    AUTO = "auto"
    NATIVE = "native"
    PORTABLE = "portable"


class Verification(Enum):
    """How far the certificates of services are checked (``apiml.security.ssl.*``)."""

    STRICT = "strict"
    NONSTRICT = "nonstrict"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """``server.ssl``: our certificate, by PEM files or by a PKCS12 store, and whom we trust.

    Cipher names are as configured (IANA or OpenSSL spelling), protocols ``TLSv1.2`` and ``TLSv1.3``.
    """

    enabled: bool = True
    certificate: str | None = None
    private_key: str | None = None
    trust_store: str | None = None
    trust_store_password: str | None = field(default=None, repr=False)
    key_store: str | None = None
    key_store_type: str = "PKCS12"
    key_store_password: str | None = field(default=None, repr=False)
    key_alias: str | None = None
    client_auth: ClientAuth = ClientAuth.NONE
    protocols: tuple[str, ...] = ("TLSv1.2", "TLSv1.3")
    ciphers: tuple[str, ...] = (
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketConfig:
    """``server.webSocket``."""

    supported_protocols: tuple[str, ...] = ("v12.stomp", "v11.stomp")
    handshake: Handshake = Handshake.CLIENT_FIRST
    connect_timeout: float = 45.0
    max_idle_timeout: float = 3600.0
    stop_notice: float = 0.0
    stop_timeout: float = 30.0
    async_write_timeout: float = 60.0
    close_timeout: float = 5.0
    close_rate: float = 200.0
    max_message_size: int = 0
    max_frame_size: int = 0
    compression: Compression = Compression.SERVICE
    propagation: Propagation = Propagation.AUTO
    propagation_timeout: float = 30.0
    drain: Drain = Drain.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class EurekaConfig:
    """``eureka.*`` and ``apiml.service.discoveryServiceUrls``; no ``backup_file``: no backup."""

    urls: tuple[str, ...] = field(default=(), repr=False)
    register: bool = True
    fetch: bool = True
    fetch_interval: float = 30.0
    backup_file: str | None = None
    renewal_interval: float = 30.0
    lease_duration: float = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedConfig:
    """``apiml.discovery.embedded`` with the credentials that it asks for (``apiml.discovery.userid``, ``.password``)."""

    enabled: bool = False
    address: str = "127.0.0.1"
    port: int = 10011
    userid: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that an operator can say.

    ``relay_threads``: 0 means one for each core; ``relay_precedence``: steps of nice.  Paths are ready to be opened.
    ``warnings`` are for the log at start.
    ``places`` says of each key that was given where that was, for messages.
    """

    address: str = "0.0.0.0"  # noqa: S104 - the documented default
    port: int = 10010
    max_http_header_size: int = 48000
    tls: TlsConfig = TlsConfig()
    web_socket: WebSocketConfig = WebSocketConfig()
    relay_kind: RelayKind = RelayKind.AUTO
    relay_threads: int = 0
    relay_precedence: int = 5
    service_id: str = "gateway"
    hostname: str = "localhost"
    eureka: EurekaConfig = EurekaConfig()
    embedded: EmbeddedConfig = EmbeddedConfig()
    definition_directories: tuple[str, ...] = ()
    verification: Verification = Verification.STRICT
    trusted_proxies: tuple[Network, ...] = ()
    cors_enabled: bool = False
    cors_allowed_origins: tuple[str, ...] = ()
    password_file: str | None = None
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
    places: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), compare=False, repr=False)
