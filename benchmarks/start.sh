#!/bin/sh
# Starts the gateway as sidebyside.py measures it: ws on port 9301 and wss on 9302, in a process each, in the foreground.
#
# TWISTD names another twistd than the one in .venv.  Settings come from the environment as usual, for instance
# SERVER_RELAY_KIND=portable or SERVER_RELAY_THREADS=2.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
twistd=${TWISTD:-$here/../.venv/bin/twistd}
scratch=$(mktemp -d)

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null

"$twistd" --nodaemon --pidfile= --logfile "$scratch/ws.log" apiml-ws --config "$here/gateway/ws.yml" &
ws=$!
"$twistd" --nodaemon --pidfile= --logfile "$scratch/wss.log" apiml-ws --config "$here/gateway/wss.yml" \
  --set server.ssl.certificate="$scratch/cert.pem" --set server.ssl.privateKey="$scratch/key.pem" &
wss=$!

trap 'kill "$ws" "$wss" 2>/dev/null || true' INT TERM
trap 'rm -rf "$scratch"' EXIT
while kill -0 "$ws" 2>/dev/null || kill -0 "$wss" 2>/dev/null; do
  wait || true
done
