"""What a close frame may say, and what each cause says."""

from __future__ import annotations

from typing import Final

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.closing import Cause, Close, closure, http_status, service_closure, shortened

URL: Final = "wss://host.example:10012/discoverableclient/ws/uppercase"
DIAL: Final = f"Error opening session to WebSocket service at {URL}: "
LOST: Final = Close(1011, "Connection to the service was lost")
GONE: Final = Close(1001, "Client connection was lost")

#: The contract's table: cause, subject, detail, what the client is told.
CLIENT_ROWS: Final = [
    (Cause.INVALID_PATH, "", "", Close(1003, "Invalid URL format")),
    (Cause.UNKNOWN_SERVICE, "x", "", Close(1003, "Requested service x is not known by the gateway")),
    (Cause.UNKNOWN_ROUTE, "v1", "", Close(1003, "Requested ws/v1 url is not known by the gateway")),
    (Cause.NO_INSTANCE, "x", "", Close(1012, "Requested service x does not have available instance")),
    (Cause.BAD_CREDENTIALS, URL, "HTTP 401", Close(1003, "Invalid login credentials")),
    (Cause.SERVICE_ERROR, URL, "HTTP 503", Close(1011, DIAL + "HTTP 503")),
    (Cause.SERVICE_REFUSED, URL, "HTTP 404", Close(1003, DIAL + "HTTP 404")),
    (Cause.SERVICE_UNREACHABLE, URL, "TLS failure", Close(1003, DIAL + "TLS failure")),
    (Cause.SERVICE_TIMEOUT, URL, "timeout", Close(1003, DIAL + "timeout")),
    (Cause.SERVICE_LOST, "", "", LOST),
    (Cause.NOT_MOVED, "", "", Close(1012, "Session could not be moved")),
    (Cause.STOPPING, "", "", Close(1001, "Gateway is shutting down")),
    (Cause.TAKEN_OFF, "", "", Close(1012, "Instance was taken off")),
    (Cause.IDLE, "", "", Close(1000, "Idle timeout")),
    (Cause.CLIENT_BROKE_PROTOCOL, "", "reserved opcode", Close(1002, "reserved opcode")),
    (Cause.SERVICE_BROKE_PROTOCOL, "", "reserved opcode", LOST),
    (Cause.CLIENT_OVER_LIMIT, "", "message too big", Close(1009, "message too big")),
    (Cause.SERVICE_OVER_LIMIT, "", "message too big", LOST),
    (Cause.SERVICE_STALLED, "", "", Close(1013, "Service is not reading")),
]

#: The same for the service.
SERVICE_ROWS: Final = [
    (Cause.CLIENT_LOST, "", GONE),
    (Cause.STOPPING, "", Close(1001, "Gateway is shutting down")),
    (Cause.TAKEN_OFF, "", Close(1001, "Session was closed")),
    (Cause.IDLE, "", Close(1000, "Idle timeout")),
    (Cause.CLIENT_BROKE_PROTOCOL, "reserved opcode", GONE),
    (Cause.SERVICE_BROKE_PROTOCOL, "reserved opcode", Close(1002, "reserved opcode")),
    (Cause.CLIENT_OVER_LIMIT, "message too big", GONE),
    (Cause.SERVICE_OVER_LIMIT, "message too big", Close(1009, "message too big")),
    (Cause.CLIENT_STALLED, "", Close(1001, "Client is not reading")),
]

STATUSES: Final = [
    (Cause.INVALID_PATH, 404),
    (Cause.UNKNOWN_SERVICE, 404),
    (Cause.UNKNOWN_ROUTE, 404),
    (Cause.NO_INSTANCE, 503),
    (Cause.SERVICE_UNREACHABLE, 502),
    (Cause.SERVICE_TIMEOUT, 504),
    (Cause.STOPPING, 503),
]


class CauseTests(SynchronousTestCase):
    """From a cause to codes and words."""

    def test_client_rows(self) -> None:
        """The client is told what the contract's table says, row by row."""
        for cause, subject, detail, close in CLIENT_ROWS:
            self.assertEqual(closure(cause, subject, detail), close, cause)

    def test_service_rows(self) -> None:
        """The service is told what the contract's table says, row by row."""
        for cause, detail, close in SERVICE_ROWS:
            self.assertEqual(service_closure(cause, detail), close, cause)

    def test_statuses(self) -> None:
        """A client that is not answered yet gets the contract's HTTP status."""
        for cause, status in STATUSES:
            self.assertEqual(http_status(cause), status, cause)

    def test_total(self) -> None:
        """Every cause has a close for either end that fits into a frame, and an HTTP status of an error."""
        for cause in Cause:
            for close in (closure(cause, "s" * 200, "d" * 200), service_closure(cause, "d" * 200)):
                self.assertEqual(Close.parse(close.payload()).code, close.code, cause)
            self.assertTrue(400 <= http_status(cause) < 600, cause)

    def test_peers_own_closes_pass_as_they_were(self) -> None:
        """A close that a peer asked for has no words of the gateway's."""
        for cause in (Cause.CLIENT_CLOSED, Cause.SERVICE_CLOSED):
            self.assertEqual((closure(cause), service_closure(cause)), (Close(None), Close(None)))

    def test_long_url_is_cut_and_the_cause_stays(self) -> None:
        """A URL that does not fit is cut, so that the word after it is still there."""
        close = closure(Cause.SERVICE_UNREACHABLE, URL + "/é" * 100, "connection refused")
        self.assertTrue(close.reason.endswith(": connection refused"), close.reason)
        self.assertIn(URL[:40], close.reason)
        self.assertIn(len(close.reason.encode()), (122, 123))

    def test_detail_without_room_for_a_subject(self) -> None:
        """A detail that fills the reason leaves nothing of the subject and is cut itself."""
        close = closure(Cause.SERVICE_ERROR, URL, "d" * 300)
        self.assertEqual(close.reason, "Error opening session to WebSocket service at : ".ljust(123, "d"))


class CloseTests(SynchronousTestCase):
    """The content of close frames."""

    def test_round_trip(self) -> None:
        """What was parsed is written again byte for byte."""
        for payload in (b"", b"\x03\xe8", b"\x0f\xa0Closed by user", "\u0bb8é".encode().join([b"\x03\xf4", b""])):
            self.assertEqual(Close.parse(payload).payload(), payload)

    def test_no_code_is_an_empty_frame(self) -> None:
        """1005 travels as a frame without a payload."""
        self.assertEqual((Close.parse(b""), Close(None, "unsaid").payload()), (Close(None), b""))

    def test_allowed_codes(self) -> None:
        """Exactly the assigned codes of the protocol and those of libraries and applications may be on the wire."""
        allowed = {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)}
        for code in range(65536):
            payload = code.to_bytes(2, "big")
            if code in allowed:
                self.assertEqual(Close.parse(payload), Close(code))
            else:
                self.assertRaises(ValueError, Close.parse, payload)

    def test_illegal_code_cannot_be_made(self) -> None:
        """A close that must never be on the wire cannot exist."""
        for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000):
            self.assertRaises(ValueError, Close, code)

    def test_one_byte(self) -> None:
        """A payload of one byte has no room for a code."""
        self.assertRaises(ValueError, Close.parse, b"\x03")

    def test_reason_that_is_not_utf8(self) -> None:
        """A reason that is not UTF-8 can be told from a code that is not allowed."""
        self.assertRaises(UnicodeDecodeError, Close.parse, b"\x03\xe8\xff")

    def test_long_reason_is_cut_on_a_characters_edge(self) -> None:
        """Of a reason of two-byte characters, 61 fit into 123 bytes."""
        self.assertEqual(Close(1000, "é" * 80).payload(), b"\x03\xe8" + ("é" * 61).encode())

    def test_shortened(self) -> None:
        """What fits stays as it is; no room leaves nothing; what has no UTF-8 does not raise."""
        self.assertEqual(shortened("abc", 3), "abc")
        self.assertEqual(shortened("abc", -1), "")
        self.assertEqual(shortened("\udc80"), "?")
