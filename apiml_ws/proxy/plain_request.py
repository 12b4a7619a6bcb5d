"""Requests that are plainly well-formed, read without an HTTP server.

Most handshakes come in one piece and have nothing odd about them.  What :func:`plain_request` takes is a subset of what
the HTTP server takes, decided by a few looks at all of it; whatever it does not take may still be right.
"""

from __future__ import annotations

import re
from typing import Final

from apiml_ws.core.headers import Fields
from apiml_ws.core.interfaces import Headers

#: What may stand in a head but for the ends of its lines: visible characters, space and tab, and any byte above ASCII.
_USUAL: Final = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
_LINE_END: Final = b"\r\n"
_START: Final = re.compile(rb"GET (/[\x21-\x7e]*) HTTP/1\.1")
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
#: Fields that make a request with a body, or one that is to be answered twice.
_UNUSUAL: Final = frozenset((b"content-length", b"transfer-encoding", b"expect"))
#: Lines; who has more has to be counted more exactly.
_LINES: Final = 100


def plain_request(data: bytes) -> tuple[bytes, Headers] | None:
    """Target and fields of a GET in HTTP/1.1 with a path as its target and no body, and nothing behind it; else None."""
    ends = data.translate(None, _USUAL)
    count = len(ends) >> 1
    if not 2 < count < _LINES or ends != _LINE_END * count:
        return None
    start, *lines = data.split(_LINE_END)
    target = _START.fullmatch(start)
    if target is None or lines[-2:] != [b"", b""]:
        return None
    fields = _fields(lines[:-2])
    return None if fields is None else (target[1], fields)


def _fields(lines: list[bytes]) -> Headers | None:
    """The fields as they stand; None if one of them is not plain.  A line that begins with a space has no name."""
    found = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or _TOKEN.fullmatch(name) is None:
            return None
        found.append((name, value.strip(b" \t")))
    fields = Fields(found)
    return None if _UNUSUAL & fields.named.keys() else fields
