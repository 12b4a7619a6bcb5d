"""Messages of all sizes and kinds, byte for byte, between peers that are not Autobahn."""

from __future__ import annotations

import threading
from hashlib import sha256
from typing import Any

from websockets.sync.server import ServerConnection

from tests.e2e.harness import EndToEnd, Gateway
from tests.e2e.raw import BINARY, TEXT, RawClient, frame, noise
from tests.e2e.services import TIMEOUT, Service, echo

PATH = "/discoverableclient/ws/v1/echo"
MIB = 2**20


def resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        (line,) = (line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


class Messages(EndToEnd):
    """What goes in comes out."""

    def through(self, service: Service, secure: bool = False, **settings: Any) -> Gateway:
        """A gateway to ``service``; ``settings`` are those of server.webSocket."""
        return self.gateway_to(service, settings={"server": {"webSocket": settings}}, secure=secure)

    def test_sizes(self) -> None:
        """Messages around every length encoding, and of 20 MiB, come back as they were, with TLS and without."""
        for secure in (False, True):
            service = self.service({"echo": echo}, tls=self.serving_tls() if secure else None)
            gateway = self.through(service, secure)
            with gateway.session(PATH) as session:
                for size in (0, 1, 125, 126, 65535, 65536, 20 * MIB):
                    message = noise(size)
                    session.send(message)
                    self.assertEqual(session.recv(timeout=TIMEOUT), message, size)
                session.send("é" * 70000)
                self.assertEqual(session.recv(timeout=TIMEOUT), "é" * 70000)

    def test_fragments_come_as_they_are(self) -> None:
        """The fragments of a message reach the service as they were cut, with an empty one among them."""
        pieces: list[Any] = []

        def collecting(session: ServerConnection) -> None:
            pieces.extend(session.recv_streaming())
            session.send("done")

        gateway = self.through(self.service({"echo": collecting}))
        client = RawClient(gateway.port, PATH)
        self.addCleanup(client.close)
        mask = b"\x01\x02\x03\x04"
        for payload, fin, opcode in ((b"a", False, TEXT), (b"", False, 0), (b"bc", True, 0)):
            client.send(frame(opcode, payload, fin=fin, mask=mask))
        self.assertEqual(client.frame()[1], b"done")
        self.assertEqual(pieces, ["a", "", "bc"])

    def test_compression_of_both_ends(self) -> None:
        """With permessage-deflate on both sides, on one and on none, messages come back as they were."""
        for compression in ("never", "always"):
            for client in (None, "deflate"):
                for server in (None, "deflate"):
                    service = self.service({"echo": echo}, compression=server)
                    gateway = self.through(service, compression=compression)
                    with gateway.session(PATH, compression=client) as session:
                        for message in ("x" * 100_000, noise(100_000), "short"):
                            session.send(message)
                            case = (compression, client, server)
                            self.assertEqual(session.recv(timeout=TIMEOUT), message, case)
                    gateway.process.end()

    def test_what_is_sent_before_the_service_is_open(self) -> None:
        """Messages of a client that does not wait for its service arrive in their order."""
        gate = threading.Event()
        gateway = self.through(self.service({"echo": echo}, before_answer=lambda: gate.wait(TIMEOUT)))
        with gateway.session(PATH) as session:
            for number in range(20):
                session.send(f"{number}")
            gate.set()
            self.assertEqual([session.recv(timeout=TIMEOUT) for _ in range(20)], [f"{n}" for n in range(20)])

    def test_what_a_service_sends_at_once(self) -> None:
        """What a service sends in the same segment as its 101 arrives."""

        def greeting(session: ServerConnection) -> None:
            session.send("welcome")
            session.recv()

        gateway = self.through(self.service({"echo": greeting}))
        with gateway.session(PATH) as session:
            self.assertEqual(session.recv(timeout=TIMEOUT), "welcome")

    def test_a_slow_reader_slows_its_partner(self) -> None:
        """While a client does not read, the gateway takes no more from the service than buffers hold."""
        sent = 0

        def pouring(session: ServerConnection) -> None:
            nonlocal sent
            session.recv()
            chunk = noise(MIB)
            for _ in range(200):
                session.send(chunk)
                sent += 1
            session.recv()

        gateway = self.through(self.service({"echo": pouring}), asyncWriteTimeout=600000)
        client = RawClient(gateway.port, PATH)
        self.addCleanup(client.vanish)
        before = resident(gateway.process.pid)
        client.send(frame(TEXT, b"go"))
        steady = self.settled(lambda: sent)
        self.assertLess(steady, 60)
        self.assertLess(resident(gateway.process.pid) - before, 30 * MIB)
        for _ in range(200):
            self.assertEqual(len(client.frame()[1]), MIB)

    def settled(self, count: Any) -> int:
        """The count once it did not change for a second."""
        moment = threading.Event()
        last = -1
        while last != (now := count()):
            last = now
            moment.wait(1)
        return last

    def test_one_huge_message_in_little_memory(self) -> None:
        """A message of 200 MiB passes while the gateway's memory hardly grows."""
        digest = sha256()

        def hashing(session: ServerConnection) -> None:
            for piece in session.recv_streaming():
                digest.update(piece if isinstance(piece, bytes) else piece.encode())
            session.send(digest.hexdigest())

        gateway = self.through(self.service({"echo": hashing}))
        before = resident(gateway.process.pid)
        client = RawClient(gateway.port, PATH)
        self.addCleanup(client.close)
        expected, block = sha256(), noise(MIB)
        for number in range(200):
            client.send(frame(0 if number else BINARY, block, fin=number == 199))
            expected.update(block)
        self.assertEqual(client.frame()[1].decode(), expected.hexdigest())
        self.assertLess(resident(gateway.process.pid) - before, 30 * MIB)
