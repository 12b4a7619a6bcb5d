#!/usr/bin/env python3
"""Draw the figures of a run: ./plots.py results/FILE.json writes two pictures beside it.

FILE-cost.svg has CPU per message over the size of messages, FILE-sessions.svg over the number of idle sessions among
which the busy ones stand.  Needs matplotlib.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot


def series(measures, pattern):
    """For each gateway the points (number in the measure's name, value) of the measures that fit ``pattern``."""
    lines = {}
    for measure, row in measures.items():
        found = re.fullmatch(pattern, measure)
        if found:
            for name, value in row.items():
                if name != "ratio" and value is not None:
                    lines.setdefault(name, []).append((int(found[1]), value))
    return {name: sorted(points) for name, points in lines.items()}


def draw(axes, lines, title, across):
    """One panel, both axes logarithmic."""
    for name, points in lines.items():
        axes.plot(*zip(*points, strict=True), marker="o", label=name)
    axes.set(title=title, xlabel=across, ylabel="CPU us per echoed message", xscale="log", yscale="log")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()


def main(file):
    """Both pictures."""
    measures = json.loads(pathlib.Path(file).read_text())["measures"]
    stem = pathlib.Path(file).with_suffix("")
    figure, panels = pyplot.subplots(1, 2, figsize=(11, 4.5), sharey=True)
    for axes, scheme in zip(panels, ("ws", "wss"), strict=True):
        draw(axes, series(measures, rf"relay {scheme} (\d+) B: CPU us/message"), scheme, "bytes of a message")
    figure.tight_layout()
    figure.savefig(f"{stem}-cost.svg", metadata={"Date": None})
    figure, axes = pyplot.subplots(figsize=(6, 4.5))
    lines = series(measures, r"among (\d+) idle sessions: CPU us/message")
    draw(axes, lines, "ws 64 B, 50 busy sessions", "idle sessions beside them")
    axes.set(yscale="linear", ylim=(0, None))
    figure.tight_layout()
    figure.savefig(f"{stem}-sessions.svg", metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
