"""Notices of changes, as a discovery service sends them."""

from __future__ import annotations

import json

import treq
from treq.testing import RequestTraversalAgent
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from apiml_ws.discovery.notices import NoticeResource


class NoticeTests(SynchronousTestCase):
    """A resource that counts notices, of those who are trusted."""

    def setUp(self) -> None:
        """Everybody is."""
        self.notices = 0
        self.trusted = True
        root = Resource()
        root.putChild(b"gateway", NoticeResource(self.noticed, lambda _: self.trusted))
        self.agent = RequestTraversalAgent(root)

    def noticed(self) -> None:
        """One more."""
        self.notices += 1

    def ask(self, path: str, method: bytes = b"DELETE") -> tuple[int, bytes]:
        """Status and body."""
        response = self.successResultOf(self.agent.request(method, f"http://gw{path}".encode()))
        self.allowed = response.headers.getRawHeaders("allow")
        return response.code, self.successResultOf(treq.content(response))

    def test_notice(self) -> None:
        """Of one service or of all, it is taken without a word."""
        for number, path in enumerate(
            ("/gateway/cache/services/svc", "/gateway/cache/services", "/gateway/cache/services/")
        ):
            self.assertEqual(self.ask(path), (204, b""))
            self.assertEqual(self.notices, number + 1)

    def test_from_somebody(self) -> None:
        """Who is not trusted is not heard."""
        self.trusted = False
        status, body = self.ask("/gateway/cache/services")
        self.assertEqual((status, json.loads(body)["messages"][0]["messageNumber"]), (403, "ZWEAO402E"))
        self.assertEqual(self.notices, 0)

    def test_other_methods(self) -> None:
        """Only DELETE is a notice."""
        for method in (b"GET", b"POST", b"PUT"):
            self.assertEqual(self.ask("/gateway/cache/services", method)[0], 405)
            self.assertEqual(self.allowed, ["DELETE"])
        self.assertEqual(self.notices, 0)

    def test_other_paths(self) -> None:
        """Nothing else is there."""
        for path in ("/gateway", "/gateway/cache", "/gateway/cache/services/a/b", "/gateway/caches/services"):
            self.assertEqual(self.ask(path)[0], 404, path)
        self.assertEqual(self.notices, 0)
