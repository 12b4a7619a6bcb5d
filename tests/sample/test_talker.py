"""The client that talks line by line."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from txaio import tx

from apiml_ws.sample.sessions import Sessions
from apiml_ws.sample.site import sample_site
from apiml_ws.sample.talker import PATIENCE, Lines, Talker, TalkerFactory
from tests.sample.doubles_connection import Link, basic


class TalkerTests(SynchronousTestCase):
    """A talker at the sample service, in memory."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.patch(tx.config, "loop", self.clock)
        self.heard: list[str] = []
        self.complaints: list[str] = []
        self.sessions = Sessions(self.clock)  # type: ignore[arg-type]  # the part of a reactor that is needed
        self.site = sample_site(self.sessions, {}, self.clock)
        self.talker = Talker(self.clock, self.heard.append, self.complaints.append)

    def connect(self, path: str, credentials: str = "user:pass") -> Link:
        url = f"ws://localhost:10012/discoverableclient/ws/{path}"
        factory = TalkerFactory(self.talker, url, {"Authorization": basic(credentials)}, [])
        talker = factory.buildProtocol(None)
        return Link(self.site, talker)

    def feed(self, link: Link, *parts: bytes) -> None:
        lines = Lines(self.talker)
        for part in parts:
            lines.feed(part)
        link.flush()

    def test_each_line_is_a_message_and_each_answer_a_line(self) -> None:
        """However the input is cut; the last line may lack its end."""
        link = self.connect("uppercase")
        self.successResultOf(self.talker.opened)
        self.feed(link, b"hel", b"lo\r\nwor", b"ld\n", b"end", b"")
        self.assertEqual(self.heard, ["HELLO", "WORLD", "END"])
        self.assertEqual(self.successResultOf(self.talker.done), 0)
        self.assertEqual((self.complaints, self.clock.getDelayedCalls()), ([], []))

    def test_no_input_is_no_message(self) -> None:
        """The session is opened and closed."""
        link = self.connect("uppercase")
        self.feed(link, b"")
        self.assertEqual((self.heard, self.successResultOf(self.talker.done)), ([], 0))

    def test_the_end_waits_for_answers_that_are_late(self) -> None:
        """A message after the end of the input is written down; then the session is closed."""
        link = self.connect("uppercase")
        Lines(self.talker).feed(b"late\n")
        self.talker.finish()
        self.assertNoResult(self.talker.done)
        link.flush()
        self.assertEqual((self.heard, self.successResultOf(self.talker.done)), (["LATE"], 0))

    def test_the_end_does_not_wait_for_ever(self) -> None:
        """A service need not answer every message."""
        link = self.connect("echo")
        self.talker.say(b"x")
        self.talker.say(b"y")
        link.client.stream.pop()
        self.talker.finish()
        link.flush()
        self.assertNoResult(self.talker.done)
        self.clock.advance(PATIENCE)
        link.flush()
        self.assertEqual((self.heard, self.successResultOf(self.talker.done)), (["x"], 0))

    def test_a_close_by_the_service_ends_it_well_if_it_is_a_normal_one(self) -> None:
        """``bye`` is answered with 1000."""
        link = self.connect("uppercase")
        self.talker.say(b"bye")
        link.flush()
        self.assertEqual((self.heard, self.successResultOf(self.talker.done)), (["BYE"], 0))

    def test_any_other_close_is_told(self) -> None:
        """By its code and reason, and the status is 1."""
        link = self.connect("echo")
        self.sessions.end()
        link.flush()
        self.assertEqual(self.complaints, ["closed: 1001 Service is shutting down"])
        self.assertEqual(self.successResultOf(self.talker.done), 1)

    def test_a_refused_handshake_is_told(self) -> None:
        """With the status that it was refused with."""
        self.connect("echo", credentials="user:wrong")
        self.assertIn("401", self.complaints[0])
        self.assertEqual(self.successResultOf(self.talker.done), 1)

    def test_binary_messages_are_written_as_python_does(self) -> None:
        """They may be anything."""
        self.connect("echo")
        self.talker.onMessage(b"\x00\xff", True)
        self.assertEqual(self.heard, [r"b'\x00\xff'"])
