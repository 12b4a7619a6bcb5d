"""The table of all keys of the configuration, from which everything about them follows.

Names are those of Zowe's own gateway where it has them.  ``default`` is what a file would say to get the default.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from apiml_ws.core import config_values as kinds
from apiml_ws.core.config import ClientAuth, Compression, Drain, Handshake, Propagation, RelayKind
from apiml_ws.core.config_values import FLAG, PATH, PORT, SIZE, TEXT, Kind, Many, members, milliseconds, seconds, words


class Missing(Enum):
    """What it means that a path of a key's value does not exist; ``NO_PATH`` for values that are none.

    ``CREATED``: the file is made when it is needed, so only its folder has to be there.
    """

    NO_PATH = "no path"
    ERROR = "error"
    WARNING = "warning"
    CREATED = "created"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: ``field`` is the place of its value in :class:`apiml_ws.core.config.Config`, ``section.field`` or ``field``."""

    name: str
    kind: Kind
    default: str
    field: str
    doc: str
    missing: Missing = Missing.NO_PATH

    @property
    def spellings(self) -> tuple[str, ...]:
        """The names that a file may use: Zowe's documentation spelled ``webSocket`` in two ways."""
        other = self.name.replace(".webSocket.", ".websocket.")
        return (self.name,) if other == self.name else (self.name, other)

    @property
    def variable(self) -> str:
        """The name of its environment variable, by the rules of Spring's relaxed binding."""
        return self.name.replace("-", "").replace(".", "_").upper()


_TLS: Final = (
    Key("server.ssl.enabled", FLAG, "true", "tls.enabled", "whether to serve wss and https, or ws and http"),
    Key("server.ssl.certificate", PATH, "", "tls.certificate", "our certificate and its chain, PEM", Missing.ERROR),
    Key("server.ssl.privateKey", PATH, "", "tls.private_key", "the key of the certificate, PEM", Missing.ERROR),
    Key("server.ssl.trustStore", PATH, "", "tls.trust_store", "whom we trust, PEM or PKCS12", Missing.ERROR),
    Key("server.ssl.trustStorePassword", TEXT, "", "tls.trust_store_password", "password of a PKCS12 trust store"),
    Key("server.ssl.keyStore", PATH, "", "tls.key_store", "certificate and key as a PKCS12 store", Missing.ERROR),
    Key("server.ssl.keyStoreType", words({"PKCS12": "PKCS12"}), "PKCS12", "tls.key_store_type", "format of the store"),
    Key("server.ssl.keyStorePassword", TEXT, "", "tls.key_store_password", "password of the key store"),
    Key("server.ssl.keyAlias", TEXT, "", "tls.key_alias", "which entry of the key store; case does not matter"),
    Key("server.ssl.clientAuth", members(ClientAuth), "none", "tls.client_auth", "whether clients show certificates"),
    Key(
        "server.ssl.protocols",
        Many(words({"TLSv1.2": "TLSv1.2", "TLSv1.3": "TLSv1.3"}), may_be_empty=False),
        "TLSv1.2,TLSv1.3",
        "tls.protocols",
        "versions of TLS",
    ),
    Key(
        "server.ssl.ciphers",
        Many(kinds.CIPHER, may_be_empty=False),
        "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384,"
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,"
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,"
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,"
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
        "tls.ciphers",
        "ciphers, as IANA or OpenSSL spell them",
    ),
)


def _web_socket(name: str, kind: Kind, default: str, field: str, doc: str) -> Key:
    return Key(f"server.webSocket.{name}", kind, default, f"web_socket.{field}", doc)


_WEB_SOCKET: Final = (
    _web_socket(
        "supportedProtocols",
        Many(kinds.TOKEN),
        "v12.stomp,v11.stomp",
        "supported_protocols",
        "subprotocols that may be chosen client-first; * for any",
    ),
    _web_socket("handshake", members(Handshake), "client-first", "handshake", "who is answered first"),
    _web_socket(
        "connectTimeout", milliseconds(), "45000", "connect_timeout", "dialing: TCP, TLS and handshake together"
    ),
    _web_socket("maxIdleTimeout", milliseconds(), "3600000", "max_idle_timeout", "no frame either way"),
    _web_socket(
        "stopNotice",
        milliseconds(minimum=0),
        "0",
        "stop_notice",
        "how long a gateway that is to stop, and says so, still takes sessions",
    ),
    _web_socket("stopTimeout", milliseconds(), "30000", "stop_timeout", "for closing all sessions at a stop"),
    _web_socket("asyncWriteTimeout", milliseconds(), "60000", "async_write_timeout", "a reader that takes nothing"),
    _web_socket("closeTimeout", milliseconds(), "5000", "close_timeout", "for the other's close frame"),
    _web_socket("closeRate", kinds.RATE, "200", "close_rate", "sessions closed a second at a stop or a drain"),
    _web_socket("maxMessageSize", SIZE, "0", "max_message_size", "longest message, in bytes on the wire"),
    _web_socket("maxFrameSize", SIZE, "0", "max_frame_size", "longest frame, in bytes on the wire"),
    _web_socket("compression", members(Compression), "service", "compression", "permessage-deflate client-first"),
    _web_socket("propagation", members(Propagation), "auto", "propagation", "which sessions move to another instance"),
    _web_socket("propagationTimeout", milliseconds(), "30000", "propagation_timeout", "how long a move is tried"),
    _web_socket("drain", members(Drain), "keep", "drain", "sessions of an instance that is taken off"),
)

_SERVER: Final = (
    Key("server.address", kinds.HOST, "0.0.0.0", "address", "where to listen"),  # noqa: S104 - the documented default
    Key("server.port", PORT, "10010", "port", "the port of clients and operators; 0 for any free one"),
    Key(
        "server.max-http-header-size",
        kinds.whole(1024, 2**20, " bytes"),
        "48000",
        "max_http_header_size",
        "the head of a handshake, both legs",
    ),
    Key("server.relay.kind", members(RelayKind), "auto", "relay_kind", "what moves the bytes"),
    Key("server.relay.threads", kinds.whole(0, 256), "0", "relay_threads", "of the native relay; 0: one for each core"),
    Key(
        "server.relay.precedence",
        kinds.whole(0, 19),
        "5",
        "relay_precedence",
        "how many steps of nice those threads go before the interpreter",
    ),
    Key("management.security.passwordFile", PATH, "", "password_file", "htpasswd file of operators", Missing.ERROR),
)

_APIML: Final = (
    Key("apiml.service.serviceId", kinds.SERVICE_ID, "gateway", "service_id", "the gateway's own name in the registry"),
    Key(
        "apiml.service.hostname",
        kinds.OWN_HOST,
        "",
        "hostname",
        "the gateway's own host; by default the machine's name",
    ),
    Key(
        "apiml.service.discoveryServiceUrls",
        Many(kinds.DISCOVERY_URL),
        "",
        "eureka.urls",
        "base URLs of the registry, asked in turn; credentials in them are honoured",
    ),
    Key("apiml.service.corsEnabled", FLAG, "false", "cors_enabled", "whether other origins than our own may come in"),
    Key("apiml.service.corsAllowedOrigins", Many(kinds.ORIGIN), "", "cors_allowed_origins", "which origins; * for any"),
    Key(
        "apiml.security.forwardHeader.trustedProxies",
        Many(kinds.NETWORK),
        "",
        "trusted_proxies",
        "networks whose X-Forwarded-* headers are believed",
    ),
    Key(
        "apiml.security.ssl.verifySslCertificatesOfServices",
        FLAG,
        "true",
        "verification.verify",
        "whether certificates of services are checked",
    ),
    Key(
        "apiml.security.ssl.nonStrictVerifySslCertificatesOfServices",
        FLAG,
        "false",
        "verification.nonstrict",
        "the chain only, not the host name",
    ),
    Key(
        "apiml.discovery.staticApiDefinitionsDirectories",
        Many(kinds.FOLDER, separator=";"),
        "",
        "definition_directories",
        "folders of static API definitions",
        Missing.WARNING,
    ),
    Key("apiml.discovery.embedded.enabled", FLAG, "false", "embedded.enabled", "whether to run a registry ourselves"),
    Key("apiml.discovery.embedded.address", kinds.HOST, "127.0.0.1", "embedded.address", "where it listens"),
    Key("apiml.discovery.embedded.port", PORT, "10011", "embedded.port", "its port; 0 for any free one"),
    Key("apiml.discovery.userid", TEXT, "", "embedded.userid", "who may use the embedded registry"),
    Key("apiml.discovery.password", TEXT, "", "embedded.password", "that user's password"),
)

_EUREKA: Final = (
    Key("eureka.client.registerWithEureka", FLAG, "true", "eureka.register", "whether the gateway registers itself"),
    Key("eureka.client.fetchRegistry", FLAG, "true", "eureka.fetch", "whether routes come from the registry"),
    Key("eureka.client.registryFetchIntervalSeconds", seconds(), "30", "eureka.fetch_interval", "how often to ask"),
    Key(
        "eureka.client.backupRegistryFile",
        PATH,
        "",
        "eureka.backup_file",
        "what the registry said last, for a start while every registry is down",
        Missing.CREATED,
    ),
    Key(
        "eureka.instance.leaseRenewalIntervalInSeconds",
        seconds(),
        "30",
        "eureka.renewal_interval",
        "how often the gateway renews its own lease",
    ),
    Key(
        "eureka.instance.leaseExpirationDurationInSeconds",
        seconds(),
        "90",
        "eureka.lease_duration",
        "how long its lease lives without a renewal",
    ),
)

#: Every key there is, in the order of the documentation.
KEYS: Final = (*_SERVER, *_TLS, *_WEB_SOCKET, *_APIML, *_EUREKA)

#: The keys by the names that a file or ``--set`` may use.
BY_SPELLING: Final = {spelling: key for key in KEYS for spelling in key.spellings}

#: The keys by environment variable.
BY_VARIABLE: Final = {key.variable: key for key in KEYS}


def _parents(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        parts = name.split(".")
        yield from (".".join(parts[:length]) for length in range(1, len(parts)))


#: What is no key but has keys below it, such as ``server.ssl``.
SECTIONS: Final = frozenset(_parents(BY_SPELLING))


def nearest(name: str) -> str:
    """The key whose name is most like ``name``, whatever the case."""
    names = {key.name.lower(): key.name for key in KEYS}
    return names[difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.0)[0]]
