"""Prints a constraints file: each requirement of setup.cfg at the oldest version that it allows."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9-]+)(?:\[[a-z,]+\])? >= (?P<version>[0-9.]+)")


def oldest(requirements: str) -> list[str]:
    """The lines for all of ``requirements``, one a line.

    :raises ValueError: a requirement has no lower bound.
    """
    lines = []
    for line in requirements.split("\n"):
        found = REQUIREMENT.fullmatch(line.strip())
        if found:
            lines.append(f"{found['name']}=={found['version']}")
        elif line.strip():
            raise ValueError(f"setup.cfg: {line.strip()!r} has no lower bound of the form NAME >= VERSION")
    return lines


if __name__ == "__main__":
    setup = configparser.ConfigParser()
    setup.read_string((Path(__file__).parent.parent / "setup.cfg").read_text(encoding="utf-8"))
    print("\n".join(oldest(setup["options"]["install_requires"])))
