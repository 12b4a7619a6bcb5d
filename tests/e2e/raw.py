"""A peer that writes its frames by hand, legal or not (RFC 6455 section 5.2)."""

from __future__ import annotations

import os
import socket
import ssl
import struct
from collections.abc import Mapping

from tests.e2e.services import TIMEOUT, VALID

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, mask: bytes | None = b"\0\0\0\0"
) -> bytes:
    """One frame; ``mask`` None leaves it unmasked, as a service's."""
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    length = len(payload)
    masked = 0x80 if mask is not None else 0
    if length < 126:
        head = struct.pack("!BB", first, masked | length)
    elif length < 65536:
        head = struct.pack("!BBH", first, masked | 126, length)
    else:
        head = struct.pack("!BBQ", first, masked | 127, length)
    return head + (mask or b"") + (payload if mask in (None, b"\0\0\0\0") else _masked(payload, mask))


def _masked(payload: bytes, mask: bytes | None) -> bytes:
    assert mask is not None
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


class RawClient:
    """A connection to a gateway, upgraded by hand; :attr:`head` is the answer's head."""

    def __init__(
        self, port: int, path: str, trust: ssl.SSLContext | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        connection = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self.socket = trust.wrap_socket(connection, server_hostname="localhost") if trust else connection
        fields = {
            "Host": f"localhost:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
            **VALID,
            **(headers or {}),
        }
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self._read = b""
        while b"\r\n\r\n" not in self._read:
            self._more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return int(self.head.split(" ")[1])

    def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.socket.sendall(data)

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(self._read)
        self._read += data

    def _take(self, count: int) -> bytes:
        while len(self._read) < count:
            self._more()
        taken, self._read = self._read[:count], self._read[count:]
        return taken

    def frame(self) -> tuple[int, bytes]:
        """The next frame's first byte and payload.

        :raises EOFError: the connection ended before or in it.
        """
        first, length = self._take(2)
        if length == 126:
            (length,) = struct.unpack("!H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._take(8))
        return first, self._take(length)

    def close_frame(self) -> tuple[int, str]:
        """The code and the reason of the next close frame; data frames before it are skipped."""
        while True:
            first, payload = self.frame()
            if first & 0x0F == CLOSE:
                return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    def close(self) -> None:
        """Let go of the connection, in good order."""
        self.socket.close()

    def vanish(self) -> None:
        """Reset the connection, as a peer that dies does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def noise(count: int) -> bytes:
    """Bytes that do not compress."""
    return os.urandom(count)
