"""Which header fields pass between client and service.

    Arrival(peer_host, peer_port, scheme, host, prefix="")      how the client's handshake reached us
    service_headers(headers: Headers, arrival: Arrival, trusted: Sequence[Network]) -> Headers
    answer_headers(headers: Headers) -> Headers
    values(headers: Headers, name: bytes) -> list[bytes]

What :func:`service_headers` gives has still the client's Origin: see :func:`apiml_ws.core.origin.for_instance`.
Fields keep their order and stay apart; names are compared whatever their case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from apiml_ws.core.config import Network
from apiml_ws.core.interfaces import Headers

#: RFC 9110 section 7.6.1 and what belongs to one message on one connection.
_HOP_BY_HOP: Final = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade"
    b" content-length expect http2-settings".split()
)
#: A gateway that verifies client certificates would set these; services believe them.
_CERTIFICATE: Final = frozenset(
    (b"x-certificate-public", b"x-certificate-distinguishedname", b"x-certificate-commonname")
)
#: Who the client is, in the words of proxies; believed by services, so from a trusted proxy alone.
_PROXY: Final = frozenset(b"forwarded x-real-ip x-client-ip x-cluster-client-ip true-client-ip".split())
#: Bytes of names whose kind is remembered.
_SHORT: Final = 64
_MALFORMED_VALUE: Final = re.compile(rb"[\r\n\0]")
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
_FOR: Final = b"x-forwarded-for"
_HOST: Final = b"x-forwarded-host"
_PROTO: Final = b"x-forwarded-proto"
_PREFIX: Final = b"x-forwarded-prefix"
_FORWARDED: Final = b"forwarded"


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a client's handshake reached the gateway.

    ``peer_host``, ``peer_port``: the other end of the connection, an IP address as text.  ``scheme``: ``https`` or ``http``,
    as the connection is.  ``host``: the value of Host, empty if there was none.  ``prefix``: see
    :attr:`apiml_ws.core.routing.Target.prefix`; empty as long as it is not known.
    """

    peer_host: str
    peer_port: int
    scheme: str
    host: str
    prefix: str = ""

    @property
    def peer(self) -> IPv4Address | IPv6Address | None:
        """The peer's address, an IPv4 one that came over an IPv6 socket as such; None if it has none."""
        return _address(self.peer_host)[0]

    @property
    def peer_name(self) -> str:
        """``peer`` as text; empty if it has none."""
        return _address(self.peer_host)[1]

    def within(self, networks: Sequence[Network]) -> bool:
        """Whether the peer is in one of ``networks``: then it is a proxy that is believed."""
        peer = self.peer if networks else None
        return peer is not None and any(peer in network for network in networks)


@lru_cache(maxsize=4096)
def _address(host: str) -> tuple[IPv4Address | IPv6Address | None, str]:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None, ""
    address = (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
    return address, str(address)


class Fields(tuple[tuple[bytes, bytes], ...]):
    """Header fields in which each name is found at once: a handshake is asked for some twenty.

    ``named`` has the values of each name (lower case), without the white space around them.
    """

    named: Mapping[bytes, list[bytes]]

    def __new__(cls, fields: Iterable[tuple[bytes, bytes]]) -> Fields:
        """The ``fields`` in their order."""
        self = super().__new__(cls, fields)
        named: dict[bytes, list[bytes]] = {}
        for name, value in self:
            named.setdefault(name.lower(), []).append(value.strip())
        self.named = named
        return self


def values(headers: Headers, name: bytes) -> list[bytes]:
    """All values of ``name`` (lower case), in their order, without the white space around them; not to be changed."""
    if isinstance(headers, Fields):
        return headers.named.get(name) or []
    return [value.strip() for field, value in headers if field.lower() == name]


def service_headers(headers: Headers, arrival: Arrival, trusted: Sequence[Network]) -> Headers:
    """What of the client's handshake goes to the service, and the ``X-Forwarded-*`` of the gateway.

    Left out: hop-by-hop fields and those that Connection names, Host, ``Sec-WebSocket-*``, ``X-Certificate-*``; what proxies
    say of clients unless the peer is in ``trusted``; malformed fields.  Connection cannot take away what proxies say.
    """
    believed = arrival.within(trusted)
    nominated = _nominated(headers)
    passed = []
    for field in headers:
        kind = _kind(field[0])
        if (
            (kind is _Kind.ANY and field[0].lower() not in nominated) or (kind is _Kind.PROXYS and believed)
        ) and _MALFORMED_VALUE.search(field[1]) is None:
            passed.append(field)
    return _with_our_hop(tuple(passed), arrival, believed)


class _Kind(Enum):
    """Whose a field of a client's handshake is: ours, or malformed; what proxies say of clients; anybody's."""

    OURS = 1
    PROXYS = 2
    ANY = 3


def _kind(name: bytes) -> _Kind:
    return _short_kind(name) if len(name) <= _SHORT else _kind_of(name)


def _kind_of(name: bytes) -> _Kind:
    if _TOKEN.fullmatch(name) is None or _is_ours(name):
        return _Kind.OURS
    return _Kind.PROXYS if _is_proxys(name) else _Kind.ANY


_short_kind: Final = lru_cache(maxsize=1024)(_kind_of)


def answer_headers(headers: Headers) -> Headers:
    """What of a service's answer goes to the client; Content-Length and ``Sec-WebSocket-*`` are for the writer to set."""
    nominated = _nominated(headers)
    return tuple(
        (name, value)
        for name, value in headers
        if _well_formed(name, value) and not _belongs_to_the_hop(name.lower()) and name.lower() not in nominated
    )


def _nominated(headers: Headers) -> frozenset[bytes]:
    return frozenset(option.strip().lower() for value in values(headers, b"connection") for option in value.split(b","))


def _well_formed(name: bytes, value: bytes) -> bool:
    return _TOKEN.fullmatch(name) is not None and _MALFORMED_VALUE.search(value) is None


def _belongs_to_the_hop(name: bytes) -> bool:
    return name in _HOP_BY_HOP or name.startswith(b"sec-websocket-")


def _is_ours(name: bytes) -> bool:
    """Whether the service must not have it from a client; CGI-like services read ``_`` in a name as ``-``."""
    name = name.lower()
    return name == b"host" or _belongs_to_the_hop(name) or name.replace(b"_", b"-") in _CERTIFICATE


def _is_proxys(name: bytes) -> bool:
    name = name.lower().replace(b"_", b"-")
    return name in _PROXY or name.startswith(b"x-forwarded-")


def _with_our_hop(passed: Headers, arrival: Arrival, believed: bool) -> Headers:
    """``passed`` with this hop appended to the lists of the proxies before, and what they did not say."""
    if not believed:
        return (*passed, *_first_hop(arrival))
    merged = (_FOR, _PREFIX, *((_FORWARDED,) if values(passed, _FORWARDED) else ()))
    kept = tuple((name, value) for name, value in passed if name.lower() not in merged)
    return (*kept, *_our_hop(passed, arrival, merged))


def _first_hop(arrival: Arrival) -> Headers:
    """The same where nobody before us is listened to."""
    said = (
        (b"X-Forwarded-For", (arrival.peer_name or "unknown").encode()),
        (b"X-Forwarded-Host", _safe(arrival.host)),
        (b"X-Forwarded-Proto", _safe(arrival.scheme)),
        (b"X-Forwarded-Prefix", _safe(arrival.prefix)),
    )
    return tuple(field for field in said if field[1])


def _our_hop(passed: Headers, arrival: Arrival, merged: Sequence[bytes]) -> Headers:
    peer = arrival.peer_name or "unknown"
    base = b"".join(values(passed, _PREFIX)[:1]).rstrip(b"/")
    said = (
        (b"X-Forwarded-For", b", ".join((*values(passed, _FOR), peer.encode()))),
        (b"X-Forwarded-Host", b"" if values(passed, _HOST) else _safe(arrival.host)),
        (b"X-Forwarded-Proto", b"" if values(passed, _PROTO) else _safe(arrival.scheme)),
        (b"X-Forwarded-Prefix", base + _safe(arrival.prefix)),
        (b"Forwarded", _forwarded(passed, peer) if _FORWARDED in merged else b""),
    )
    return tuple((name, value) for name, value in said if value)


def _forwarded(passed: Headers, peer: str) -> bytes:
    """RFC 7239 section 6: an IPv6 address is put in brackets and quoted."""
    node = f'"[{peer}]"' if ":" in peer else peer
    return b", ".join((*values(passed, _FORWARDED), f"for={node}".encode()))


def _safe(text: str) -> bytes:
    return text.encode() if _VISIBLE.fullmatch(text) else b""
