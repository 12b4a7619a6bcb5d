"""What keys of the configuration demand of one another, as a table.

A rule is judged on values that are each valid by themselves; one whose keys have errors of their own is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from apiml_ws.core.config import ClientAuth, Config, EmbeddedConfig, TlsConfig, Verification


@dataclass(frozen=True, slots=True)
class Check:
    """A rule over ``keys``: when ``broken``, an error, or only a ``warning``.

    It is reported where the first of the keys that was given stands.
    """

    keys: tuple[str, ...]
    broken: Callable[[Config], bool]
    found: str
    allowed: str
    warning: bool = False


_ANY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on

_SSL: Final = "server.ssl"
_PEM: Final = (f"{_SSL}.certificate", f"{_SSL}.privateKey")
_DISCOVERY: Final = "apiml.discovery"
_EMBEDDED: Final = f"{_DISCOVERY}.embedded"
_CREDENTIALS: Final = (f"{_DISCOVERY}.userid", f"{_DISCOVERY}.password")
_VERIFICATION: Final = (
    "apiml.security.ssl.verifySslCertificatesOfServices",
    "apiml.security.ssl.nonStrictVerifySslCertificatesOfServices",
)


def verification(verify: bool, nonstrict: bool) -> Verification:
    """What Zowe's two flags mean together; ``nonstrict`` has the last word when it is set."""
    if nonstrict:
        return Verification.NONSTRICT
    return Verification.STRICT if verify else Verification.DISABLED


def _half_a_pair(tls: TlsConfig) -> bool:
    return (tls.certificate is None) != (tls.private_key is None)


def _without_identity(tls: TlsConfig) -> bool:
    return tls.enabled and tls.certificate is None and tls.private_key is None and tls.key_store is None


def _with_two_identities(tls: TlsConfig) -> bool:
    return tls.key_store is not None and (tls.certificate is not None or tls.private_key is not None)


def _asks_without_trust(tls: TlsConfig) -> bool:
    return tls.enabled and tls.client_auth is not ClientAuth.NONE and tls.trust_store is None


def _store_words_without_store(tls: TlsConfig) -> bool:
    return tls.key_store is None and (tls.key_store_password is not None or tls.key_alias is not None)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def _half_the_credentials(embedded: EmbeddedConfig) -> bool:
    return (embedded.userid is None) != (embedded.password is None)


def _open_registry(config: Config) -> bool:
    embedded, tls = config.embedded, config.tls
    by_certificate = tls.enabled and tls.client_auth is ClientAuth.NEED
    guarded = by_certificate or embedded.userid is not None or embedded.password is not None
    return embedded.enabled and not guarded and not _is_loopback(embedded.address)


def _one_port_for_two(config: Config) -> bool:
    embedded = config.embedded
    addresses = {config.address, embedded.address}
    same_address = len(addresses) == 1 or not addresses.isdisjoint(_ANY)
    return embedded.enabled and same_address and config.port == embedded.port != 0


def _no_routes(config: Config) -> bool:
    polls = config.eureka.fetch and config.eureka.urls
    return not (polls or config.definition_directories or config.embedded.enabled)


#: Every rule there is.
CHECKS: Final = (
    Check(
        (f"{_SSL}.enabled", *_PEM, f"{_SSL}.keyStore"),
        lambda config: _without_identity(config.tls),
        "true without a certificate",
        "true with server.ssl.certificate and server.ssl.privateKey, or with server.ssl.keyStore; false",
    ),
    Check(
        _PEM,
        lambda config: _half_a_pair(config.tls),
        "one of server.ssl.certificate and server.ssl.privateKey alone",
        "both or neither",
    ),
    Check(
        (f"{_SSL}.keyStore", *_PEM),
        lambda config: _with_two_identities(config.tls),
        "a key store beside PEM files",
        "server.ssl.keyStore, or server.ssl.certificate and server.ssl.privateKey, but not both",
    ),
    Check(
        (f"{_SSL}.clientAuth", f"{_SSL}.trustStore", f"{_SSL}.enabled"),
        lambda config: _asks_without_trust(config.tls),
        "that clients are asked for certificates, without server.ssl.trustStore",
        "none, or a trust store to check them against",
    ),
    Check(
        (f"{_SSL}.keyStorePassword", f"{_SSL}.keyAlias", f"{_SSL}.keyStore"),
        lambda config: _store_words_without_store(config.tls),
        "a password or an alias without server.ssl.keyStore; it has no effect",
        "with server.ssl.keyStore",
        warning=True,
    ),
    Check(
        _CREDENTIALS,
        lambda config: _half_the_credentials(config.embedded),
        "one of apiml.discovery.userid and apiml.discovery.password alone",
        "both or neither",
    ),
    Check(
        (f"{_EMBEDDED}.address", f"{_EMBEDDED}.enabled", *_CREDENTIALS, f"{_SSL}.clientAuth", f"{_SSL}.enabled"),
        _open_registry,
        "a registry that anybody in the network may write to",
        "a loopback address; or apiml.discovery.userid and .password; or server.ssl.clientAuth: need with TLS",
    ),
    Check(
        (f"{_EMBEDDED}.port", f"{_EMBEDDED}.address", f"{_EMBEDDED}.enabled", "server.port", "server.address"),
        _one_port_for_two,
        "the address and port of the gateway itself",
        "another port than server.port, or another address",
    ),
    Check(
        ("eureka.instance.leaseExpirationDurationInSeconds", "eureka.instance.leaseRenewalIntervalInSeconds"),
        lambda config: config.eureka.lease_duration <= config.eureka.renewal_interval,
        "a lease that expires before it is renewed",
        "more than eureka.instance.leaseRenewalIntervalInSeconds",
    ),
    Check(
        ("apiml.service.corsAllowedOrigins", "apiml.service.corsEnabled"),
        lambda config: bool(config.cors_allowed_origins) and not config.cors_enabled,
        "origins while apiml.service.corsEnabled is false; they have no effect",
        "with apiml.service.corsEnabled: true",
        warning=True,
    ),
    Check(
        _VERIFICATION,
        lambda config: config.verification is Verification.DISABLED,
        "that the certificates of services are not checked at all",
        "true, or apiml.security.ssl.nonStrictVerifySslCertificatesOfServices: true to check the chain only",
        warning=True,
    ),
    Check(
        (
            "apiml.service.discoveryServiceUrls",
            f"{_DISCOVERY}.staticApiDefinitionsDirectories",
            f"{_EMBEDDED}.enabled",
            "eureka.client.fetchRegistry",
        ),
        _no_routes,
        "no source of routes; every service is unknown",
        "a registry, a folder of static API definitions, or the embedded registry",
        warning=True,
    ),
)
