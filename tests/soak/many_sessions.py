"""Thousands of sessions in one gateway: opened, listed, closed in good order.

``SESSIONS`` in the environment is how many; if it says nothing it is 10,000, or fewer where the system allows fewer
descriptors.  The service and the clients are ``wsbench``.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bcrypt
from twisted.trial.unittest import SkipTest

from apiml_ws.core.shares import shared
from tests.e2e.figures import report
from tests.e2e.harness import EndToEnd
from tests.e2e.processes import ROOT, Process, eventually
from tests.e2e.raw import TEXT, RawClient, frame
from tests.e2e.services import basic
from tests.proxy.pump.sockets_case import NO_PUMP

_, LIMIT = resource.getrlimit(resource.RLIMIT_NOFILE)
SESSIONS = int(os.environ.get("SESSIONS", min(10_000, shared(LIMIT, 64, registry=False).sessions)))
PATH = "/ws/v1/echo/x"
ADA = basic("ada", "secret")
#: Seconds in which the reactor may do nothing but one thing.
HICCUP = 0.1


def free_port() -> int:
    """A port that nobody has for now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


class Probe:
    """How long the reactor takes for something that is nothing: ``ask`` is done every few milliseconds, in a thread."""

    def __init__(self, ask: Callable[[], object]) -> None:
        self._ask = ask
        self._stop = threading.Event()
        self.times: list[float] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            began = time.monotonic()
            self._ask()
            self.times.append(time.monotonic() - began)

    def stop(self) -> float:
        """The longest time, in seconds."""
        self._stop.set()
        self._thread.join()
        return max(self.times)


class ManySessions(EndToEnd):
    """Over the native relay, without TLS."""

    kind = "native"
    secure = False
    skip = NO_PUMP

    def setUp(self) -> None:
        """The tools, a service, a gateway that knows ada."""
        super().setUp()
        resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
        self.wsbench = self.build()
        port = free_port()
        self.start([self.wsbench, "echo", "--port", str(port)])
        folder = self.folder / "definitions"
        shutil.copytree(ROOT / "benchmarks" / "gateway" / "definitions", folder)
        definition = folder / "echo.yml"
        definition.write_text(definition.read_text().replace(":9000", f":{port}"))
        file = self.folder / "operators"
        file.write_bytes(b"ada:" + bcrypt.hashpw(b"secret", bcrypt.gensalt(4)))
        settings: dict[str, Any] = {
            "apiml": {"discovery": {"staticApiDefinitionsDirectories": str(folder)}},
            "management": {"security": {"passwordFile": str(file)}},
            "server": {"relay": {"kind": self.kind}},
        }
        self.front = self.gateway(settings, secure=self.secure)
        self.front.wait_until_up()

    def build(self) -> str:
        """The load generator."""
        compiler = shutil.which("cc")
        if compiler is None:
            raise SkipTest("there is no C compiler")
        program = str(self.folder / "wsbench")
        source = str(ROOT / "benchmarks" / "wsbench.c")
        subprocess.run([compiler, "-O2", "-o", program, source, "-lssl", "-lcrypto", "-lm"], check=True)
        return program

    def hold(self) -> tuple[Process, float]:
        """All sessions, and the seconds that their opening took."""
        uri = self.front.uri(PATH)
        holder = self.start([self.wsbench, "hold", "--url", uri, "--conns", str(SESSIONS), "--seconds", "600"])
        found = json.loads(holder.wait_for(r'^\{"open".*$', 120)[0])
        self.assertEqual((SESSIONS, 0), (found["open"], found["failed"]), holder.log)
        return holder, found["seconds_to_open"]

    def resident(self) -> int:
        """KiB of memory that the gateway has."""
        status = Path(f"/proc/{self.front.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmRSS:\s+(\d+)", status)
        assert found is not None
        return int(found[1])

    def echoes(self) -> Callable[[], object]:
        """A session that asks for an echo, and waits for it."""
        client = RawClient(self.front.port, PATH, self.trust() if self.secure else None)
        self.addCleanup(client.close)

        def ask() -> None:
            client.send(frame(TEXT, b"?"))
            client.frame()

        return ask

    def opens(self) -> Callable[[], object]:
        """Asks for something that no session has: an answer of the reactor itself."""
        return lambda: self.front.request("/application/info")

    def test_many(self) -> None:
        """They are opened; the list is quick and holds nobody up; a stop ends them in its time, at its pace, with 1001."""
        before = self.resident()
        holder, opening = self.hold()
        eventually(lambda: self.listed() == SESSIONS)
        grown = (self.resident() - before) / SESSIONS
        listing = []
        probes = Probe(self.echoes()), Probe(self.opens())
        for _ in range(10):
            time.sleep(0.2)
            began = time.monotonic()
            self.listed()
            listing.append(time.monotonic() - began)
        echo, other = (probe.stop() for probe in probes)
        stopping = self.stop_takes(holder)
        report(
            self.id(),
            f"{SESSIONS} sessions opened in {opening:.1f} s; {grown:.1f} KiB each; listed in "
            f"{statistics.median(listing):.3f} s; meanwhile an echo took at most {echo * 1000:.0f} ms, another request "
            f"{other * 1000:.0f} ms; all closed {stopping:.1f} s after SIGTERM",
        )
        self.assertLess(max(echo, other), 3 * HICCUP)

    def listed(self) -> int:
        """How many sessions operators see."""
        return len(self.front.request("/application/websockets", headers=ADA).json)

    def stop_takes(self, holder: Process) -> float:
        """Seconds from SIGTERM to the end of the gateway."""
        began = time.monotonic()
        self.assertEqual(0, self.front.process.stop(timeout=45))
        took = time.monotonic() - began
        eventually(lambda: holder.log.count("closed by the peer, code 1001: Gateway is shutting down") == SESSIONS)
        self.assertEqual(SESSIONS + 1, self.front.process.log.count(" ended: stopping "), "with that of the probe")
        return took


class ManySessionsTls(ManySessions):
    """Over the native relay, with TLS."""

    secure = True


class ManySessionsPortable(ManySessions):
    """Over the portable relay, without TLS."""

    kind = "portable"
    skip = None


class ManySessionsPortableTls(ManySessionsPortable):
    """Over the portable relay, with TLS."""

    secure = True
