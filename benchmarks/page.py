#!/usr/bin/env python3
"""Write a page of results: ./page.py results/NAME.json... > results/README.md.

Each run becomes a table with every row, what it was measured on, and the pictures that plots.py drew beside it.
"""

from __future__ import annotations

import json
import pathlib
import sys


def cell(value):
    """A figure, with as many digits as say something."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(measures):
    """Every row of a run; the ratio is to the best peer, that of idle sessions to nginx."""
    names = [name for name in next(iter(measures.values())) if name != "ratio"]
    yield "| row | " + " | ".join(names) + " | to the best peer | to nginx |"
    yield "|---|" + "---|" * (len(names) + 2)
    for measure, row in measures.items():
        ours, nginx = row.get(names[-1]), row.get("nginx")
        to_nginx = ours / nginx if ours is not None and nginx else None
        ratios = [row.get("ratio"), to_nginx]
        yield (
            f"| {measure} | "
            + " | ".join([cell(row.get(name)) for name in names] + [cell(each) for each in ratios])
            + " |"
        )


def section(file):
    """One run."""
    record = json.loads(file.read_text())
    yield f"## {file.stem}"
    yield ""
    if record.get("command"):
        yield f"    {record['command']}"
        yield ""
    yield "; ".join(f"{name}: {version}" for name, version in record["versions"].items()) + "."
    yield f"Failed loads: {record['failures']}."
    yield ""
    yield from table(record["measures"])
    pictures = [
        each for each in (f"{file.stem}-cost.svg", f"{file.stem}-sessions.svg") if (file.parent / each).exists()
    ]
    for picture in pictures:
        yield ""
        yield f"![{picture}]({picture})"
    yield ""


HEAD = """# Results

Figures of different runs do not compare: read the ratios of one run.  `../README.md` says what each row is.
"""


def main(files):
    """The page."""
    print(HEAD)
    for file in files:
        print("\n".join(section(pathlib.Path(file))))


if __name__ == "__main__":
    main(sys.argv[1:])
