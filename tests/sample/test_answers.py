"""What the sample service says, to the letter of the reference system's tests."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.sample.answers import Answer, Message, echo, header, uppercase


class AnswerTests(SynchronousTestCase):
    """Each path's answers."""

    def test_uppercase_shouts(self) -> None:
        """Text of any script."""
        self.assertEqual(uppercase(Message(b"hello world!")), Answer(b"HELLO WORLD!"))
        self.assertEqual(uppercase(Message("stra\u00dfe".encode())), Answer(b"STRASSE"))

    def test_uppercase_leaves_binary_binary(self) -> None:
        """Though it is no text."""
        self.assertEqual(uppercase(Message(b"a\xff", binary=True)), Answer(b"A\xff", binary=True))

    def test_uppercase_ends_with_bye(self) -> None:
        """After it was answered, whatever its case."""
        self.assertEqual(uppercase(Message(b"Bye")), Answer(b"BYE", last=True))

    def test_header_is_spelled_as_spring_does(self) -> None:
        """Names in lower case, values quoted, several values of a name kept apart."""
        self.assertEqual(header(Message(b"x", fields=[(b"Header", [b"TEXT"])])), Answer(b'[header:"TEXT"]'))
        several = [(b"X-Test", [b"a", b"b"]), (b"Cookie", [b"c=d"])]
        self.assertEqual(header(Message(b"x", fields=several)), Answer(b'[x-test:"a", "b", cookie:"c=d"]'))

    def test_header_ends_with_bye(self) -> None:
        """It says the header once more, not ``bye``."""
        self.assertEqual(header(Message(b"bye")), Answer(b"[]", last=True))

    def test_echo_says_the_same(self) -> None:
        """Text or binary, ``bye`` too."""
        self.assertEqual(echo(Message(b"bye")), Answer(b"bye"))
        self.assertEqual(echo(Message(b"\xff", binary=True)), Answer(b"\xff", binary=True))
