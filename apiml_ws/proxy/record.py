"""One line of log for every session that ended."""

from __future__ import annotations

from typing import Any, Final

from twisted.logger import Logger

from apiml_ws.core.closing import Close
from apiml_ws.core.interfaces import Clock
from apiml_ws.core.record import SessionRecord

#: Seconds that a line may wait for others.
DELAY: Final = 0.05
#: Characters of what a client asked for that go to the log.
_SHOWN: Final = 200


#: What can be read of a record's fields; filled in at once, since a logger's own way costs more than all the rest.
_LINE: Final = (
    "session %(session)s of %(client)s at %(path)s with %(service)s (%(instance)s) ended: %(cause)s %(detail)s "
    "closed_first=%(closed_first)s client=%(client_received)s/%(client_sent)s "
    "service=%(service_received)s/%(service_sent)s "
    "from_client=%(client_messages)dm,%(client_frames)df,%(client_bytes)dB "
    "from_service=%(service_messages)dm,%(service_frames)df,%(service_bytes)dB duration=%(duration).3f moves=%(moves)d"
)


class LoggingRecorder:
    """Writes what is remembered of a session as fields, with no payload, no query and no header.

    What comes within :data:`DELAY` is written together: a line costs a third of what it does when a logger, a formatter and
    a file have to be brought into the processor's caches for it alone.
    """

    _log = Logger()

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: list[SessionRecord] = []

    def record(self, record: SessionRecord) -> None:
        """Write ``record``, in a moment."""
        if not self._records:
            self._clock.callLater(DELAY, self.flush)
        self._records.append(record)

    def flush(self) -> None:
        """Write all that there is."""
        records, self._records = self._records, []
        for record in records:
            fields = _fields(record)
            self._log.info("{line}", line=_LINE % fields, **fields)


def _fields(record: SessionRecord) -> dict[str, Any]:
    return {
        "session": record.session_id,
        "service_session": record.service_session_id,
        "client": record.client_address,
        "path": record.gateway_uri.partition("?")[0][:_SHOWN],
        "service": record.service_id or "-",
        "instance": record.instance_id or "-",
        "cause": record.cause.value,
        "detail": record.detail or "-",
        "closed_first": record.closed_first.value if record.closed_first else "-",
        "client_received": _code(record.client.received),
        "client_sent": _code(record.client.sent),
        "service_received": _code(record.service.received),
        "service_sent": _code(record.service.sent),
        "client_messages": record.from_client.messages,
        "client_frames": record.from_client.frames,
        "client_bytes": record.from_client.bytes,
        "service_messages": record.from_service.messages,
        "service_frames": record.from_service.frames,
        "service_bytes": record.from_service.bytes,
        "duration": record.duration,
        "moves": record.moves,
    }


def _code(close: Close | None) -> str:
    """The code of a close; 1005 for a frame without one, a dash for no frame."""
    if close is None:
        return "-"
    return str(close.code or 1005)
