"""The line of log of an ended session."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.closing import Cause, Close
from apiml_ws.core.interfaces import Counters, Side
from apiml_ws.core.record import Exchange, SessionRecord
from apiml_ws.proxy.record import DELAY, LoggingRecorder

RECORD = SessionRecord(
    session_id="s-1",
    service_session_id="t-1",
    client_address="/127.0.0.1:51234",
    gateway_uri="wss://localhost:10010/sample/ws/v1/chat?token=secret",
    service_id="sample",
    instance_id="host:sample:1",
    cause=Cause.CLIENT_CLOSED,
    detail="",
    closed_first=Side.CLIENT,
    client=Exchange(sent=Close(4001, "private"), received=Close(None)),
    service=Exchange(sent=Close(None), received=Close(4001, "private")),
    from_client=Counters(1, 2, 3),
    from_service=Counters(4, 5, 6),
    duration=1.23456,
    moves=1,
)


class LoggingRecorderTests(SynchronousTestCase):
    """One line for each session."""

    def logged(self, record: SessionRecord) -> dict[str, object]:
        recorder = LoggingRecorder(Clock())
        recorder.record(record)
        with capturedLogs() as events:
            recorder.flush()
        [event] = events
        self.assertIs(event["log_level"], LogLevel.info)
        self.line = formatEvent(event)
        return dict(event)

    def test_together(self) -> None:
        """What comes within a moment is written at its end, in order, or when all has to be written."""
        clock = Clock()
        recorder = LoggingRecorder(clock)
        with capturedLogs() as events:
            for name in "ab":
                recorder.record(replace(RECORD, session_id=name))
                clock.advance(DELAY * 0.4)
            self.assertEqual(events, [])
            clock.advance(DELAY * 0.2)
            self.assertEqual([event["session"] for event in events], ["a", "b"])
            recorder.record(RECORD)
            recorder.flush()
            self.assertEqual(len(events), 3)
            clock.advance(DELAY)
        self.assertEqual((len(events), clock.getDelayedCalls()), (3, []))

    def test_fields(self) -> None:
        """Cause, who closed first, the codes of both ends, counts, duration and moves."""
        event = self.logged(RECORD)
        expected = {
            "session": "s-1",
            "service_session": "t-1",
            "client": "/127.0.0.1:51234",
            "path": "wss://localhost:10010/sample/ws/v1/chat",
            "service": "sample",
            "instance": "host:sample:1",
            "cause": "client-closed",
            "detail": "-",
            "closed_first": "client",
            "client_received": "1005",
            "client_sent": "4001",
            "service_received": "4001",
            "service_sent": "1005",
            "client_frames": 1,
            "client_messages": 2,
            "client_bytes": 3,
            "service_frames": 4,
            "service_messages": 5,
            "service_bytes": 6,
            "duration": 1.23456,
            "moves": 1,
        }
        self.assertEqual({name: event[name] for name in expected}, expected)

    def test_line(self) -> None:
        """The line can be read by itself."""
        self.logged(RECORD)
        self.assertEqual(
            self.line,
            "session s-1 of /127.0.0.1:51234 at wss://localhost:10010/sample/ws/v1/chat with sample (host:sample:1) ended: "
            "client-closed - closed_first=client client=1005/4001 service=4001/1005 "
            "from_client=2m,1f,3B from_service=5m,4f,6B duration=1.235 moves=1",
        )

    def test_no_secrets(self) -> None:
        """Neither a query nor a peer's reason is written."""
        event = self.logged(RECORD)
        self.assertFalse([value for value in event.values() if "secret" in str(value) or "private" in str(value)])

    def test_long_paths_are_cut(self) -> None:
        """A client must not fill the log with one request."""
        event = self.logged(replace(RECORD, gateway_uri="wss://x/" + "y" * 40000))
        self.assertEqual(len(str(event["path"])), 200)

    def test_never_opened(self) -> None:
        """What a session never had is a dash."""
        event = self.logged(
            replace(
                RECORD,
                service_id="",
                instance_id="",
                cause=Cause.INVALID_PATH,
                closed_first=None,
                client=Exchange(sent=Close(1003)),
                service=Exchange(),
            )
        )
        self.assertEqual(
            [event[name] for name in ("service", "instance", "closed_first", "client_received", "service_sent")],
            ["-"] * 5,
        )
