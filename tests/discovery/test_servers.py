"""Configured registries."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.discovery.servers import Server, Turn


class ServerTests(SynchronousTestCase):
    """One server."""

    def test_base_and_credentials(self) -> None:
        """Credentials leave the URL, decoded; the base ends in a slash."""
        for url, base, credentials in (
            ("https://h:10011/eureka/", "https://h:10011/eureka/", None),
            (" http://h/eureka", "http://h/eureka/", None),
            ("http://u:p%40%3A@h:1/eureka/?a#b", "http://h:1/eureka/", ("u", "p@:")),
            ("http://u@[::1]:1/", "http://[::1]:1/", ("u", "")),
        ):
            server = Server.parse(url)
            self.assertEqual((server.base, server.credentials), (base, credentials))

    def test_password_is_not_shown(self) -> None:
        """The credentials are not part of how a server is printed."""
        self.assertNotIn("secret", repr(Server.parse("http://u:secret@h/")))

    def test_segments(self) -> None:
        """Segments are encoded, but for colons, which ids are full of."""
        self.assertEqual(
            Server.parse("http://h/e/").url("apps", "A B", "h:s/é:1"), "http://h/e/apps/A%20B/h:s%2F%C3%A9:1"
        )


class TurnTests(SynchronousTestCase):
    """Several servers."""

    def test_order(self) -> None:
        """Whoever answered last is asked first, then the others round and round."""
        turn = Turn(["http://a/", "http://b/", "http://c/"])
        self.assertEqual([each.base for each in turn.order()], ["http://a/", "http://b/", "http://c/"])
        turn.answered(turn.order()[1])
        self.assertEqual([each.base for each in turn.order()], ["http://b/", "http://c/", "http://a/"])
