"""A service that reads and writes its frames by hand, when the test says so and not before."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from base64 import b64encode
from contextlib import suppress
from hashlib import sha1
from io import BufferedReader

from tests.e2e.raw import CLOSE, frame
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
        return self.shake_hands(connection)

    def shake_hands(self, connection: socket.socket) -> socket.socket:
        """Make a session of ``connection``.

        :raises OSError: it is lost meanwhile.
        """
        connection.settimeout(TIMEOUT)
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(65536)
            if not more:
                raise EOFError(head)
            head += more
        connection.sendall(b"\r\n".join((*_switching(head), b"", b"")))
        return connection

    def echo(self) -> None:
        """Answer every frame of every session with one of the same kind and payload, in threads, until :meth:`close`."""
        threading.Thread(target=self._echo, daemon=True).start()

    def _echo(self) -> None:
        self._socket.settimeout(None)
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._echo_one, args=(connection,), daemon=True).start()

    def _echo_one(self, connection: socket.socket) -> None:
        with suppress(OSError, EOFError, AssertionError), self.shake_hands(connection) as session:
            stream = session.makefile("rb")
            opcode = 0
            while opcode != CLOSE:
                opcode, payload = _masked_frame(stream)
                session.sendall(frame(opcode, payload, mask=None))

    def close(self) -> None:
        """Take no more sessions."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _masked_frame(stream: BufferedReader) -> tuple[int, bytes]:
    """Opcode and payload of the next frame, which is taken to be no fragment."""
    first, length = _exactly(stream, 2)
    length &= 0x7F
    if length >= 126:
        length = int.from_bytes(_exactly(stream, 2 if length == 126 else 8), "big")
    key = _exactly(stream, 4)
    payload = _exactly(stream, length)
    return first & 0xF, bytes(byte ^ key[index % 4] for index, byte in enumerate(payload)) if any(key) else payload


def _exactly(stream: BufferedReader, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


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
