"""Keys of opening handshakes and what answers them (RFC 6455 sections 1.3, 4.1 and 4.2.2).

Autobahn does the same at the price of a protocol, a request or an answer put together and parsed again, and texts for a
log that nobody reads: a sixth of what a session costs.  The tests hold these few lines against it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha1
from typing import Final

from apiml_ws.core.headers import values
from apiml_ws.core.interfaces import Headers
from apiml_ws.proxy.heads import head_lines

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_START: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
)
#: What would not be readable in a log.
_INVISIBLE: Final = re.compile(rb"[^\x20-\x7e]")


class HandshakeError(Exception):
    """The other end's handshake is not right; the text says why."""


def accept(key: bytes) -> bytes:
    """The value of Sec-WebSocket-Accept for ``key``."""
    return b64encode(sha1(key + _MAGIC, usedforsecurity=False).digest())


def switching(key: bytes, subprotocol: str | None, extensions: str) -> bytes:
    """The 101 for a request with ``key`` that is right: what was agreed, each as it goes on the wire."""
    said: Headers = (
        (b"Sec-WebSocket-Protocol", (subprotocol or "").encode("ascii")),
        (b"Sec-WebSocket-Extensions", extensions.encode("ascii")),
    )
    return _START + accept(key) + b"\r\n" + head_lines(tuple(field for field in said if field[1])) + b"\r\n"


def judge(key: bytes, headers: Headers) -> None:
    """Check that ``headers`` of a 101 answer the request that had ``key``.

    :raises HandshakeError: they do not.
    """
    upgrades = [value.lower() for value in values(headers, b"upgrade")]
    if upgrades != [b"websocket"]:
        raise HandshakeError(f"Upgrade is not websocket: {_shown(upgrades)}")
    options = values(headers, b"connection")
    if not any(option.strip().lower() == b"upgrade" for value in options for option in value.split(b",")):
        raise HandshakeError(f"Connection does not name upgrade: {_shown(options)}")
    accepts = values(headers, b"sec-websocket-accept")
    if accepts != [accept(key)]:
        raise HandshakeError(f"Sec-WebSocket-Accept is not right: {_shown(accepts)}")


def _shown(said: list[bytes]) -> str:
    return _INVISIBLE.sub(b"?", b", ".join(said)).decode("ascii") or "missing"
