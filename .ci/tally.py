"""Prints what the log of a run of trial says at its end as ``N passed, N failed``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

FAILED = ("failures", "errors", "unexpectedSuccesses")


def tally(log: str) -> str:
    """The line for ``log``; a log that breaks off before trial's last line has a failure too."""
    counts = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", log.rpartition("\n\n")[2])}
    complete = re.search(r"^(PASSED|FAILED)\b", log, re.MULTILINE)
    failed = sum(counts.get(name, 0) for name in FAILED) if complete else 1
    passed = counts.get("successes", 0) + counts.get("expectedFailures", 0)
    return f"{passed} passed, {failed} failed, {counts.get('skips', 0)} skipped"


if __name__ == "__main__":
    print(tally(Path(sys.argv[1]).read_text(encoding="utf-8")))
