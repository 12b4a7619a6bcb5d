"""Runs a command as the terminal's foreground job: Ctrl-C then reaches the command alone.

``make`` ends with an error when it receives SIGINT, however well its command ended, and a terminal sends SIGINT to the
whole foreground process group.  So the command gets a group of its own, as an interactive shell would give it, Ctrl-Z
included.  Without a terminal the command simply takes the place of this process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys


def open_terminal() -> int | None:
    """The controlling terminal, if we are its foreground job."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return None
    return terminal if os.tcgetpgrp(terminal) == os.getpgrp() else None


def run(command: list[str], terminal: int) -> int:
    """The command's exit status, as a shell counts it."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = subprocess.Popen(command, process_group=0)
    signal.signal(signal.SIGTERM, lambda number, _frame: os.killpg(job.pid, number))
    while True:
        os.tcsetpgrp(terminal, job.pid)
        os.killpg(job.pid, signal.SIGCONT)
        _, status = os.waitpid(job.pid, os.WUNTRACED)
        os.tcsetpgrp(terminal, os.getpgrp())
        if not os.WIFSTOPPED(status):
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        os.killpg(0, signal.SIGSTOP)


def main(command: list[str]) -> int:
    """Run ``command``."""
    terminal = open_terminal()
    if terminal is None:
        os.execvp(command[0], command)
    return run(command, terminal)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
