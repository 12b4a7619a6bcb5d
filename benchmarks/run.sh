#!/bin/sh
# Measures the gateway beside nginx, HAProxy and Caddy in a network of its own, where nobody else holds the ports:
# run.sh NAME [options of sidebyside.py].  The figures go to results/NAME.json, the table to results/NAME.txt.
#
# Needs root for the network namespace, and Debian's packages gcc libssl-dev nginx haproxy caddy.
set -eu
cd "$(dirname "$0")"
# For the record: what was asked for, and of what the gateway is made.
BENCHMARK="${SERVER_RELAY_KIND:+SERVER_RELAY_KIND=$SERVER_RELAY_KIND }${SERVER_RELAY_THREADS:+SERVER_RELAY_THREADS=$SERVER_RELAY_THREADS }benchmarks/run.sh $*"
MADE_OF=$("$(dirname "${TWISTD:-../.venv/bin/twistd}")/python" -m pip --disable-pip-version-check freeze \
  | grep --ignore-case --extended-regexp '^(twisted|autobahn|automat|pyopenssl|cryptography)==' | tr '\n' ' ')
export BENCHMARK MADE_OF
name=$1
shift
mkdir -p results
# 10,000 sessions have 20,000 connections.
ulimit -n 65000 2>/dev/null || ulimit -n "$(ulimit -H -n)"
unshare -n sh -c 'ip link set lo up && exec "$@"' sh ./sidebyside.py --candidate ./start.sh --name apiml_ws \
  --ws ws://127.0.0.1:9301/ws/v1/echo/x --wss wss://localhost:9302/ws/v1/echo/x --out "results/$name.json" "$@" \
  | tee "results/$name.txt"
