"""New keys in the middle of a session (RFC 8446 section 4.6.3), as ``openssl s_client`` asks for them."""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import socket
import subprocess
import time
from ctypes.util import find_library
from typing import Any, Self

from tests.e2e.harness import EndToEnd
from tests.e2e.raw import BINARY, frame
from tests.e2e.services import TIMEOUT, echo

#: Large enough to be several records, and without a line that begins with one of the client's commands.
PAYLOAD = b"." * 50_000
#: Client asks for new keys in both directions, and in its own.
COMMANDS = (b"K\n", b"k\n")
UPGRADE = (
    b"GET /ws/v1/echo/echo HTTP/1.1\r\nHost: localhost:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
#: What is answered is 27 bytes and more: so many do not fit into any socket.
MOST_WISHES = 1_000_000
UPDATE_REQUESTED = 1
#: Seconds until a session at rest is the native pump's.
UNTIL_LENT = 0.5


class Client:
    """``openssl s_client``, spoken to through pipes."""

    def __init__(self, port: int, authorities: str) -> None:
        command = ["openssl", "s_client", "-connect", f"localhost:{port}", "-servername", "localhost", "-brief"]
        self.process = subprocess.Popen(
            [*command, "-CAfile", authorities, "-verify_return_error"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._read = b""

    def say(self, data: bytes) -> None:
        """Send ``data``, or a command of the program's own, which stands alone in what it reads."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def hear(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        while len(self._read) < count:
            self._more()
        taken, self._read = self._read[:count], self._read[count:]
        return taken

    def hear_head(self) -> bytes:
        """The head of the answer to the handshake."""
        while b"\r\n\r\n" not in self._read:
            self._more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        return head

    def updated(self) -> None:
        """Wait until it says that it asked for new keys."""
        self._wait(self._stderr, b"KEYUPDATE")

    def _more(self) -> None:
        assert self.process.stdout is not None
        self._read += self._some(self.process.stdout.fileno())

    @property
    def _stderr(self) -> int:
        assert self.process.stderr is not None
        return self.process.stderr.fileno()

    def _wait(self, descriptor: int, text: bytes) -> None:
        said = b""
        while text not in said:
            said += self._some(descriptor)

    @staticmethod
    def _some(descriptor: int) -> bytes:
        ready, _, _ = select.select([descriptor], [], [], TIMEOUT)
        data = os.read(descriptor, 65536) if ready else b""
        if not data:
            raise EOFError("openssl s_client says nothing more")
        return data

    def end(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


class Asking:
    """A client that asks for new keys, by OpenSSL's library itself, and reads nothing but the answer to its handshake."""

    def __init__(self, library: str, port: int) -> None:
        self._ssl: Any = ctypes.CDLL(library)
        for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
            getattr(self._ssl, name).restype = ctypes.c_void_p
        self._port = port
        self.asked = 0

    def __enter__(self) -> Self:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", self._port))
        self._context = ctypes.c_void_p(self._ssl.SSL_CTX_new(ctypes.c_void_p(self._ssl.TLS_client_method())))
        self._connection = ctypes.c_void_p(self._ssl.SSL_new(self._context))
        self._ssl.SSL_set_fd(self._connection, self._socket.fileno())
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._ssl.SSL_free(self._connection)
        self._ssl.SSL_CTX_free(self._context)

    def open(self) -> None:
        """Both handshakes."""
        head = UPGRADE % self._port
        buffer = ctypes.create_string_buffer(4096)
        assert self._ssl.SSL_connect(self._connection) == 1
        assert self._ssl.SSL_write(self._connection, head, len(head)) == len(head)
        assert self._ssl.SSL_read(self._connection, buffer, len(buffer)) > 0
        assert b" 101 " in buffer.raw

    def ask(self) -> bool:
        """Ask once more; whether the connection is there still."""
        self.asked += 1
        self._ssl.SSL_key_update(self._connection, UPDATE_REQUESTED)
        return bool(self._ssl.SSL_do_handshake(self._connection) == 1)


class KeyUpdates(EndToEnd):
    """What holds over each relay."""

    kind = ""

    def front(self) -> int:
        """The port of a gateway in front of an echo."""
        folder = self.define("echo", self.service({"echo": echo}).url)
        settings = {
            "server": {"relay": {"kind": self.kind}},
            "apiml": {"discovery": {"staticApiDefinitionsDirectories": folder}},
        }
        front = self.gateway(settings)
        front.wait_until_up()
        return front.port

    def test_messages_go_on(self) -> None:
        """Before and after each change, both ways; what the gateway's OpenSSL answers of its own accord is sent."""
        if shutil.which("openssl") is None:
            self.skipTest("openssl is not there")
        port = self.front()
        client = Client(port, str(self.authorities))
        self.addCleanup(client.end)
        client.say(UPGRADE % port)
        self.assertIn(b" 101 ", client.hear_head())
        said, heard = frame(BINARY, PAYLOAD), frame(BINARY, PAYLOAD, mask=None)
        for command in (b"", *COMMANDS * 3):
            if command:
                client.say(command)
                client.updated()
            for _ in range(3):
                client.say(said)
                self.assertEqual(heard, client.hear(len(heard)))

    def test_a_client_that_asks_and_takes_no_answer(self) -> None:
        """Each wish for new keys is answered; a client that reads none of the answers is let go, before they fill memory."""
        library = find_library("ssl")
        if library is None:
            self.skipTest("OpenSSL's library is not there")
        port = self.front()
        with Asking(library, port) as asking:
            asking.open()
            time.sleep(UNTIL_LENT)
            while asking.asked < MOST_WISHES and asking.ask():
                pass
        self.assertLess(asking.asked, MOST_WISHES)
