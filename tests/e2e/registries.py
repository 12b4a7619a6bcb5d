"""A Eureka server that says what a test wants, late or never if need be."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


def instance(url: str, name: str = "one", status: str = "UP", metadata: dict[str, str] | None = None) -> dict[str, Any]:
    """An instance of ``discoverableclient`` as Eureka's JSON has it, with route ws/v1 -> /discoverableclient/ws."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return {
        "instanceId": f"{parts.hostname}:discoverableclient:{name}",
        "hostName": parts.hostname,
        "app": "DISCOVERABLECLIENT",
        "ipAddr": "127.0.0.1",
        "status": status,
        "overriddenStatus": "UNKNOWN",
        "port": {"$": parts.port, "@enabled": "false" if secure else "true"},
        "securePort": {"$": parts.port, "@enabled": "true" if secure else "false"},
        "vipAddress": "discoverableclient",
        "metadata": {
            "apiml.routes.ws_v1.gatewayUrl": "ws/v1",
            "apiml.routes.ws_v1.serviceUrl": "/discoverableclient/ws",
            **(metadata or {}),
        },
    }


def applications(*instances: dict[str, Any]) -> bytes:
    """The answer to ``GET /eureka/apps``."""
    found = [{"name": "DISCOVERABLECLIENT", "instance": list(instances)}] if instances else []
    return json.dumps({"applications": {"versions__delta": "1", "apps__hashcode": "", "application": found}}).encode()


class Registry:
    """Answers every GET with ``status`` and ``body``; takes registrations, and forgets them.  It has no deltas.

    All that comes is answered after ``delay`` seconds.

    :attr:`requests` has method, path and headers of all that came.
    """

    def __init__(self, body: bytes = b"", status: int = 200, port: int = 0) -> None:
        self.body, self.status, self.delay = body, status, 0.0
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._answers())
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its base URL, as ``discoveryServiceUrls`` wants it."""
        return f"http://127.0.0.1:{self.port}/eureka/"

    def asked(self) -> int:
        """How often applications were read."""
        return sum(method == "GET" and not path.endswith("/delta") for method, path, _ in self.requests)

    def _answers(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Answers(BaseHTTPRequestHandler):
            """Answers for ``registry``."""

            def do_GET(self) -> None:
                """What the test wants."""
                self._note()
                if self.path.endswith("/delta"):
                    self._answer(404, b"")
                    return
                time.sleep(registry.delay)
                self._answer(registry.status, registry.body)

            def do_POST(self) -> None:
                """Registered."""
                self._note()
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._answer(204, b"")

            def do_PUT(self) -> None:
                """Renewed."""
                self._note()
                time.sleep(registry.delay)
                self._answer(200, b"")

            do_DELETE = do_PUT

            def _note(self) -> None:
                fields = {name.lower(): value for name, value in self.headers.items()}
                registry.requests.append((self.command, self.path, fields))

            def _answer(self, status: int, body: bytes) -> None:
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    return

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
                """Nothing."""

        return Answers

    def end(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
