"""Asks a gateway's actuator, answered here by a handler in the place of urllib's own."""

from __future__ import annotations

import io
import ssl
from email.message import Message
from http.client import IncompleteRead
from typing import Any
from urllib.error import URLError
from urllib.request import BaseHandler, Request
from urllib.response import addinfourl

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.actuator_client import AskError, ask

URL = "https://gw.example:10010/application/websockets"


class Canned(BaseHandler):
    """Answers every request alike, or raises; keeps the requests."""

    #: After the handler that would send the request to a proxy, before those that open connections.
    handler_order = 200

    def __init__(self, body: bytes = b"[]", status: int = 200, error: Exception | None = None, **headers: str) -> None:
        self.requests: list[Request] = []
        self._body, self._status, self._error = body, status, error
        self._headers = Message()
        for name, value in headers.items():
            self._headers[name] = value

    def https_open(self, request: Request) -> addinfourl:
        """What urllib calls in place of a connection."""
        self.requests.append(request)
        if self._error:
            raise self._error
        answer = addinfourl(io.BytesIO(self._body), self._headers, request.full_url, self._status)
        vars(answer)["msg"] = "reason"
        return answer

    http_open = https_open


class Asking(SynchronousTestCase):
    """One request."""

    def ask(self, canned: Canned, **kw: Any) -> object:
        """Ask ``canned``."""
        return ask(URL, ssl.create_default_context(), handlers=[canned], **kw)

    def refused(self, canned: Canned) -> str:
        """Why there is no document, without the URL that every text begins with."""
        error: AskError = self.assertRaises(AskError, self.ask, canned)
        text = str(error)
        self.assertTrue(text.startswith(f"{URL}: "))
        return text.removeprefix(f"{URL}: ")

    def test_document(self) -> None:
        """The JSON comes back as it is; the request says what it wants and who asks."""
        canned = Canned(b'[{"a": 1}]')
        self.assertEqual(self.ask(canned, authorization="Basic eDp5"), [{"a": 1}])
        (request,) = canned.requests
        self.assertEqual(request.get_header("Authorization"), "Basic eDp5")
        self.assertEqual(request.get_header("Accept"), "application/json")

    def test_without_credentials(self) -> None:
        """None are sent."""
        canned = Canned()
        self.ask(canned)
        self.assertFalse(canned.requests[0].has_header("Authorization"))

    def test_proxies_of_the_environment_are_not_used(self) -> None:
        """Credentials go to the gateway."""
        self.patch(__import__("os"), "environ", {"https_proxy": "http://proxy.example:1"})
        canned = Canned()
        self.ask(canned)
        self.assertEqual(canned.requests[0].host, "gw.example:10010")

    def test_refusal_with_the_gateways_words(self) -> None:
        """The status, and what the body says about it."""
        body = b'{"messages": [{"messageContent": "Authentication is required"}]}'
        self.assertEqual(self.refused(Canned(body, 401)), "HTTP 401: Authentication is required")

    def test_refusal_in_other_words(self) -> None:
        """A body that is not the gateway's is left out."""
        for body in (b"<html>", b"[]", b'{"messages": []}', b"3"):
            self.assertEqual(self.refused(Canned(body, 503)), "HTTP 503")

    def test_redirects_are_not_followed(self) -> None:
        """Credentials do not travel on."""
        canned = Canned(b"", 302, location="https://elsewhere.example/")
        self.assertEqual(self.refused(canned), "HTTP 302")
        self.assertEqual(len(canned.requests), 1)

    def test_no_connection(self) -> None:
        """Each reason in words."""
        untrusted = ssl.SSLCertVerificationError(1, "x")
        untrusted.verify_message = "self-signed certificate"
        for error, words in [
            (URLError(ConnectionRefusedError(111, "Connection refused")), "Connection refused"),
            (URLError("unknown url type"), "unknown url type"),
            (URLError(untrusted), "its certificate is not trusted: self-signed certificate"),
            (URLError(TimeoutError()), "no answer in time"),
            (TimeoutError(), "no answer in time"),
            (IncompleteRead(b""), "IncompleteRead(0 bytes read)"),
            (ConnectionResetError(), "ConnectionResetError"),
        ]:
            self.assertEqual(self.refused(Canned(error=error)), words)

    def test_no_json(self) -> None:
        """Something else answered."""
        for body in (b"<html>", b"\xff"):
            self.assertEqual(self.refused(Canned(body)), "the answer is no JSON")
