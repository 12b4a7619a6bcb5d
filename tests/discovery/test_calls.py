"""Calls to a registry: their bounds and their errors."""

from __future__ import annotations

from typing import cast

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived
from twisted.web.iweb import IResponse

from apiml_ws.discovery.calls import CallError, Calls, HttpClient
from apiml_ws.discovery.servers import Server
from tests.discovery.doubles_web import BrokenClient, Scripted, ScriptedRegistry

SERVER = Server.parse("http://one/eureka/")


class CallsTests(SynchronousTestCase):
    """Calls of 10 s and 1000 bytes at most."""

    def setUp(self) -> None:
        """A clock that stands."""
        self.clock = Clock()

    def call(self, http: object, *segments: str) -> Deferred[bytes]:
        """A GET."""
        calls = Calls(cast(HttpClient, http), self.clock, timeout=10, limit=1000)
        return Deferred.fromCoroutine(calls.call(SERVER, "GET", *segments))

    def error(self, call: Deferred[bytes]) -> CallError:
        """How a call failed; nothing is left scheduled then."""
        failure = self.failureResultOf(call, CallError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        return cast(CallError, failure.value)

    def test_answer(self) -> None:
        """The body of an answer as long as allowed, and no timer left."""
        registry = ScriptedRegistry(Scripted(body=b"x" * 1000))
        self.assertEqual(self.successResultOf(self.call(registry.client, "apps", "a/b")), b"x" * 1000)
        self.assertEqual(registry.lines, ["GET /eureka/apps/a%2Fb"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_empty_answer(self) -> None:
        """No content is an empty body."""
        self.assertEqual(self.successResultOf(self.call(ScriptedRegistry(Scripted(204)).client)), b"")

    def test_status(self) -> None:
        """Any status but 2xx is an error with that status; a redirect is not followed."""
        registry = ScriptedRegistry(Scripted(302, headers={"Location": "http://elsewhere/"}), Scripted(404, b"{}"))
        for status in (302, 404):
            error = self.error(self.call(registry.client))
            self.assertEqual((error.status, str(error)), (status, f"HTTP {status}"))
        self.assertEqual(len(registry.asked), 2)

    def test_too_long(self) -> None:
        """A longer answer is given up while it is read."""
        registry = ScriptedRegistry(Scripted(body=b"x" * 1001, unfinished=True))
        self.assertEqual(str(self.error(self.call(registry.client))), "answer too long")

    def test_goes_on_after_it_was_too_long(self) -> None:
        """What still comes of an answer that was given up is ignored."""
        registry = ScriptedRegistry(Scripted(body=b"x" * 1001, unfinished=True))
        self.error(self.call(registry.client))
        registry.hanging[0].write(b"more")
        registry.stub.flush()

    def test_too_late(self) -> None:
        """An answer that does not begin, or does not end, within the timeout is given up."""
        for scripted in (Scripted(hang=True), Scripted(body=b"x", unfinished=True)):
            call = self.call(ScriptedRegistry(scripted).client)
            self.clock.advance(9)
            self.assertNoResult(call)
            self.clock.advance(1)
            self.assertEqual(str(self.error(call)), "no answer in time")

    def test_connection_lost_midway(self) -> None:
        """An answer whose connection ends before it does is an error."""
        registry = ScriptedRegistry(Scripted(body=b"x", unfinished=True))
        call = self.call(registry.client)
        registry.hanging[0].loseConnection()
        registry.stub.flush()
        self.assertEqual(self.error(call).status, 0)

    def test_cancelled(self) -> None:
        """A cancel is a cancel and no failure of the registry, whatever the agent makes of it."""
        for scripted in (Scripted(hang=True), Scripted(body=b"x", unfinished=True)):
            registry = ScriptedRegistry(scripted)
            call = self.call(registry.client)
            call.cancel()
            self.failureResultOf(call, CancelledError)
            registry.finish_hanging()

    def test_cancelled_though_it_was_answered(self) -> None:
        """An answer that is there in spite of a cancel is ignored."""
        waiting: Deferred[object] = Deferred(lambda deferred: deferred.errback(ConnectError()))

        class Client:
            def request(self, *_: object, **__: object) -> Deferred[object]:
                return waiting

        call = self.call(Client())
        call.cancel()
        self.failureResultOf(call, CancelledError)

    def test_reasons(self) -> None:
        """A failed connection is told by its cause, collective errors by what they collect, an empty text by its kind."""
        inner = Failure(ConnectError("no"))
        for error, reason in (
            (ConnectError("no"), "An error occurred while connecting: no."),
            (ResponseFailed([inner]), "An error occurred while connecting: no."),
            (ValueError(), "ValueError"),
        ):
            client = BrokenClient(lambda error=error: error)  # type: ignore[misc]  # mypy infers no lambda defaults
            self.assertEqual(str(self.error(self.call(client))), reason)

    def test_a_connection_that_was_closed(self) -> None:
        """A server may close a kept connection just when it is used again: it is asked once more, and no more than that."""
        for error in (ResponseNeverReceived, RequestTransmissionFailed):
            closed = BrokenClient(lambda error=error: error([Failure(ConnectionDone())]))  # type: ignore[misc]  # as above
            self.assertEqual(str(self.error(self.call(closed))), "Connection was closed cleanly.")
            self.assertEqual(closed.requests, 2)
        registry = ScriptedRegistry(Scripted(body=b"fine"))
        self.assertEqual(self.successResultOf(self.call(ClosedOnce(registry.client))), b"fine")

    def test_a_request_that_was_given_up(self) -> None:
        """It is not made again, and what has begun to be answered neither."""
        for error in (ResponseNeverReceived([Failure(CancelledError())]), ResponseFailed([Failure(ConnectionDone())])):
            client = BrokenClient(lambda error=error: error)  # type: ignore[misc]  # as above
            self.error(self.call(client))
            self.assertEqual(client.requests, 1)


class ClosedOnce:
    """The first request finds its connection closed; those after it reach ``client``."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._closed = True

    def request(self, method: str, url: str, **options: object) -> Deferred[IResponse]:
        """Fail, or pass it on."""
        closed, self._closed = self._closed, False
        if closed:
            return fail(ResponseNeverReceived([Failure(ConnectionLost())]))
        return self._client.request(method, url, **options)
