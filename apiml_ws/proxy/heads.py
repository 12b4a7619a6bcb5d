"""Heads of HTTP messages as bytes: written unchanged, and a service's answer read (RFC 9112 sections 4, 5 and 7).

Twisted and Autobahn both fold names and values of a head into dictionaries; a gateway has to pass them as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from apiml_ws.core.headers import values
from apiml_ws.core.interfaces import Headers

_START: Final = b"HTTP/"
_END: Final = b"\r\n\r\n"
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: ([^\r\n]*))?")
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*?)[ \t]*")
_CHUNK: Final = re.compile(rb"[0-9A-Fa-f]{1,8}")
#: Longest line that says how long a chunk is, its extensions included.
_CHUNK_LINE: Final = 256
#: Bytes of a service's own body that are passed on.
BODY_LIMIT: Final = 65536
#: The status of an answer that agrees to another protocol.
SWITCHING: Final = 101


class HeadError(Exception):
    """What came is no head of HTTP."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer."""

    status: int
    reason: bytes
    headers: Headers
    minor: int = 1


def head_lines(headers: Headers) -> bytes:
    """``headers`` as the lines of a head, bytes unchanged."""
    return b"".join([b"%s: %s\r\n" % field for field in headers])


class HeadReader:
    """Gathers the head of an answer of at most ``limit`` bytes; interim ones (1xx but 101) are read over.

    ``answered`` says whether the other end is known to speak HTTP: a whole status line came.  ``rest`` is what came
    behind the head.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.rest = b""
        self.answered = False

    def feed(self, data: bytes) -> Head | None:
        """The head, once it is there.

        :raises HeadError: it is malformed or too long.
        """
        self.rest += data
        while True:
            end = self.rest.find(_END, 0, self._limit)
            self._look_at_start(self.rest)
            if end < 0:
                return None
            text, self.rest = self.rest[:end], self.rest[end + len(_END) :]
            self._limit -= end + len(_END)
            head = _parsed(text)
            if head.status >= 200 or head.status == SWITCHING:
                return head

    def _look_at_start(self, data: bytes) -> None:
        if not data.startswith(_START[: len(data)]):
            raise HeadError("not HTTP")
        line, end, _ = data.partition(b"\r\n")
        if end and _STATUS.fullmatch(line):
            self.answered = True
        elif end:
            raise HeadError("malformed status line")
        if len(data) > self._limit and _END not in data[: self._limit]:
            raise HeadError("head is too long")


def _parsed(text: bytes) -> Head:
    start, *lines = text.split(b"\r\n")
    status = _STATUS.fullmatch(start)
    fields = [_FIELD.fullmatch(line) for line in lines]
    if status is None or None in fields:
        raise HeadError("malformed field")
    headers = tuple((field[1], field[2]) for field in fields if field is not None)
    return Head(int(status[2]), status[3] or b"", headers, int(status[1]))


class BodyReader:
    """Gathers the body of an answer, :data:`BODY_LIMIT` bytes at most, the chunked coding taken off."""

    def __init__(self, head: Head) -> None:
        self.body = b""
        self._raw = b""
        self._chunked = b"chunked" in [value.lower() for value in values(head.headers, b"transfer-encoding")]
        self._length = BODY_LIMIT if self._chunked else min(_length(head), BODY_LIMIT)
        self._left = 0

    def feed(self, data: bytes) -> bool:
        """Take ``data``; True when nothing more is wanted."""
        if self._chunked:
            self._raw += data
            ended = self._unchunk()
        else:
            self.body += data
            ended = False
        self.body = self.body[: self._length]
        return ended or len(self.body) >= self._length

    def _unchunk(self) -> bool:
        """Move whole chunks from raw to body; True at the last chunk, or at something that is none."""
        while self._raw and len(self.body) < BODY_LIMIT:
            if self._left:
                self._move()
                continue
            line, end, rest = self._raw.partition(b"\r\n")
            if not end:
                return len(line) > _CHUNK_LINE
            size = _CHUNK.match(line)
            if size is None or int(size[0], 16) == 0:
                return True
            self._left, self._raw = int(size[0], 16) + 2, rest
        return False

    def _move(self) -> None:
        """Take of the chunk, and of the line end behind it, what is there."""
        piece, self._raw = self._raw[: self._left], self._raw[self._left :]
        self.body += piece[: max(self._left - 2, 0)]
        self._left -= len(piece)


def _length(head: Head) -> int:
    """How long the body is; until the end of the connection when nothing says so."""
    if head.status in (204, 304):
        return 0
    lengths = values(head.headers, b"content-length")
    return int(lengths[0]) if len(set(lengths)) == 1 and lengths[0].isdigit() else BODY_LIMIT
