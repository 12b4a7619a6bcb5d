"""Configured registries."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.discovery.servers import RETURN_INTERVAL, Server, Turn


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

    def setUp(self) -> None:
        """Three of them."""
        self.clock = Clock()
        self.turn = Turn(["http://a/", "http://b/", "http://c/"], self.clock.seconds)

    def hosts(self) -> str:
        """In which order they are asked now."""
        return "".join(each.base[7] for each in self.turn.order())

    def test_order(self) -> None:
        """Whoever answered last is asked first, then the others round and round."""
        self.assertEqual(self.hosts(), "abc")
        self.turn.answered(Server("http://b/"))
        self.assertEqual(self.hosts(), "bca")

    def test_return_to_the_preferred(self) -> None:
        """The first one is tried again after five minutes, and every five minutes until it answers."""
        self.turn.answered(Server("http://c/"))
        self.clock.advance(RETURN_INTERVAL - 1)
        self.assertEqual(self.hosts(), "cab")
        self.clock.advance(1)
        self.assertEqual(self.hosts(), "acb")
        self.turn.answered(Server("http://c/"))
        self.assertEqual(self.hosts(), "cab")
        self.clock.advance(RETURN_INTERVAL)
        self.assertEqual(self.hosts(), "acb")
        self.turn.answered(Server("http://a/"))
        self.clock.advance(RETURN_INTERVAL)
        self.assertEqual(self.hosts(), "abc")

    def test_from_one_substitute_to_another(self) -> None:
        """The time counts from when the preferred one was lost, whoever takes its place."""
        self.turn.answered(Server("http://b/"))
        self.clock.advance(RETURN_INTERVAL - 1)
        self.turn.answered(Server("http://c/"))
        self.clock.advance(1)
        self.assertEqual(self.hosts(), "acb")
