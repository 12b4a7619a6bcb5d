"""How many files and connections this process may have open, and has."""

from __future__ import annotations

import os
import resource
from typing import Final

#: Where the system shows what is open; both are folders with one entry for each.
_SHOWN: Final = ("/proc/self/fd", "/dev/fd")
#: What a process has open at its start, generously, where the system does not show it.
_USUAL: Final = 32


def raise_limit() -> int:
    """Let the process have as many descriptors as it is allowed to, and say how many.

    Where the system does not let it change that, it is as many as before.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        return soft
    return hard


def open_descriptors() -> int:
    """How many are open; meant for once, at the start, since all of them are listed."""
    for folder in _SHOWN:
        try:
            return len(os.listdir(folder))
        except OSError:
            continue
    return _USUAL
