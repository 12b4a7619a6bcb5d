"""Instances of a service as processes: killed, stopped, started again on the same port, and asked what they received."""

from __future__ import annotations

import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.e2e.processes import ROOT, Process

#: Starts a command in the project's folder; the process ends with the test.
Start = Callable[[list[str]], Process]


class Instance:
    """One instance, which keeps its port and its journal over restarts."""

    def __init__(self, name: str, folder: Path, start: Start, *subprotocols: str) -> None:
        self.name = name
        self.port = free_port()
        self._journal = folder / f"{name}.journal"
        self._journal.touch()
        self._start = start
        self._subprotocols = [argument for each in subprotocols for argument in ("--subprotocol", each)]
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """What a registry says of it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin, and listen when this returns."""
        command = [sys.executable, "-m", "tests.e2e.instance", "--name", self.name, "--port", str(self.port)]
        self._process = self._start([*command, "--journal", str(self._journal), *self._subprotocols])
        self._process.wait_for("listening on")

    def kill(self) -> None:
        """Be gone without a word."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Be told to go, and go."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        assert process is not None, "it does not run"
        process.stop(number)

    def received(self) -> Counter[str]:
        """The messages that came, each with how often, since the first start."""
        return Counter(self._journal.read_text(encoding="utf-8").splitlines())


def free_port() -> int:
    """A port of the loopback interface that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def here(start: Callable[..., Process]) -> Start:
    """``start`` with the project among the modules that can be run."""
    return lambda command: start(command, {"PYTHONPATH": str(ROOT)})
