"""A service that reads and writes its frames by hand, when the test says so and not before."""

from __future__ import annotations

import re
import socket
import ssl
from base64 import b64encode
from hashlib import sha1

from tests.e2e.services import TIMEOUT


class RawService:
    """Listens on a free port of the loopback interface; sessions wait until they are asked for."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._socket.settimeout(TIMEOUT)
        self.port: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """What a registry says of it."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def accept(self) -> socket.socket:
        """The next session, its handshake done."""
        connection, _ = self._socket.accept()
        connection.settimeout(TIMEOUT)
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        connection.sendall(b"\r\n".join((*_switching(head), b"", b"")))
        return connection

    def close(self) -> None:
        """Take no more sessions."""
        self._socket.close()


def _switching(head: bytes) -> tuple[bytes, ...]:
    key = re.search(rb"^Sec-WebSocket-Key: (\S+)", head, re.IGNORECASE | re.MULTILINE)
    assert key is not None, head
    accepted = b64encode(sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + accepted,
    )
