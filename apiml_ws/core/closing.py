"""Why a session ends, and what is said about it: cause -> (close code, reason).

Every end of a session has exactly one :class:`Cause`.  :func:`closure` is total over the enumeration and gives
the WebSocket close code and the reason that the peers see, :func:`http_status` the HTTP status when the client has
not been answered yet.  Codes: RFC 6455 section 7.4 and IANA's registry of WebSocket close codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final


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
    """The content of a close frame: ``code`` is None for a frame without a payload (RFC 6455 section 7.1.5: 1005)."""

    code: int | None
    reason: str = ""
