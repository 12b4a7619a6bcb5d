"""Which form an answer takes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.discovery.accepted import Form, form, takes_gzip


class FormTests(SynchronousTestCase):
    """Accept."""

    def test_forms(self) -> None:
        """JSON has to be named; XML is for all who take anything; others get nothing."""
        for accept, expected in (
            (None, Form.XML),
            ("", Form.XML),
            ("*/*", Form.XML),
            ("application/*", Form.XML),
            ("application/xml", Form.XML),
            ("text/html, application/xml;q=0.9", Form.XML),
            ("application/json", Form.JSON),
            ("Application/JSON; charset=utf-8", Form.JSON),
            ("application/json, application/xml, application/*+xml", Form.JSON),
            ("application/xml, application/json;q=0.1", Form.JSON),
            ("application/json;q=0, application/xml", Form.XML),
            ("application/json;q=0.000, */*", Form.XML),
            ("text/plain", None),
            ("application/*+json", None),
        ):
            self.assertEqual(form(accept), expected, accept)

    def test_gzip(self) -> None:
        """gzip has to be named, and not be refused."""
        for encoding, expected in ((None, False), ("gzip", True), ("br, GZIP;q=0.5", True), ("gzip; q=0", False)):
            self.assertEqual(takes_gzip(encoding), expected, encoding)
