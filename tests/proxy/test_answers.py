"""Tests of the answers in HTTP."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.closing import Cause, http_status
from apiml_ws.core.dialing import DialRefusal
from apiml_ws.proxy.answers import Answer, for_fault, for_refusal
from apiml_ws.proxy.upgrade import Fault


class AnswerTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.proxy.answers.Answer`."""

    def test_writes_itself_whole(self) -> None:
        """The usual reason, its fields, the framing and the end of the connection."""
        self.assertEqual(
            Answer(431, b"body", ((b"A", b"\xe9"),)).whole(),
            b"HTTP/1.1 431 Request Header Fields Too Large\r\nA: \xe9\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody",
        )

    def test_keeps_a_reason_of_its_own(self) -> None:
        """An empty one too, and a status that nobody knows needs one."""
        self.assertTrue(Answer(599, b"", (), b"Odd").whole().startswith(b"HTTP/1.1 599 Odd\r\n"))
        self.assertTrue(Answer(404, b"", (), b"").whole().startswith(b"HTTP/1.1 404 \r\n"))


class FaultTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.proxy.answers.for_fault` and :func:`~apiml_ws.proxy.answers.for_refusal`."""

    def test_every_fault_has_a_body(self) -> None:
        """With the number of the reference, the path or the text, and the fault's own fields; braces are only text."""
        for status, number, content in (
            (400, "ZWEAO400E", "T{0}"),
            (403, "ZWEAT403E", "/p{x}"),
            (404, "ZWEAM104E", "/p{x}"),
            (405, "ZWEAO405E", ""),
            (426, "ZWEAO400E", "T{0}"),
            (500, "ZWEAO500E", ""),
            (503, "ZWEAO503E", "T{0}"),
        ):
            answer = for_fault(Fault(status, "T{0}", ((b"A", b"1"),)), "/p{x}")
            message = json.loads(answer.body)["messages"][0]
            self.assertEqual((answer.status, message["messageNumber"]), (status, number))
            self.assertIn(content, message["messageContent"])
            self.assertEqual(answer.headers, ((b"Content-Type", b"application/json"), (b"A", b"1")))

    def test_every_cause_has_an_answer(self) -> None:
        """With the status of the close code table, and a body that says why."""
        for cause in Cause:
            answer = for_refusal(DialRefusal(cause, "ws://x/y", "why"), "/p")
            self.assertEqual(answer.status, http_status(cause))
            self.assertEqual(len(json.loads(answer.body)["messages"]), 1, cause)
