"""Prints what the logs of runs of trial say at their ends, added up, as ``N passed, N failed``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

FAILED = ("failures", "errors", "unexpectedSuccesses")


def counted(log: str) -> tuple[int, int, int]:
    """How many passed, failed and were passed over; a log that breaks off before trial's last line has a failure too."""
    counts = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", log.rpartition("\n\n")[2])}
    complete = re.search(r"^(PASSED|FAILED)\b", log, re.MULTILINE)
    failed = sum(counts.get(name, 0) for name in FAILED) if complete else 1
    passed = counts.get("successes", 0) + counts.get("expectedFailures", 0)
    return passed, failed, counts.get("skips", 0)


def tally(logs: Iterable[str]) -> str:
    """The line for all ``logs``."""
    passed, failed, skipped = (sum(counts) for counts in zip(*map(counted, logs), strict=True))
    return f"{passed} passed, {failed} failed, {skipped} skipped"


if __name__ == "__main__":
    print(tally(Path(log).read_text(encoding="utf-8") for log in sys.argv[1:]))
