"""Tests of :mod:`apiml_ws.actuator.documents`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.actuator.documents import ACTUATOR, JSON, Answer, Document, media_type
from tests.actuator.doubles_http import Exchange, Response


class Documents(SynchronousTestCase):
    """A document over HTTP."""

    def setUp(self) -> None:
        """A tree with one document in it."""
        self.answer: Answer = (200, {"a": ["ä"]})
        self.root = Document(lambda: (200, "root"))
        self.root.putChild(b"it", Document(lambda: self.answer))

    def ask(self, path: str, method: str = "GET", **headers: str) -> Response:
        """The answer to one request."""
        return Exchange(self.root, path, method, None, **headers).response

    def test_get(self) -> None:
        """GET gives status and JSON of the moment, which no cache may keep."""
        self.answer = (503, {"a": ["ä"]})
        response = self.ask("/it")
        self.assertEqual((response.status, response.json), (503, {"a": ["ä"]}))
        self.assertEqual(response.headers["cache-control"], "no-store")
        self.assertEqual(response.headers["x-content-type-options"], "nosniff")
        self.assertNotIn("access-control-allow-origin", response.headers)

    def test_head(self) -> None:
        """HEAD gives the headers of GET, its length included, and no body."""
        got, head = self.ask("/it"), self.ask("/it", "HEAD")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["content-length"], str(len(got.body)))
        self.assertEqual(head.headers["content-type"], got.headers["content-type"])

    def test_other_methods(self) -> None:
        """Any other method is 405, and what is allowed is said."""
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW"):
            response = self.ask("/it", method)
            self.assertEqual((response.status, response.headers["allow"]), (405, "GET, HEAD"), method)
            self.assertIn(b"ZWEAO405E", response.body)

    def test_a_slash_at_the_end(self) -> None:
        """The path with a slash behind it is the same document, two slashes are not."""
        self.assertEqual(self.ask("/it/").json, {"a": ["ä"]})
        self.assertEqual(self.ask("/it//").status, 404)

    def test_nothing_below(self) -> None:
        """A path that is not there is 404 by name, without its query."""
        response = self.ask("/it/more?secret=1")
        self.assertEqual((response.status, response.headers["content-type"]), (404, JSON))
        self.assertIn(b"ZWEAM104E", response.body)
        self.assertIn(b"'/it/more'", response.body)

    def test_the_type_is_as_accepted(self) -> None:
        """The content type follows Accept."""
        self.assertEqual(self.ask("/it").headers["content-type"], ACTUATOR)
        self.assertEqual(self.ask("/it", Accept="application/json").headers["content-type"], JSON)


class MediaType(SynchronousTestCase):
    """Which type an Accept header prefers."""

    def test_each_header(self) -> None:
        """The reference's type unless plain JSON is preferred, or nothing that we have is taken."""
        cases = {
            None: ACTUATOR,
            "": ACTUATOR,
            "*/*": ACTUATOR,
            "application/*": ACTUATOR,
            "application/json": JSON,
            "application/json;charset=utf-8": JSON,
            "application/vnd.spring-boot.actuator.v3+json, application/json": ACTUATOR,
            "application/vnd.spring-boot.actuator.v3+json;q=0.5, application/json": JSON,
            "application/json, */*;q=0.8": JSON,
            "text/html, */*; q=0.8": ACTUATOR,
            "text/html": JSON,
            "*/*;q=nonsense": JSON,
            "APPLICATION/JSON": JSON,
        }
        for accept, expected in cases.items():
            self.assertEqual(media_type(accept), expected, accept)
