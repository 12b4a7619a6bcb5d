"""The gateways that are measured beside each other: how each is configured, started, watched and stopped."""

from __future__ import annotations

import hashlib
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")

NGINX = """worker_processes {workers}; worker_rlimit_nofile 65000; daemon off;
pid {dir}/nginx{workers}.pid; error_log {dir}/nginx.err;
events {{ worker_connections 30000; }}
http {{ access_log off;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:9{workers}01 reuseport; listen 127.0.0.1:9{workers}51 reuseport ssl;
    ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;
    location / {{
      proxy_pass http://127.0.0.1:9000; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout 600s; }} }} }}
"""
HAPROXY = """global
  nbthread 1
  maxconn {maxconn}
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
frontend front
  bind 127.0.0.1:9102
  bind 127.0.0.1:9202 ssl crt {dir}/both.pem
  default_backend back
backend back
  server echo 127.0.0.1:9000
"""
CADDY = """{{
  admin off
  auto_https off
}}
http://127.0.0.1:9103 {{
  reverse_proxy 127.0.0.1:9000
}}
https://localhost:9203 {{
  tls {dir}/cert.pem {dir}/key.pem
  reverse_proxy 127.0.0.1:9000
}}
"""
# One event loop, and a young generation so small that what idle sessions left as garbage hardly counts as theirs.
SCG_FLAGS = ["-Dreactor.netty.ioWorkerCount=1", "-XX:+UseSerialGC", "-Xmn64m", "-Xmx1g"]


class Gateway:
    """One gateway under test: the command that starts it, and the two addresses at which it answers.

    ``jit``: it gets cheaper while it runs, and has to be warmed up.  ``cores``: the processors it is pinned to.
    """

    def __init__(self, name, command, ws, wss, env=None, jit=False, cores="1"):
        self.name, self.command, self.urls, self.env = name, command, {"ws": ws, "wss": wss}, env or {}
        self.jit, self.cores, self.process = jit, cores, None

    def start(self, directory):
        """Start it and wait until it listens."""
        log = pathlib.Path(directory, f"{self.name}.log")
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                ["taskset", "-c", self.cores, *self.command],
                stdout=out,
                stderr=out,
                env={**os.environ, **self.env},
                start_new_session=True,
            )
        for url in filter(None, self.urls.values()):
            wait_for(int(url.split("/")[2].rsplit(":", 1)[1]), self.process, log)

    def stop(self):
        """End it, and everything that it started."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def pids(self):
        """Its processes, with all that they started."""
        found, queue = [], [self.process.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
            queue += [int(child) for child in children.stdout.split()]
        return found

    def cpu(self):
        """CPU seconds of all its threads so far, in the kernel and outside."""
        ticks = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICK

    def memory(self):
        """KiB of memory, shared pages by their share (Pss)."""
        total = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total


def wait_for(port, process, log):
    """Until somebody listens on ``port``; ends everything when ``process`` ends or a minute is over."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"it stopped at once; see {log}:\n{log.read_text()[-2000:]}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"nothing listens on port {port}; see {log}")


def write_configurations(directory):
    """A certificate, and the peers' configurations that name it."""
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost"
        f" -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout {directory}/key.pem -out {directory}/cert.pem".split(),
        check=True,
        capture_output=True,
    )
    folder = pathlib.Path(directory)
    (folder / "both.pem").write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    # Two descriptors a session, and HAProxy does not start where it cannot have them.
    maxconn = min(12000, (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100) // 2)
    written = (
        ("nginx.conf", NGINX, 1),
        ("nginx2.conf", NGINX, 2),
        ("haproxy.cfg", HAPROXY, 1),
        ("Caddyfile", CADDY, 1),
    )
    for name, text, workers in written:
        (folder / name).write_text(text.format(dir=directory, maxconn=maxconn, workers=workers))


def peers(names, directory):
    """Those of ``names`` that are installed; the others are named on standard error."""
    known = {
        "nginx": lambda: Gateway(
            "nginx", ["nginx", "-c", f"{directory}/nginx.conf"], "ws://127.0.0.1:9101/x", "wss://127.0.0.1:9151/x"
        ),
        "nginx2": lambda: Gateway(
            "nginx2",
            ["nginx", "-c", f"{directory}/nginx2.conf"],
            "ws://127.0.0.1:9201/x",
            "wss://127.0.0.1:9251/x",
            cores="0,1",
        ),
        "haproxy": lambda: Gateway(
            "haproxy",
            ["haproxy", "-db", "-f", f"{directory}/haproxy.cfg"],
            "ws://127.0.0.1:9102/x",
            "wss://127.0.0.1:9202/x",
        ),
        "caddy": lambda: Gateway(
            "caddy",
            ["caddy", "run", "--config", f"{directory}/Caddyfile"],
            "ws://127.0.0.1:9103/x",
            "wss://localhost:9203/x",
            {"GOMAXPROCS": "1"},
        ),
    }
    for name in names:
        if name == "scg":
            jar = built_scg()
            if jar:
                command = ["java", *SCG_FLAGS, "-jar", str(jar), f"--tls.directory={directory}"]
                yield Gateway("scg", command, "ws://127.0.0.1:9109/x", "wss://127.0.0.1:9209/x", jit=True)
                continue
        elif name in known and shutil.which(known[name]().command[0]):
            yield known[name]()
            continue
        print(f"{name} is not installed: left out", file=sys.stderr)


def built_scg():
    """The jar of Spring Cloud Gateway, built if these sources were not built before; None without java or mvn."""
    if not (shutil.which("java") and shutil.which("mvn")):
        return None
    project = HERE / "peers" / "spring-cloud-gateway"
    sources = [project / "pom.xml", *sorted(p for p in project.glob("src/**/*") if p.is_file())]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "sidebyside"
    target = cache / f"scg-{digest}"
    if not (target / "gateway.jar").exists():
        subprocess.run(["mvn", "-q", "-B", "-f", project / "pom.xml", f"-Dbuild.to={target}", "package"], check=True)
    return target / "gateway.jar"
