"""Connections of a whole gateway that are cut at any byte: of a handshake, of TLS, of a frame, on either side.

``CUTS`` in the environment is how many, 120 if it says nothing.
"""

from __future__ import annotations

import os
import random
import re
import socket
import threading
from collections import Counter
from contextlib import suppress

from tests.e2e.cutter import Cut, Cutter
from tests.e2e.figures import report
from tests.e2e.harness import EndToEnd
from tests.e2e.processes import eventually
from tests.e2e.raw import BINARY, CLOSE, PING, TEXT, frame
from tests.e2e.raw_service import RawService

CUTS = int(os.environ.get("CUTS", "120"))
#: Sessions at a time.
ABREAST = 6
#: Cuts are at any of the first bytes of a direction: within the handshake, within small frames, within a long one.
REACHES = (400, 3000, 60_000)
PATH = "/ws/v1/discoverableclient/echo"
KEY = b"\x01\x02\x03\x04"
#: What a session whose client, or whose service, is cut off may have ended by: it may have been over before, and clients
#: that hear nothing for a while go.
CLIENT_CAUSES = {"client-lost", "client-closed"}
SERVICE_CAUSES = {"service-lost", "service-unreachable", *CLIENT_CAUSES}


class Cuts(EndToEnd):
    """What holds over each relay, with TLS on both legs or on none."""

    kind = ""
    secure = False

    def setUp(self) -> None:
        """A gateway that is reached, and reaches its service, through cutters."""
        super().setUp()
        self.draw = random.Random(1)
        self.lock = threading.Lock()
        self.cutting = "client"
        echoing = RawService(self.serving_tls() if self.secure else None)
        self.addCleanup(echoing.close)
        echoing.echo()
        back = Cutter(echoing.port, lambda: self.any_cut("service"))
        self.addCleanup(back.end)
        folder = self.define("discoverableclient", echoing.url.replace(str(echoing.port), str(back.port)))
        self.front = self.gateway(
            {
                "server": {"relay": {"kind": self.kind}, "webSocket": {"propagation": "never", "closeTimeout": 1000}},
                "apiml": {"discovery": {"staticApiDefinitionsDirectories": folder}},
            },
            secure=self.secure,
        )
        self.front.wait_until_up()
        self.cutter = Cutter(self.front.port, lambda: self.any_cut("client"))
        self.addCleanup(self.cutter.end)

    def any_cut(self, of: str) -> Cut | None:
        """At any byte, in either direction, in either way; if it is the turn of these connections to be cut."""
        if of != self.cutting:
            return None
        with self.lock:
            draw = self.draw
            return Cut(draw.randrange(1, draw.choice(REACHES)), draw.random() < 0.5, draw.random() < 0.5)

    # One session.

    def conversation(self) -> bytes:
        """What a client says, beginning with its handshake; some say close at the end."""
        lines = (
            f"GET {PATH} HTTP/1.1",
            f"Host: localhost:{self.front.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        )
        frames = [frame(TEXT, b"hello", mask=KEY), frame(PING, b"?", mask=KEY), frame(BINARY, b"x" * 70_000, mask=KEY)]
        if self.draw.random() < 0.5:
            frames.append(frame(TEXT, b"a", fin=False, mask=KEY))
        elif self.draw.random() < 0.5:
            frames.append(frame(CLOSE, b"\x03\xe8", mask=KEY))
        return "\r\n".join((*lines, "", "")).encode() + b"".join(frames)

    def converse(self, said: bytes, pause: float) -> None:
        """Say it, and hear what comes back until nothing does."""
        with suppress(OSError):
            connection = socket.create_connection(("127.0.0.1", self.cutter.port), 10)
            try:
                connection.settimeout(3)
                if self.secure:
                    connection = self.trusted.wrap_socket(connection, server_hostname="localhost")
                head = said.index(b"\r\n\r\n") + 4
                connection.sendall(said[:head])
                if b"101" not in connection.recv(65536):
                    return
                connection.sendall(said[head : head + 20])
                threading.Event().wait(pause)
                connection.sendall(said[head + 20 :])
                connection.settimeout(0.3)
                while connection.recv(65536):
                    pass
            finally:
                connection.close()

    def many(self, conversations: list[tuple[bytes, float]]) -> None:
        """One after the other."""
        for said, pause in conversations:
            self.converse(said, pause)

    @property
    def descriptors(self) -> int:
        """How many the gateway has open."""
        return len(os.listdir(f"/proc/{self.front.process.pid}/fd"))

    def sessions(self) -> int:
        """How many there are."""
        details = self.front.request("/application/health").json["components"]["gateway"]["details"]
        count: int = details["openSessions"]
        return count

    def test_cuts(self) -> None:
        """Every session ends, for the right reason; no descriptor, no session and no error is left."""
        self.trusted = self.trust()
        self.front.request("/application/health")
        before = self.descriptors
        for self.cutting, causes in (("client", CLIENT_CAUSES), ("service", SERVICE_CAUSES)):
            said = len(self.front.process.log)
            self.cut_all()
            eventually(lambda: self.sessions() == 0)
            eventually(lambda: self.descriptors <= before + 8)
            self.check_log(self.front.process.log[said:], causes)
        self.assertEqual(0, self.front.process.stop())

    def cut_all(self) -> None:
        """Several sessions at a time."""
        talks = [(self.conversation(), self.draw.choice((0, 0, 0.01))) for _ in range(CUTS // 2)]
        threads = [threading.Thread(target=self.many, args=(talks[each::ABREAST],)) for each in range(ABREAST)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    def check_log(self, log: str, right: set[str]) -> None:
        """Each session has one line of log, with a cause that is right; there are no errors."""
        for sign in ("Traceback", "Unhandled", "failed", "#error", "#critical"):
            self.assertNotIn(sign, log)
        causes = Counter(re.findall(r" ended: (\S+) ", log))
        report(self.id(), f"{CUTS // 2} connections of a {self.cutting} cut: {dict(causes)}")
        self.assertGreater(causes.total(), CUTS // 6)
        self.assertGreater(causes[f"{self.cutting}-lost"], CUTS // 12)
        self.assertLessEqual(causes.keys(), right)
