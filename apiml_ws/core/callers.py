"""Who asks for a session, as far as the choice of an instance goes.

    caller(headers: Headers) -> Caller

Nobody is authenticated here: passwords and signatures are the service's to check.  A name that is not true takes its own
session to another instance of the same service, no more.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from apiml_ws.core.headers import values
from apiml_ws.core.interfaces import Headers
from apiml_ws.core.registry import Instance

#: Bytes; what is longer is not read.
_LONGEST_CREDENTIALS: Final = 16384
#: Characters; whoever has a longer name is nobody, since names are remembered.
_LONGEST_NAME: Final = 256
#: The cookie that holds the token of Zowe's API ML.
_COOKIE: Final = b"apimlAuthenticationToken"


@dataclass(frozen=True, slots=True)
class Caller:
    """A client as its handshake describes it: ``user`` in lower case, empty when it names none, and never to be logged.

    ``instance_id``: the one that its ``X-InstanceId`` asks for, in lower case; empty when it asks for none.
    """

    user: str = field(default="", repr=False)
    instance_id: str = ""

    def accepts(self, instance: Instance) -> bool:
        """Whether ``instance`` is the one that was asked for, if any was."""
        return self.instance_id in ("", instance.instance_id.lower())


#: A client that says nothing of itself.
NOBODY: Final = Caller()


def caller(headers: Headers) -> Caller:
    """The client of a handshake: its user is the first that Authorization (Basic, Bearer) or else the token's cookie names.

    User ids of z/OS have no case; elsewhere, users who differ in it share an instance.
    """
    wanted = b"".join(values(headers, b"x-instanceid")[:1])
    user = next(filter(None, _users(headers)), "")
    return Caller(user, wanted.decode("latin-1").lower()) if user or wanted else NOBODY


def _users(headers: Headers) -> Iterator[str]:
    for value in values(headers, b"authorization"):
        scheme, _, credentials = value.partition(b" ")
        yield _named(_BY_SCHEME.get(scheme.lower(), _unread), credentials.strip())
    for value in values(headers, b"cookie"):
        for pair in value.split(b";"):
            name, _, token = pair.strip().partition(b"=")
            if name == _COOKIE:
                yield _named(_subject, token)


def _named(read: Callable[[bytes], str], credentials: bytes) -> str:
    """The name in ``credentials``; empty when they are garbage or too long."""
    if len(credentials) > _LONGEST_CREDENTIALS:
        return ""
    try:
        name = read(credentials).strip().lower()
    except (ValueError, RecursionError):  # the latter by JSON of many brackets
        return ""
    return name if len(name) <= _LONGEST_NAME else ""


def _basic_user(credentials: bytes) -> str:
    """RFC 7617 section 2; which charset it is, nobody says."""
    user, colon, _ = b64decode(credentials, validate=True).partition(b":")
    return user.decode("utf-8", "surrogateescape") if colon else ""


def _subject(token: bytes) -> str:
    """The claim ``sub`` of a signed JWT (RFC 7519 section 4.1.2, RFC 7515 section 7.1); a cookie's may be in quotes."""
    _, payload, _ = token.split(b".")
    claims = json.loads(b64decode(payload + b"=" * (-len(payload) % 4), b"-_", validate=True))
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else ""


def _unread(_: bytes) -> str:
    """Of a scheme that is not known."""
    return ""


_BY_SCHEME: Final = {b"basic": _basic_user, b"bearer": _subject}
