"""One line of log for every session that ended."""

from __future__ import annotations

from typing import Final

from twisted.logger import Logger

from apiml_ws.core.closing import Close
from apiml_ws.core.record import SessionRecord

#: Characters of what a client asked for that go to the log.
_SHOWN: Final = 200


class LoggingRecorder:
    """Writes what is remembered of a session as fields, with no payload, no query and no header."""

    _log = Logger()

    def record(self, record: SessionRecord) -> None:
        """Write ``record``."""
        self._log.info(
            "session {session} of {client} at {path} with {service} ({instance}) ended: {cause} {detail} "
            "closed_first={closed_first} client={client_received}/{client_sent} service={service_received}/{service_sent} "
            "from_client={client_messages}m,{client_frames}f,{client_bytes}B "
            "from_service={service_messages}m,{service_frames}f,{service_bytes}B duration={duration:.3f} moves={moves}",
            session=record.session_id,
            service_session=record.service_session_id,
            client=record.client_address,
            path=record.gateway_uri.partition("?")[0][:_SHOWN],
            service=record.service_id or "-",
            instance=record.instance_id or "-",
            cause=record.cause.value,
            detail=record.detail or "-",
            closed_first=record.closed_first.value if record.closed_first else "-",
            client_received=_code(record.client.received),
            client_sent=_code(record.client.sent),
            service_received=_code(record.service.received),
            service_sent=_code(record.service.sent),
            client_messages=record.from_client.messages,
            client_frames=record.from_client.frames,
            client_bytes=record.from_client.bytes,
            service_messages=record.from_service.messages,
            service_frames=record.from_service.frames,
            service_bytes=record.from_service.bytes,
            duration=record.duration,
            moves=record.moves,
        )


def _code(close: Close | None) -> str:
    """The code of a close; 1005 for a frame without one, a dash for no frame."""
    if close is None:
        return "-"
    return str(close.code or 1005)
