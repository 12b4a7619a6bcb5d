"""Tests of reading the answers of services."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.interfaces import Headers
from apiml_ws.proxy.heads import BODY_LIMIT, BodyReader, Head, HeadError, HeadReader, head_lines

ANSWER = b"HTTP/1.1 401 Not you\r\nA: 1\r\na:\t2 \r\nX-\xff: no\r\n\r\n".replace(b"X-\xff: no\r\n", b"E: \xe9\r\n")


class HeadReaderTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.proxy.heads.HeadReader`."""

    def test_reads_whole_and_with_a_tail(self) -> None:
        """Fields keep order, case and bytes; what follows is kept."""
        reader = HeadReader(1000)
        head = reader.feed(ANSWER + b"tail")
        self.assertEqual(head, Head(401, b"Not you", ((b"A", b"1"), (b"a", b"2"), (b"E", b"\xe9"))))
        self.assertEqual(reader.rest, b"tail")
        self.assertTrue(reader.answered)

    def test_reads_byte_by_byte(self) -> None:
        """However it comes, it is the same."""
        reader = HeadReader(1000)
        heads = [reader.feed(ANSWER[at : at + 1]) for at in range(len(ANSWER))]
        self.assertEqual(heads[-1], HeadReader(1000).feed(ANSWER))
        self.assertEqual(set(heads[:-1]), {None})

    def test_is_answered_by_a_status_line(self) -> None:
        """From the end of the status line it is known that the other end speaks HTTP."""
        reader = HeadReader(1000)
        reader.feed(b"HTTP/1.1 503 x")
        self.assertFalse(reader.answered)
        reader.feed(b"\r\n")
        self.assertTrue(reader.answered)

    def test_reads_over_interim_answers(self) -> None:
        """100 and 103 are not the answer, 101 is."""
        interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        head = HeadReader(1000).feed(interim + b"HTTP/1.1 101\r\n\r\n")
        self.assertEqual(head, Head(101, b"", ()))

    def test_refuses_what_is_not_http(self) -> None:
        """What does not begin as HTTP is known at its first byte, and is no answer."""
        for start in (
            b"S",
            b"SSH-2.0-x\r\n",
            b"HTTX",
            b"\x15\x03\x01",
            b"HTTP/2 200\r\n",
            b"HTTP/1.1 99 x\r\n",
            b"HTTP/1.1\r\n",
        ):
            reader = HeadReader(1000)
            self.assertRaises(HeadError, reader.feed, start)
            self.assertFalse(reader.answered, start)

    def test_refuses_malformed_fields(self) -> None:
        """A name with a space, a fold, a bare line feed and a NUL make a head that cannot be trusted."""
        for line in (b"A : 1", b"A", b": 1", b"A: 1\r\n folded", b"A: 1\nB: 2", b"A: \0", b"A: 1\rB"):
            self.assertRaises(HeadError, HeadReader(1000).feed, b"HTTP/1.1 101 x\r\n" + line + b"\r\n\r\n")

    def test_holds_the_limit(self) -> None:
        """A head of the limit is read, one byte more is too long, whether or not its end came."""
        size = len(ANSWER)
        self.assertIsNotNone(HeadReader(size).feed(ANSWER + b"x" * 100))
        self.assertRaises(HeadError, HeadReader(size - 1).feed, ANSWER)
        endless = HeadReader(100)
        self.assertIsNone(endless.feed(b"HTTP/1.1 101 x\r\nA: ".ljust(100, b"a")))
        self.assertRaises(HeadError, endless.feed, b"a")

    def test_counts_interim_answers_in(self) -> None:
        """Interim answers do not go on for ever."""
        self.assertRaises(HeadError, HeadReader(100).feed, b"HTTP/1.1 100 Continue\r\n\r\n" * 5)

    def test_writes_lines_unchanged(self) -> None:
        """A field is a line of its own, bytes as they are."""
        self.assertEqual(head_lines(((b"a", b"\xe9"), (b"a", b""))), b"a: \xe9\r\na: \r\n")


class BodyReaderTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.proxy.heads.BodyReader`."""

    def _read(self, headers: Headers, *pieces: bytes, status: int = 403) -> tuple[list[bool], bytes]:
        reader = BodyReader(Head(status, b"", headers))
        return [reader.feed(piece) for piece in pieces], reader.body

    def test_reads_a_known_length(self) -> None:
        """What is behind it is not body."""
        self.assertEqual(
            self._read(((b"Content-Length", b"5"),), b"", b"ab", b"cdefg"), ([False, False, True], b"abcde")
        )

    def test_reads_nothing_where_there_is_nothing(self) -> None:
        """Length 0, 204 and 304 have no body."""
        self.assertEqual(self._read(((b"content-length", b"0"),), b""), ([True], b""))
        for status in (204, 304):
            self.assertEqual(self._read((), b"x", status=status), ([True], b""))

    def test_reads_until_the_end_otherwise(self) -> None:
        """Without a usable length it is never complete before the connection ends."""
        for headers in ((), ((b"Content-Length", b"x"),), ((b"Content-Length", b"1"), (b"Content-Length", b"2"))):
            self.assertEqual(self._read(headers, b"abc", b"d"), ([False, False], b"abcd"))

    def test_cuts_at_the_limit(self) -> None:
        """More than 64 KiB is not wanted."""
        for headers in ((), ((b"Content-Length", b"1000000"),)):
            self.assertEqual(self._read(headers, b"x" * BODY_LIMIT + b"y"), ([True], b"x" * BODY_LIMIT))

    def test_takes_the_chunks_off(self) -> None:
        """Whole, byte by byte, with extensions and trailers."""
        chunked: Headers = ((b"Transfer-Encoding", b"chunked"),)
        stream = b"3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nT: x\r\n\r\n"
        self.assertEqual(self._read(chunked, stream), ([True], b"abc0123456789"))
        reader = BodyReader(Head(403, b"", chunked))
        ends = [at for at in range(len(stream)) if reader.feed(stream[at : at + 1])]
        self.assertEqual((ends[0], reader.body), (stream.index(b"0\r\nT") + 2, b"abc0123456789"))

    def test_ends_at_a_broken_chunk(self) -> None:
        """What came before it is the body."""
        chunked: Headers = ((b"Transfer-Encoding", b"chunked"),)
        self.assertEqual(self._read(chunked, b"3\r\nabc\r\nzz\r\n"), ([True], b"abc"))
        self.assertEqual(self._read(chunked, b"x" * 257), ([True], b""))
        self.assertEqual(self._read(chunked, b"ffffff\r\n" + b"x" * 70000), ([True], b"x" * BODY_LIMIT))
