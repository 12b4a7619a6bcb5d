"""Which Origin may open a session, and which Origin the service gets.

    own(headers: Headers, arrival: Arrival, config: Config) -> Own        the gateway's own origin, as this client sees it
    allowed(headers: Headers, gateway: Own, config: Config, metadata: Mapping[str, str]) -> bool
    for_instance(headers: Headers, gateway: Own, metadata: Mapping[str, str], instance: Instance) -> Headers

``headers`` are those of the client's handshake, but for :func:`for_instance`, which takes what
:func:`apiml_ws.core.headers.service_headers` gave.  ``metadata`` is the service's (that of no service is empty).
Sources: RFC 6455 section 10.2, RFC 6454 sections 4 and 6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from apiml_ws.core.config import Config
from apiml_ws.core.headers import Arrival, values
from apiml_ws.core.interfaces import Headers
from apiml_ws.core.registry import Instance

_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_SCHEMES: Final = {"http": "http", "ws": "http", "https": "https", "wss": "https"}
_AUTHORITY: Final = r"(?P<host>\[[0-9a-f:.]+\]|[^\s/?#@:\[\]\\,]+)(?::(?P<port>[0-9]{1,5}))?"
_ORIGIN: Final = re.compile(rf"(?P<scheme>[a-z][a-z0-9+.-]*)://{_AUTHORITY}", re.IGNORECASE)
_PORT: Final = re.compile(r"[0-9]{1,5}")
_HOST: Final = re.compile(_AUTHORITY, re.IGNORECASE)
#: Characters of a host that is remembered.
_SHORT: Final = 256
_LIST: Final = "apiml.corsAllowedOrigins"
_ENABLED: Final = "apiml.corsEnabled"
_RULE: Final = "apiml.ws.origin"


@dataclass(frozen=True, slots=True)
class Origin:
    """An origin as three parts that can be compared: lower case, and with the scheme's port if it named none."""

    scheme: str
    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Origin | None:
        """The origin that ``text`` spells; None for ``null`` and whatever else has no host."""
        parts = _ORIGIN.fullmatch(text)
        if parts is None:
            return None
        scheme = parts["scheme"].lower()
        port = int(parts["port"]) if parts["port"] else _PORTS.get(scheme)
        return cls(scheme, parts["host"].lower(), port)


@dataclass(frozen=True, slots=True)
class Own:
    """The gateway as a client sees it.

    ``scheme`` is None when nobody knows it (a TLS terminator may stand before us), ``port`` when none was named.
    ``host`` is empty when the client named none: then no origin is the gateway's own.
    """

    scheme: str | None
    host: str
    port: int | None

    def matches(self, origin: Origin) -> bool:
        """Whether ``origin`` is this; a port that was not named is that of the scheme."""
        port = _PORTS.get(origin.scheme) if self.port is None else self.port
        if origin.scheme not in ("http", "https") or self.scheme not in (None, origin.scheme):
            return False
        return (self.host, port) == (origin.host, origin.port)


def own(headers: Headers, arrival: Arrival, config: Config) -> Own:
    """The gateway's own origin: as Host and TLS say, or ``X-Forwarded-Host``, ``-Proto`` and ``-Port`` of a trusted proxy."""
    scheme = "https" if config.tls.enabled else None
    if not arrival.within(config.trusted_proxies):
        return _short_own(scheme, arrival.host, "") if len(arrival.host) <= _SHORT else _own(scheme, arrival.host, "")
    scheme = _SCHEMES.get(_first(headers, b"x-forwarded-proto").lower(), scheme)
    host, port = _first(headers, b"x-forwarded-host"), _first(headers, b"x-forwarded-port")
    return _own(scheme, host or arrival.host, port)


def _own(scheme: str | None, host: str, port: str) -> Own:
    parts = _HOST.fullmatch(host)
    if parts is None:
        return Own(scheme, "", None)
    named = _PORT.fullmatch(parts["port"] or port)
    return Own(scheme, parts["host"].lower(), int(named[0]) if named else None)


_short_own: Final = lru_cache(maxsize=256)(_own)


def _first(headers: Headers, name: bytes) -> str:
    """The first member of the first value: the one that the proxy next to the client wrote."""
    return b"".join(values(headers, name)[:1]).partition(b",")[0].strip().decode("latin-1")


def allowed(headers: Headers, gateway: Own, config: Config, metadata: Mapping[str, str]) -> bool:
    """Whether a handshake with these ``headers`` may open a session with the service of ``metadata``.

    Without Origin (no browser) always, with two never, and with the gateway's own always.
    """
    named = values(headers, b"origin")
    if len(named) != 1:
        return not named
    text = named[0].decode("latin-1")
    origin = Origin.parse(text)
    if origin is not None and gateway.matches(origin):
        return True
    return config.cors_enabled and any(
        _listed(text, entry) for entry in (*config.cors_allowed_origins, *_service_list(metadata))
    )


def _service_list(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The origins that a service allows; none if it says that it has CORS disabled."""
    if metadata.get(_ENABLED, "true").strip().lower() != "true":
        return ()
    return tuple(entry for entry in metadata.get(_LIST, "").split(",") if entry.strip())


def _listed(text: str, entry: str) -> bool:
    entry = entry.strip().rstrip("/")
    if entry == "*" or entry.lower() == text.lower():
        return True
    origin = Origin.parse(entry)
    return origin is not None and origin == Origin.parse(text)


def for_instance(headers: Headers, gateway: Own, metadata: Mapping[str, str], instance: Instance) -> Headers:
    """``headers`` with the Origin that ``instance`` gets.

    ``apiml.ws.origin``: ``pass`` as it came, ``service`` that of the instance's address, ``remove`` none.  Any other word, or
    none: the gateway's own becomes that of the instance, since services compare it with Host; others pass as they came.
    """
    rule = metadata.get(_RULE, "").strip().lower()
    if rule == "pass":
        return headers
    if rule == "remove":
        return tuple(field for field in headers if field[0].lower() != b"origin")
    replacement = _origin_of(instance)
    return tuple(
        (name, replacement if name.lower() == b"origin" and (rule == "service" or _is_own(value, gateway)) else value)
        for name, value in headers
    )


def _is_own(value: bytes, gateway: Own) -> bool:
    origin = Origin.parse(value.strip().decode("latin-1"))
    return origin is not None and gateway.matches(origin)


def _origin_of(instance: Instance) -> bytes:
    """The origin of a page that ``instance`` served itself; the scheme's port is not named (RFC 6454 section 6.2)."""
    scheme, _, authority = instance.address.partition("://")
    origin = f"{_SCHEMES[scheme]}://{authority}"
    return origin.removesuffix(f":{_PORTS[scheme]}").encode()
