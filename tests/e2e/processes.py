"""Child processes whose output is kept, waited for, and shown when a test fails."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

#: Seconds for a process to start or to say something; far more than it takes, for machines that are busy.
PATIENCE = 30.0
ROOT = Path(__file__).parent.parent.parent


def twistd(plugin: str, *arguments: str) -> list[str]:
    """The command that runs a plugin of the environment of these tests in the foreground."""
    return [str(Path(sys.executable).with_name("twistd")), "--nodaemon", "--pidfile=", plugin, *arguments]


class Process:
    """A child process.  What it prints, both streams together, is kept in :attr:`log`."""

    def __init__(
        self, command: Sequence[str], folder: str | Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = command
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._child = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1", **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def log(self) -> str:
        """All that it printed so far."""
        with self._news:
            return "".join(self._lines)

    def wait_for(self, pattern: str, timeout: float = PATIENCE, after: int = 0) -> re.Match[str]:
        """The first match of ``pattern`` in what it prints, from character ``after`` on.

        :raises AssertionError: it ended, or ``timeout`` seconds passed, without one.
        """
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                found = re.search(pattern, "".join(self._lines)[after:], re.MULTILINE)
                if found:
                    return found
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    raise AssertionError(f"no {pattern!r} from {self._command}:\n{''.join(self._lines)}")
                self._news.wait(left)

    def type(self, text: str) -> None:
        """Write to its standard input."""
        assert self._child.stdin is not None
        self._child.stdin.write(text)
        self._child.stdin.flush()

    def close_input(self) -> None:
        """Say that nothing more is typed."""
        assert self._child.stdin is not None
        self._child.stdin.close()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._child.send_signal(number)

    def exit_status(self, timeout: float = PATIENCE) -> int:
        """Its exit status, negative for a signal, once it ended by itself.

        :raises AssertionError: it goes on for ``timeout`` seconds.
        """
        try:
            status = self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self._command} goes on:\n{self.log}") from None
        self._reader.join(timeout)
        return status

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout: float = PATIENCE) -> int:
        """Send it a signal and wait for its end; the exit status."""
        self.send(number)
        return self.exit_status(timeout)

    def dump(self) -> None:
        """End it if it still runs, in a way that makes Python say where it was."""
        if self._child.poll() is None:
            self.stop(signal.SIGABRT)

    def end(self) -> None:
        """Leave nothing of it, whatever its state: its whole session gets SIGKILL if it does not end by SIGTERM."""
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._reader.join(PATIENCE)
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        if not self._reader.is_alive():
            self._child.stdout.close()


def at_a_terminal(*command: str) -> list[str]:
    """The command that runs ``command`` at a terminal of its own; what it types there is its standard input."""
    program = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    return [sys.executable, "-c", program, *command]


def eventually(condition: Callable[[], object], timeout: float = PATIENCE) -> object:
    """What ``condition`` gives once it is true.

    :raises AssertionError: it is not within ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"still {value!r} after {timeout} s"
        time.sleep(0.02)
    return value
