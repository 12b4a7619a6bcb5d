"""Tests of the reader of plain requests."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.headers import values
from apiml_ws.proxy.plain_request import plain_request
from tests.proxy.doubles_handshake import FIELDS, handshake, request

LINE = b"GET /a/ws/v1/b HTTP/1.1\r\n"


class PlainRequestTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.proxy.plain_request.plain_request`."""

    def test_takes_a_handshake(self) -> None:
        """Target and fields, as they stand; the fields are found by their names."""
        more = ((b"x-A", b"\xe9 \t1"), (b"X-a", b""), (b"Cookie", b"a: b; c"))
        plain = plain_request(handshake(b"/a/ws/v1/b?c=%20;d", *more))
        self.assertEqual(plain, (b"/a/ws/v1/b?c=%20;d", (*FIELDS, *more)))
        assert plain is not None
        self.assertEqual(values(plain[1], b"x-a"), [b"\xe9 \t1", b""])

    def test_strips_values(self) -> None:
        """White space around a value does not belong to it (RFC 9112 section 5)."""
        self.assertEqual(
            plain_request(LINE + b"Host: \t a \t\r\nB:b\r\n\r\n"), (b"/a/ws/v1/b", ((b"Host", b"a"), (b"B", b"b")))
        )

    def test_takes_nothing_odd(self) -> None:
        """Whatever is wrong, unusual or not whole is for somebody else to judge."""
        right = handshake(b"/a/ws/v1/b")
        host = b"Host: a\r\n"
        for data in (
            b"",
            b"\r\n\r\n",
            b"\x16\x03\x01\x02\0\x01",
            *(right[:size] for size in range(len(right))),
            right + b"\x81",
            right + right,
            b"\r\n" + right,
            LINE + host + b"\r\nX: y\r\n\r\n",
            LINE + b"\r\n\r\n",
            request(b"/a/ws/v1/b", FIELDS, b"POST"),
            request(b"/a/ws/v1/b", FIELDS, b"get"),
            request(b"/a/ws/v1/b", FIELDS, version=b"HTTP/1.0"),
            request(b"/a/ws/v1/b", FIELDS, version=b"HTTP/1.1 "),
            request(b"/a/ws/v1/b", FIELDS, version=b"HTTP/2.0"),
            *(handshake(b"/a/ws/v1/" + odd) for odd in (b"b c", b"\xe9", b"\x7f", b"\x00", b"\t", b"\x01")),
            *(handshake(target) for target in (b"", b"a", b"*", b"http://gateway/a/ws/v1/b")),
            b"GET  /a HTTP/1.1\r\n" + host + b"\r\n",
            b"GET\t/a HTTP/1.1\r\n" + host + b"\r\n",
            LINE + b"Host : a\r\n\r\n",
            LINE + b" Host: a\r\n\r\n",
            LINE + host + b" folded: x\r\n\r\n",
            LINE + host + b"\tfolded\r\n\r\n",
            LINE + b"Host\r\n\r\n",
            LINE + b": a\r\n\r\n",
            LINE + host + b"no colon\r\n\r\n",
            LINE + host + b"(X): a\r\n\r\n",
            LINE + host + b"X\xe9: a\r\n\r\n",
            *(
                LINE + host + b"X: a" + odd + b"b\r\n\r\n"
                for odd in (b"\0", b"\n", b"\r", b"\n\r", b"\r\r\n", b"\x7f", b"\x0b", b"\x1b")
            ),
            right[:-2] + b"\n\n",
            right.replace(b"\r\n", b"\n"),
            right.replace(b"\r\n", b"\n\r"),
            *(
                handshake(b"/a", field)
                for field in ((b"Content-Length", b"0"), (b"TRANSFER-ENCODING", b"x"), (b"Expect", b"x"))
            ),
            handshake(b"/a", *((b"X%d" % at, b"") for at in range(100))),
        ):
            self.assertIsNone(plain_request(data), data)

    def test_is_quick_about_garbage(self) -> None:
        """What is long and wrong is not looked at more often than what is right."""
        for piece in (b" ", b"\t", b"a", b":", b"\r\n", b"a: \r\n", b"\r\r", b"\n\n"):
            self.assertIsNone(plain_request(LINE + piece * (60000 // len(piece))))
