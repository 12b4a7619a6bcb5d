"""Why a session ends, and what is said about it: cause -> (close code, reason).

Every end of a session has exactly one :class:`Cause`.  Three functions are total over the enumeration:
:func:`closure` gives the close code and the reason that the client sees, :func:`service_closure` those for the service,
:func:`http_status` the status of the answer when the client has not been answered yet.  Codes: RFC 6455 section 7.4 and
IANA's registry of WebSocket close codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from http import HTTPStatus
from typing import Final, NamedTuple


class CloseCode(IntEnum):
    """The close codes that have a name here; applications use 3000 to 4999 as they like."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS = 1005
    ABNORMAL = 1006
    INVALID_PAYLOAD = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_FAILURE = 1015


#: The codes of the protocol that a close frame may carry: RFC 6455 section 7.4.1, and 1012 to 1014 of IANA's registry.
_WIRE_CODES: Final = frozenset(range(1000, 1004)) | frozenset(range(1007, 1015))


#: Bytes that a close frame has room for after its code (RFC 6455 section 5.5).
REASON_LIMIT: Final = 123


class Cause(Enum):
    """Why a session ended, or was never opened.  The value is the stable word for logs and metrics."""

    INVALID_PATH = "invalid-path"
    UNKNOWN_SERVICE = "unknown-service"
    UNKNOWN_ROUTE = "unknown-route"
    NO_INSTANCE = "no-instance"
    BAD_CREDENTIALS = "bad-credentials"
    SERVICE_ERROR = "service-error"
    SERVICE_REFUSED = "service-refused"
    SERVICE_UNREACHABLE = "service-unreachable"
    SERVICE_TIMEOUT = "service-timeout"
    CLIENT_CLOSED = "client-closed"
    SERVICE_CLOSED = "service-closed"
    CLIENT_LOST = "client-lost"
    SERVICE_LOST = "service-lost"
    NOT_MOVED = "not-moved"
    STOPPING = "stopping"
    TAKEN_OFF = "taken-off"
    IDLE = "idle"
    CLIENT_BROKE_PROTOCOL = "client-broke-protocol"
    SERVICE_BROKE_PROTOCOL = "service-broke-protocol"
    CLIENT_OVER_LIMIT = "client-over-limit"
    SERVICE_OVER_LIMIT = "service-over-limit"
    CLIENT_STALLED = "client-stalled"
    SERVICE_STALLED = "service-stalled"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Close:
    """The content of a close frame: ``code`` is None for a frame without a payload (RFC 6455 section 7.1.5: 1005).

    :raises ValueError: ``code`` is not allowed on the wire (RFC 6455 section 7.4: 1004, 1005, 1006, 1015, what nobody
        assigned, what is below 1000 or above 4999).
    """

    code: int | None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.code is not None and self.code not in _WIRE_CODES and not 3000 <= self.code <= 4999:
            raise ValueError(f"close code {self.code} is not allowed")

    def payload(self) -> bytes:
        """What the frame carries; a reason beyond :data:`REASON_LIMIT` bytes is cut on a character's edge."""
        if self.code is None:
            return b""
        return self.code.to_bytes(2, "big") + shortened(self.reason).encode("utf-8", "replace")

    @classmethod
    def parse(cls, payload: bytes) -> Close:
        """Read what a frame carries (RFC 6455 section 5.5.1).

        :raises ValueError: a single byte, or a code that is not allowed on the wire.
        :raises UnicodeDecodeError: (a ValueError too) a reason that is not UTF-8, which is 1007's business.
        """
        if not payload:
            return cls(None)
        if len(payload) == 1:
            raise ValueError("close frame with one byte")
        return cls(int.from_bytes(payload[:2], "big"), payload[2:].decode())


def shortened(text: str, limit: int = REASON_LIMIT) -> str:
    """As much of ``text`` as ``limit`` bytes of UTF-8 have room for, cut on a character's edge."""
    return text.encode("utf-8", "replace")[: max(limit, 0)].decode("utf-8", "ignore")


class _Row(NamedTuple):
    """What one cause means for a client that is open, for a service that is open, for a client that is not answered."""

    code: int | None
    reason: str
    service_code: int | None
    service_reason: str
    status: HTTPStatus


_DIAL: Final = "Error opening session to WebSocket service at %s: "
_SERVICE_LOST: Final = "Connection to the service was lost"
_CLIENT_LOST: Final = "Client connection was lost"
_CLOSED: Final = "Session was closed"

#: ``%s`` is the subject; a reason that ends in a colon and a space, or is empty, is followed by the detail.
_ROWS: Final = {
    Cause.INVALID_PATH: _Row(1003, "Invalid URL format", 1001, _CLOSED, HTTPStatus.NOT_FOUND),
    Cause.UNKNOWN_SERVICE: _Row(
        1003, "Requested service %s is not known by the gateway", 1001, _CLOSED, HTTPStatus.NOT_FOUND
    ),
    Cause.UNKNOWN_ROUTE: _Row(
        1003, "Requested ws/%s url is not known by the gateway", 1001, _CLOSED, HTTPStatus.NOT_FOUND
    ),
    Cause.NO_INSTANCE: _Row(
        1012,
        "Requested service %s does not have available instance",
        1001,
        _CLOSED,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
    Cause.BAD_CREDENTIALS: _Row(1003, "Invalid login credentials", 1001, _CLOSED, HTTPStatus.UNAUTHORIZED),
    Cause.SERVICE_ERROR: _Row(1011, _DIAL, 1001, _CLOSED, HTTPStatus.BAD_GATEWAY),
    Cause.SERVICE_REFUSED: _Row(1003, _DIAL, 1001, _CLOSED, HTTPStatus.BAD_GATEWAY),
    Cause.SERVICE_UNREACHABLE: _Row(1003, _DIAL, 1001, _CLOSED, HTTPStatus.BAD_GATEWAY),
    Cause.SERVICE_TIMEOUT: _Row(1003, _DIAL, 1001, _CLOSED, HTTPStatus.GATEWAY_TIMEOUT),
    Cause.CLIENT_CLOSED: _Row(None, "", None, "", HTTPStatus.BAD_REQUEST),
    Cause.SERVICE_CLOSED: _Row(None, "", None, "", HTTPStatus.BAD_GATEWAY),
    Cause.CLIENT_LOST: _Row(1001, _CLIENT_LOST, 1001, _CLIENT_LOST, HTTPStatus.BAD_REQUEST),
    Cause.SERVICE_LOST: _Row(1011, _SERVICE_LOST, 1001, _CLOSED, HTTPStatus.BAD_GATEWAY),
    Cause.NOT_MOVED: _Row(1012, "Session could not be moved", 1001, _CLOSED, HTTPStatus.BAD_GATEWAY),
    Cause.STOPPING: _Row(
        1001, "Gateway is shutting down", 1001, "Gateway is shutting down", HTTPStatus.SERVICE_UNAVAILABLE
    ),
    Cause.TAKEN_OFF: _Row(1012, "Instance was taken off", 1001, _CLOSED, HTTPStatus.SERVICE_UNAVAILABLE),
    Cause.IDLE: _Row(1000, "Idle timeout", 1000, "Idle timeout", HTTPStatus.REQUEST_TIMEOUT),
    Cause.CLIENT_BROKE_PROTOCOL: _Row(1002, "", 1001, _CLIENT_LOST, HTTPStatus.BAD_REQUEST),
    Cause.SERVICE_BROKE_PROTOCOL: _Row(1011, _SERVICE_LOST, 1002, "", HTTPStatus.BAD_GATEWAY),
    Cause.CLIENT_OVER_LIMIT: _Row(1009, "", 1001, _CLIENT_LOST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    Cause.SERVICE_OVER_LIMIT: _Row(1011, _SERVICE_LOST, 1009, "", HTTPStatus.BAD_GATEWAY),
    Cause.CLIENT_STALLED: _Row(
        1001, "Client is not reading", 1001, "Client is not reading", HTTPStatus.REQUEST_TIMEOUT
    ),
    Cause.SERVICE_STALLED: _Row(
        1013, "Service is not reading", 1001, "Service is not reading", HTTPStatus.GATEWAY_TIMEOUT
    ),
    Cause.INTERNAL: _Row(1011, "Internal error", 1011, "Internal error", HTTPStatus.INTERNAL_SERVER_ERROR),
}


#: What a service is told whose session goes on at another instance.
MOVED: Final = Close(CloseCode.GOING_AWAY, "Session moved")


def closure(cause: Cause, subject: str = "", detail: str = "") -> Close:
    """What the client is told.  ``subject`` is the service, its URL or the route; ``detail`` says which of several.

    What is too long is cut from the subject, so that the words around it stay.  For a close that one peer asked for the
    answer is an empty one: what passes is what the peer said, and this is for want of it.
    """
    row = _ROWS[cause]
    return Close(row.code, _worded(row.reason, subject, detail))


def service_closure(cause: Cause, detail: str = "") -> Close:
    """What the service is told; for causes that are met before there is one, a plain end."""
    row = _ROWS[cause]
    return Close(row.service_code, _worded(row.service_reason, "", detail))


def http_status(cause: Cause) -> int:
    """The status for a client whose handshake is not answered yet; a service's own HTTP answer goes before it."""
    return _ROWS[cause].status


def _worded(template: str, subject: str, detail: str) -> str:
    before, slot, after = template.partition("%s")
    if not before or after.endswith(": "):
        after += detail
    room = REASON_LIMIT - len((before + after).encode("utf-8", "replace"))
    return shortened(before + (shortened(subject, room) if slot else "") + after)
