"""New keys in the middle of a session (RFC 8446 section 4.6.3), as ``openssl s_client`` asks for them."""

from __future__ import annotations

import os
import select
import shutil
import subprocess

from tests.e2e.harness import EndToEnd
from tests.e2e.raw import BINARY, frame
from tests.e2e.services import TIMEOUT, echo

#: Large enough to be several records, and without a line that begins with one of the client's commands.
PAYLOAD = b"." * 50_000
#: Client asks for new keys in both directions, and in its own.
COMMANDS = (b"K\n", b"k\n")


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


class KeyUpdates(EndToEnd):
    """What holds over each relay."""

    kind = ""

    def test_messages_go_on(self) -> None:
        """Before and after each change, both ways; what the gateway's OpenSSL answers of its own accord is sent."""
        if shutil.which("openssl") is None:
            self.skipTest("openssl is not there")
        folder = self.define("echo", self.service({"echo": echo}).url)
        settings = {
            "server": {"relay": {"kind": self.kind}},
            "apiml": {"discovery": {"staticApiDefinitionsDirectories": folder}},
        }
        front = self.gateway(settings)
        front.wait_until_up()
        client = Client(front.port, str(self.authorities))
        self.addCleanup(client.end)
        client.say(
            b"GET /ws/v1/echo/echo HTTP/1.1\r\nHost: localhost:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" % front.port
        )
        self.assertIn(b" 101 ", client.hear_head())
        said, heard = frame(BINARY, PAYLOAD), frame(BINARY, PAYLOAD, mask=None)
        for command in (b"", *COMMANDS * 3):
            if command:
                client.say(command)
                client.updated()
            for _ in range(3):
                client.say(said)
                self.assertEqual(heard, client.hear(len(heard)))
