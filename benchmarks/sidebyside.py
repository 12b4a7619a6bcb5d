#!/usr/bin/env python3
"""Measure a WebSocket gateway beside nginx, HAProxy and Caddy, in one run on one machine.

    ./sidebyside.py --candidate 'CMD' --ws URL --wss URL [--peers nginx,haproxy,caddy] [--out FILE]

The load generator and the echo backend share core 0; each gateway has core 1 for itself, so what is compared is what
one core of gateway can do.  CMD must start the gateway in the foreground and route URL to the echo backend on
127.0.0.1:9000 (any path).  Measures, each a median of --rounds rounds in which the gateways take turns:

  relay     CPU microseconds of the gateway per echoed message (two frames relayed), and messages/s, for ws and wss at
            64 B, 1 KiB, 16 KiB and 256 KiB
  open      CPU microseconds of the gateway per session: connect, TLS, upgrade, one echo, close
  latency   p99 of ws, 1 KiB, at half of the gateway's own saturation rate
  beside    p99 of ws, 1 KiB, 2,000 messages a second, while 200 sessions a second are opened and closed beside them
  among     CPU microseconds per message of 50 busy ws sessions among --among idle ones (a comma list; empty: left out),
            or as many as there may be descriptors for
  idle      KiB of memory (Pss) per idle session, in a gateway started afresh

Only the standard library, gcc and OpenSSL's headers are needed; a peer that is not installed is left out, and named.

`--peers nginx,nginx2` adds nginx with two workers on cores 0 and 1, to be compared with two relay threads.

One more peer is measured only when asked for: `--peers nginx,haproxy,caddy,scg` adds Spring Cloud Gateway
(peers/spring-cloud-gateway), one event loop as the others have one worker.  It needs java and mvn; Maven fetches and
builds it once, into $XDG_CACHE_HOME or ~/.cache.  Its code is compiled while it runs, so before the first round it
alone gets a load of every kind that will be measured (--warm-up seconds each, and five times that for opening
sessions); that load is not counted.  A session there gets cheaper for minutes still, and its idle KiB hold garbage
too: read both as bounds.

Without --candidate the peers alone are measured.
Everything stays on the loopback interface, and every load is bounded in time.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

from gateways import HERE, Gateway, peers, write_configurations

SIZES = {64: 50, 1024: 50, 16384: 50, 262144: 20}  # message bytes: connections
BACKEND = 9000
#: Messages and sessions a second of the rows that are paced.
BUSY_RATE, OPEN_RATE = 2000, 200


def generator(*arguments, **options):
    """The load generator, pinned to core 0, its JSON to be read from standard output."""
    command = ["taskset", "-c", "0", str(HERE / "wsbench"), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def finished(process):
    """What a load came to."""
    out, err = process.communicate()
    try:
        return json.loads(out)
    except ValueError:
        return {"failures": -1, "messages": 0, "messages_per_s": 0, "p99_us": 0, "error": err[-200:]}


def wsbench(*arguments):
    """Run one load to its end."""
    return finished(generator(*arguments))


class Measurement:
    """All values of a run, by measure and gateway, and how many loads failed."""

    def __init__(self, options, gateways):
        self.options, self.gateways = options, gateways
        self.results, self.failures = {}, 0
        self.sizes = list(map(int, options.sizes.split(",")))

    def note(self, gateway, measure, value):
        """One round's value."""
        self.results.setdefault(measure, {}).setdefault(gateway.name, []).append(value)

    def check(self, got):
        """Count a load that failed; what it was, on standard error."""
        if got["failures"]:
            self.failures += 1
            print(f"failed load: {got}", file=sys.stderr)
        return got

    def each(self, scheme="ws"):
        """The gateways that speak ``scheme``, with their URLs."""
        return [(gateway, gateway.urls[scheme]) for gateway in self.gateways if gateway.urls[scheme]]

    def warm_up(self, gateway):
        """A load of every kind for a gateway that gets cheaper while it runs."""
        seconds = self.options.warm_up
        for url in filter(None, gateway.urls.values()):
            for size in self.sizes:
                wsbench(*load(url, size, seconds, SIZES.get(size, 50)))
            wsbench("churn", "--url", url, "--conns", 20, "--seconds", 5 * seconds)

    def relay(self, scheme, size):
        """Cost and rate of a message."""
        for gateway, url in self.each(scheme):
            before = gateway.cpu()
            got = self.check(wsbench(*load(url, size, self.options.seconds, SIZES.get(size, 50))))
            spent = (gateway.cpu() - before) / max(1, got["messages"]) * 1e6
            self.note(gateway, f"relay {scheme} {size} B: CPU us/message", spent)
            self.note(gateway, f"relay {scheme} {size} B: messages/s", got["messages_per_s"])

    def opening(self, scheme):
        """Cost of a session."""
        for gateway, url in self.each(scheme):
            before = gateway.cpu()
            got = self.check(wsbench("churn", "--url", url, "--conns", 20, "--seconds", self.options.seconds))
            spent = (gateway.cpu() - before) / max(1, got["messages"]) * 1e6
            self.note(gateway, f"open {scheme}: CPU us/session", spent)

    def latency(self):
        """The slow end of a load that leaves room."""
        for gateway, url in self.each():
            full = self.check(wsbench(*load(url, 1024, self.options.seconds, 50)))
            rate = max(1, full["messages_per_s"] / 2)
            got = self.check(wsbench(*load(url, 1024, self.options.seconds, 50, settled=True), "--rate", rate))
            self.note(gateway, "latency ws 1024 B, half load: p99 us", got["p99_us"])

    def beside(self):
        """The slow end of a light load beside openings."""
        for gateway, url in self.each():
            seconds = self.options.seconds
            opening = generator("churn", "--url", url, "--conns", 200, "--rate", OPEN_RATE, "--seconds", seconds + 1.5)
            got = self.check(wsbench(*load(url, 1024, seconds, 20, settled=True), "--rate", BUSY_RATE))
            self.check(finished(opening))
            self.note(gateway, f"beside {OPEN_RATE} openings/s: p99 us", got["p99_us"])

    def among(self, idle):
        """Cost of a message of 50 busy sessions when ``idle`` others are open."""
        for gateway, url in self.each():
            holding = self.hold(url, idle, self.options.seconds + 3)
            opened = json.loads(holding.stdout.readline() or '{"failed": 1}')
            before = gateway.cpu()
            got = self.check(wsbench(*load(url, 64, self.options.seconds, 50)))
            spent = (gateway.cpu() - before) / max(1, got["messages"]) * 1e6
            self.note(gateway, f"among {idle} idle sessions: CPU us/message", spent)
            holding.communicate()
            self.failures += opened.get("failed", 1) != 0

    def idle(self, directory):
        """Memory of sessions at rest."""
        for gateway in self.gateways:
            for scheme, url in gateway.urls.items():
                if url:
                    self._idle(directory, gateway, scheme, url)

    def _idle(self, directory, gateway, scheme, url):
        gateway.stop()
        gateway.start(directory)
        wsbench("churn", "--url", url, "--conns", 4, "--seconds", self.options.warm_up if gateway.jit else 0.5)
        before = gateway.memory()
        holding = self.hold(url, self.options.idle, 12)
        time.sleep(11)
        self.note(gateway, f"idle {scheme}: KiB/session", (gateway.memory() - before) / self.options.idle)
        self.failures += json.loads(holding.communicate()[0] or '{"failed": 1}').get("failed", 1) != 0

    @staticmethod
    def hold(url, sessions, seconds):
        """Sessions at rest, for so long."""
        return generator("hold", "--url", url, "--conns", sessions, "--seconds", seconds)

    def run(self, directory):
        """Every measure, round by round."""
        for gateway in self.gateways:
            gateway.start(directory)
        for gateway in self.gateways:
            if gateway.jit:
                self.warm_up(gateway)
        among = [min(int(count), held_at_most()) for count in self.options.among.split(",") if count]
        wanted = self.options.measures.split(",")
        for _ in range(self.options.rounds):
            for scheme in ("ws", "wss"):
                if "relay" in wanted:
                    for size in self.sizes:
                        self.relay(scheme, size)
                if "open" in wanted:
                    self.opening(scheme)
            if "latency" in wanted:
                self.latency()
            if "beside" in wanted:
                self.beside()
            for count in among:
                self.among(count)
        if self.options.idle:
            self.idle(directory)

    def summary(self):
        """Medians, and what the candidate's is to the best peer's."""
        rows = {}
        for measure, per in self.results.items():
            row = {name: statistics.median(values) for name, values in per.items()}
            others = [value for name, value in row.items() if name != self.options.name]
            ratio = None
            if self.options.name in row and others:
                best = max(others) if measure.endswith("messages/s") else min(others)
                ratio = row[self.options.name] / best if best else None
            rows[measure] = {**row, "ratio": ratio}
        return rows


def held_at_most():
    """Idle sessions for which a gateway has descriptors, two each, beside all that it needs itself."""
    return (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 2000) // 2


def load(url, size, seconds, connections, settled=False):
    """The arguments of a load with one message under way on each connection.

    What it costs to open the connections is left out of what is measured with ``settled``; CPU time is that of a whole load.
    """
    warm_up = 0.5 if settled else 0
    return ["load", "--url", url, "--conns", connections, "--size", size, "--seconds", seconds, "--warmup", warm_up]


def printed(rows, names, candidate):
    """The table."""
    print(f"{'':40}" + "".join(f"{name:>11}" for name in names) + ("   ratio to the best peer" if candidate else ""))
    for measure, row in rows.items():
        cells = "".join(f"{row.get(name, float('nan')):>11.1f}" for name in names)
        print(f"{measure:40}{cells}" + (f"   {row['ratio']:.2f}" if row["ratio"] is not None else ""))


def versions(names):
    """What was measured on what: for the record beside the figures."""
    asked = {"nginx": ["nginx", "-v"], "haproxy": ["haproxy", "-v"], "caddy": ["caddy", "version"]}
    found = {}
    for name in names:
        if name in asked:
            said = subprocess.run(asked[name], capture_output=True, text=True, check=False)
            found[name] = (said.stdout + said.stderr).strip().splitlines()[0]
    model = [line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = model[0].partition(":")[2].strip() if model else platform.machine()
    machine = {"processor": f"{processor}, {os.cpu_count()} of them", "kernel": platform.release()}
    made_of = os.environ.get("MADE_OF", "").strip()
    return {**machine, "python": platform.python_version(), **found, **({"candidate": made_of} if made_of else {})}


def parsed():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidate", help="the command that starts the gateway under test")
    parser.add_argument("--name", default="candidate")
    parser.add_argument("--ws")
    parser.add_argument("--wss")
    parser.add_argument("--cores", default="1", help="processors of the candidate, 1 unless said otherwise")
    parser.add_argument("--peers", default="nginx,haproxy,caddy")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--measures", default="relay,open,latency,beside", help="those of them that are wanted")
    parser.add_argument("--among", default="", help="numbers of idle sessions, for instance 100,1000,10000")
    parser.add_argument("--warm-up", type=float, default=4, help="seconds of each load before the first round, for scg")
    parser.add_argument("--idle", type=int, default=2000, help="idle sessions to hold; 0 leaves this out")
    parser.add_argument("--out", help="a file for the figures, JSON")
    return parser.parse_args()


def main():
    """Measure, print, and fail when a load failed."""
    options = parsed()
    source, program = HERE / "wsbench.c", HERE / "wsbench"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["gcc", "-O2", "-o", program, source, "-lssl", "-lcrypto", "-lm"], check=True)
    directory = tempfile.mkdtemp(prefix="sidebyside-")
    write_configurations(directory)
    gateways = list(peers(filter(None, options.peers.split(",")), directory))
    if options.candidate:
        command = shlex.split(options.candidate)
        gateways.append(Gateway(options.name, command, options.ws, options.wss, cores=options.cores))
    measurement = Measurement(options, gateways)
    echo = subprocess.Popen(["taskset", "-c", "0", program, "echo", "--port", str(BACKEND)], stderr=subprocess.DEVNULL)
    try:
        measurement.run(directory)
    finally:
        for gateway in gateways:
            gateway.stop()
        echo.terminate()
    rows, names = measurement.summary(), [gateway.name for gateway in gateways]
    printed(rows, names, options.candidate)
    print(f"failed loads: {measurement.failures}")
    if options.out:
        command = os.environ.get("BENCHMARK", shlex.join(["benchmarks/sidebyside.py", *sys.argv[1:]]))
        record = {"command": command, "failures": measurement.failures, "versions": versions(names), "measures": rows}
        pathlib.Path(options.out).write_text(json.dumps(record, indent=1) + "\n")
    sys.exit(1 if measurement.failures else 0)


if __name__ == "__main__":
    main()
