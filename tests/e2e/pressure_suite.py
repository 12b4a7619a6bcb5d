"""Readers that are slow, and sessions that flood: what they cost the gateway, and the others.

``MEGABYTES`` in the environment is what is offered to a slow reader, 64 if it says nothing.
"""

from __future__ import annotations

import os
import socket
import statistics
import threading
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path

from tests.e2e.figures import report
from tests.e2e.harness import EndToEnd
from tests.e2e.raw import BINARY, CONTINUATION, PING, TEXT, RawClient, frame
from tests.e2e.raw_service import RawService
from tests.e2e.services import TIMEOUT, echo

MEGABYTES = int(os.environ.get("MEGABYTES", "64"))
MIB = 1 << 20
#: Seconds for which a reader is slow, and what it takes meanwhile at once and between two times.
SLOW = 1.5
SIP, REST = 4096, 0.01
#: How much the gateway may grow: a read or two in each direction, and what the interpreter does not give back at once.
GROWTH = 6 * MIB
MASK = b"\x01\x02\x03\x04"
#: Frames that are sent at once.
MANY = 100_000
#: What all floods together may get through while a quiet session waits for an echo: a few reads of each, and what passes while
#: the machine does not let the sink, the echo or the client run.  It is not a time, which would be one of the machine only.
FLOODED = 64 * MIB


class Offer:
    """Sends frames as fast as they are taken, in a thread; ``digest`` is of all of them."""

    def __init__(self, sock: socket.socket, mask: bytes | None, size: int) -> None:
        self._socket = sock
        self._frame = frame(BINARY, b"0123456789abcdef" * 16384, mask=mask)
        self._count = size // len(self._frame)
        self.size = self._count * len(self._frame)
        self.sent = 0
        self.thread = threading.Thread(target=self._send, daemon=True)
        self.thread.start()

    def _send(self) -> None:
        for _ in range(self._count):
            self._socket.sendall(self._frame)
            self.sent += len(self._frame)

    def digest(self) -> str:
        """Of all that is sent."""
        whole = sha256()
        for _ in range(self._count):
            whole.update(self._frame)
        return whole.hexdigest()


class SlowReaders(EndToEnd):
    """What holds over each relay, with TLS on both legs or on none."""

    kind = ""
    secure = False

    def setUp(self) -> None:
        """A session, of which both ends are the test's."""
        super().setUp()
        self.raw = RawService(self.serving_tls() if self.secure else None)
        self.addCleanup(self.raw.close)
        folder = self.define("slow", self.raw.url)
        settings = {
            "server": {"relay": {"kind": self.kind}},
            "apiml": {"discovery": {"staticApiDefinitionsDirectories": folder}},
        }
        self.front = self.gateway(settings, secure=self.secure)
        self.front.wait_until_up()
        client = RawClient(self.front.port, "/ws/v1/slow/x", self.trust() if self.secure else None)
        self.here, self.there = client.socket, self.raw.accept()
        for each in (self.here, self.there):
            each.settimeout(60)
            self.addCleanup(each.close)

    def memory(self) -> int:
        """Bytes that the gateway has."""
        pages = Path(f"/proc/{self.front.process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def passes(self, source: socket.socket, target: socket.socket, mask: bytes | None) -> None:
        """All that ``source`` sends reaches ``target``, which is slow at first, in little memory."""
        self._drain(target, Offer(source, mask, 4 * MIB))
        before = self.memory()
        offer = Offer(source, mask, MEGABYTES * MIB)
        most, taken = before, b""
        end = time.monotonic() + SLOW
        while time.monotonic() < end:
            taken += target.recv(SIP)
            time.sleep(REST)
            most = max(most, self.memory())
        self.assertLess(offer.sent, offer.size - MIB, "the sender was not held up")
        most = max(most, self._drain(target, offer, taken))
        report(self.id(), f"{MEGABYTES} MiB passed, {(most - before) / MIB:.1f} MiB more memory at most")
        self.assertLess(most - before, GROWTH)

    def _drain(self, target: socket.socket, offer: Offer, taken: bytes = b"") -> int:
        """Take all the rest at once; the most memory that the gateway had."""
        whole, count, most = sha256(taken), len(taken), 0
        buffer = bytearray(MIB)
        while count < offer.size:
            size = target.recv_into(buffer)
            self.assertTrue(size, "the connection ended")
            whole.update(memoryview(buffer)[:size])
            count += size
            most = max(most, self.memory())
        offer.thread.join(TIMEOUT)
        self.assertEqual((offer.size, offer.digest()), (count, whole.hexdigest()))
        return most

    def test_slow_readers(self) -> None:
        """A service, and then a client: whoever sends is held up, nothing is kept in between, and all arrives."""
        self.passes(self.here, self.there, MASK)
        self.passes(self.there, self.here, None)


class Floods(EndToEnd):
    """Eight sessions that send as fast as they can, and one that asks for an echo now and then."""

    kind = ""

    def setUp(self) -> None:
        """A service that takes all, and one that echoes."""
        super().setUp()
        self.raw = RawService()
        self.addCleanup(self.raw.close)
        self.define("sink", self.raw.url)
        folder = self.define("echo", self.service({"echo": echo}).url)
        settings = {
            "server": {"relay": {"kind": self.kind, "threads": 1}},
            "apiml": {"discovery": {"staticApiDefinitionsDirectories": folder}},
        }
        self.front = self.gateway(settings, secure=False)
        self.front.wait_until_up()
        self.taken: Counter[int] = Counter()

    def flood(self, first: bytes, more: bytes, over: threading.Event) -> None:
        """One session that sends ``first`` and then ``more`` until it is ``over``; all of it is taken."""
        client = RawClient(self.front.port, "/ws/v1/sink/x")
        service = self.raw.accept()

        def send() -> None:
            client.send(first)
            while not over.is_set():
                client.send(more)
            client.close()

        def take() -> None:
            buffer = bytearray(MIB)
            while size := service.recv_into(buffer):
                self.taken[service.fileno()] += size
            service.close()

        self.in_thread(take)
        self.in_thread(send)

    def waits(self) -> tuple[list[float], list[int]]:
        """How long echoes take in a quiet session, in seconds, and what the others get through meanwhile, in bytes."""
        client = RawClient(self.front.port, "/ws/v1/echo/echo")
        self.addCleanup(client.close)
        times, amounts = [], []
        for _ in range(60):
            began, before = time.monotonic(), self.taken.total()
            client.send(frame(TEXT, b"?"))
            client.frame()
            times.append(time.monotonic() - began)
            amounts.append(self.taken.total() - before)
            time.sleep(0.01)
        return times, amounts

    def served_beside(self, what: str, first: bytes, more: bytes) -> None:
        """A quiet session is served beside eight that flood."""
        over = threading.Event()
        try:
            for _ in range(8):
                self.flood(first, more, over)
            times, amounts = self.waits()
        finally:
            over.set()
        median, most, amount = statistics.median(times) * 1000, max(times) * 1000, statistics.median(amounts)
        report(
            self.id(),
            f"beside {what} an echo takes {median:.1f} ms, {most:.1f} ms at most, and {amount / MIB:.1f} MiB pass",
        )
        self.assertLess(amount, FLOODED, what)

    def test_a_quiet_session(self) -> None:
        """It gets its turns, whatever it is that the others send."""
        floods = {
            "large frames": frame(BINARY, b"x" * MIB),
            "tiny frames": frame(BINARY) * MANY,
            "pings": frame(PING) * MANY,
        }
        for what, frames in floods.items():
            self.served_beside(what, frames, frames)
        fragments = frame(CONTINUATION, fin=False) * MANY
        self.served_beside("a message without end", frame(BINARY, fin=False), fragments)
