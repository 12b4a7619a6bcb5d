"""What a test measured, for the record: printed where ``SOAK`` is set in the environment, as ``make soak`` does."""

from __future__ import annotations

import os


def report(test: str, text: str) -> None:
    """``test`` found ``text``."""
    if "SOAK" in os.environ:
        print(f"\n{test}: {text}")
