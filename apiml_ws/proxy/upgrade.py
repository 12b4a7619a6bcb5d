"""What a client's handshake has to look like: RFC 6455 section 4.2.1, RFC 9110 and 9112; and what is said if it does not."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Final

from apiml_ws.core.headers import values
from apiml_ws.core.interfaces import Headers

_WEBSOCKET: Final = b"websocket"
_VERSION: Final = b"13"
_KEY_SIZE: Final = 16
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]+)(?::[0-9]*)?")

#: Fields that a 426 must have (RFC 9110 section 15.5.22).
UPGRADE_REQUIRED: Final[Headers] = ((b"Upgrade", _WEBSOCKET),)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a request: the status of the answer, a text for its body, fields for its head."""

    status: int
    text: str = ""
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What a right handshake asks for.  ``extensions`` is the field's value, several lines joined."""

    key: bytes
    subprotocols: tuple[str, ...]
    extensions: str


def wants_websocket(headers: Headers) -> bool:
    """Whether a request asks for WebSocket; an offer of another protocol is as good as none (RFC 9110 section 7.8)."""
    return _WEBSOCKET in _members(headers, b"upgrade")


def host(headers: Headers, version: bytes) -> bytes | Fault:
    """The value of Host, which HTTP/1.1 must have once; empty if an HTTP/1.0 request has none."""
    named = values(headers, b"host")
    if not named and version != b"HTTP/1.1":
        return b""
    if len(named) != 1:
        return Fault(400, "Host must be there once")
    return named[0] if _HOST.fullmatch(named[0]) else Fault(400, "Host is malformed")


def examine(method: bytes, version: bytes, headers: Headers) -> Upgrade | Fault:
    """The handshake that a request for a WebSocket path makes, or the fault in it.

    A request that does not ask for WebSocket gets 426, whatever else it is.
    """
    return _not_an_upgrade(method, version, headers) or _upgrade(headers)


def _not_an_upgrade(method: bytes, version: bytes, headers: Headers) -> Fault | None:
    offered = _members(headers, b"upgrade")
    if _WEBSOCKET not in offered:
        return Fault(426, "this URL speaks WebSocket only", UPGRADE_REQUIRED)
    if offered != [_WEBSOCKET]:
        return Fault(400, "Upgrade must offer websocket alone")
    if method != b"GET":
        return Fault(405, headers=((b"Allow", b"GET"),))
    if version != b"HTTP/1.1":
        return Fault(400, "a WebSocket handshake needs HTTP/1.1")
    if b"upgrade" not in _members(headers, b"connection"):
        return Fault(400, "Connection must name upgrade")
    if values(headers, b"sec-websocket-version") != [_VERSION]:
        return Fault(426, "WebSocket version must be 13", (*UPGRADE_REQUIRED, (b"Sec-WebSocket-Version", _VERSION)))
    return None


def _upgrade(headers: Headers) -> Upgrade | Fault:
    keys = values(headers, b"sec-websocket-key")
    if len(keys) != 1 or not _is_key(keys[0]):
        return Fault(400, "Sec-WebSocket-Key must be 16 bytes in base64, once")
    subprotocols = _members(headers, b"sec-websocket-protocol", lower=False)
    if not all(map(_TOKEN.fullmatch, subprotocols)) or len(set(subprotocols)) != len(subprotocols):
        return Fault(400, "Sec-WebSocket-Protocol must list different tokens")
    extensions = b", ".join(values(headers, b"sec-websocket-extensions"))
    return Upgrade(keys[0], tuple(name.decode("ascii") for name in subprotocols), extensions.decode("latin-1"))


def _members(headers: Headers, name: bytes, *, lower: bool = True) -> list[bytes]:
    """The members of a list field; empty ones do not count (RFC 9110 section 5.6.1.2)."""
    members = (member.strip() for value in values(headers, name) for member in value.split(b","))
    return [member.lower() if lower else member for member in members if member]


def _is_key(value: bytes) -> bool:
    try:
        return len(b64decode(value, validate=True)) == _KEY_SIZE
    except binascii.Error:
        return False
