"""One call to a registry over HTTP: bounded in time and in bytes, and either an answer or one kind of error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol, cast

from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol as BodyProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.client import RequestTransmissionFailed, ResponseDone, ResponseNeverReceived
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse

from apiml_ws.discovery.servers import Server

#: An answer may be this long, inflated; a registry of 50,000 instances needs half of it.
ANSWER_LIMIT: Final = 64 * 1024 * 1024

#: Seconds for a call, from connecting to the last byte.
CALL_TIMEOUT: Final = 10.0


class HttpClient(Protocol):
    """What is used of :class:`treq.client.HTTPClient`."""

    def request(self, method: str, url: str, **options: object) -> Deferred[IResponse]:
        """Begin a request."""


class CallError(Exception):
    """A registry did not answer, or not as it should; ``status`` is that of its answer, 0 without one.

    The text is short, the same for the same cause, and holds nothing secret.
    """

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class Calls:
    """Makes calls with ``client``; ``clock`` bounds each to ``timeout`` seconds, ``limit`` its answer in bytes."""

    def __init__(
        self,
        client: HttpClient,
        clock: IReactorTime,
        timeout: float = CALL_TIMEOUT,
        limit: int = ANSWER_LIMIT,
    ) -> None:
        self._client = client
        self._clock = clock
        self._timeout = timeout
        self._limit = limit

    async def call(
        self,
        server: Server,
        method: str,
        *segments: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        """The body of the answer to ``method`` on what is at ``segments`` below the server's base.

        :raises CallError: no answer, one too long or too late, or one whose status is not 2xx.
        """
        exchange = _abandonable(Deferred.fromCoroutine(self._exchange(server, method, segments, query, body)))
        try:
            return await exchange.addTimeout(self._timeout, self._clock)
        except (CallError, CancelledError):
            raise
        except defer.TimeoutError as error:
            raise CallError("no answer in time") from error
        except Exception as error:
            raise CallError(_reason(error)) from error

    async def _exchange(
        self,
        server: Server,
        method: str,
        segments: tuple[str, ...],
        query: Mapping[str, str] | None,
        body: bytes | None,
    ) -> bytes:
        headers = {"Accept": "application/json"} | ({} if body is None else {"Content-Type": "application/json"})
        # A redirect would take our credentials to wherever the answer points.
        ask = partial(
            self._client.request,
            method,
            server.url(*segments),
            params=dict(query or {}),
            headers=headers,
            data=body,
            auth=server.credentials,
            allow_redirects=False,
            unbuffered=True,
            reactor=self._clock,
        )
        response = await _answer(ask)
        content = await bounded(response, self._limit)
        if not 200 <= response.code < 300:
            raise CallError(f"HTTP {response.code}", response.code)
        return content


async def _answer(ask: Callable[[], Deferred[IResponse]]) -> IResponse:
    """What ``ask`` gets.

    A server may end a connection that was kept just when it is used again.  Then it is asked once more, which does no harm:
    whatever is asked of a registry comes to the same when it is asked twice (RFC 9110 section 9.2.2).
    """
    try:
        return await ask()
    except (ResponseNeverReceived, RequestTransmissionFailed) as error:
        if not _was_closed(error):
            raise
        return await ask()


def _was_closed(error: ResponseNeverReceived | RequestTransmissionFailed) -> bool:
    """Whether the server closed the connection; not so when the request was given up here."""
    return all(isinstance(reason.value, ConnectionDone | ConnectionLost) for reason in error.reasons)


def _abandonable(exchange: Deferred[bytes]) -> Deferred[bytes]:
    """``exchange``, but that a cancel is a cancel at once; an agent would take it for a connection that failed."""
    abandoned = False

    def abandon(_: Deferred[bytes]) -> None:
        nonlocal abandoned
        abandoned = True
        exchange.cancel()

    def pass_on(result: bytes | Failure) -> None:
        if not abandoned:
            outcome.callback(result)

    outcome: Deferred[bytes] = Deferred(abandon)
    exchange.addBoth(pass_on)
    return outcome


def _reason(error: Exception) -> str:
    """Twisted's collective errors by what they collect, since their own text holds addresses of memory."""
    reasons = getattr(error, "reasons", None)
    inner = cast("Exception", reasons[0].value) if reasons else error
    return str(inner) or type(inner).__name__


def bounded(response: IResponse, limit: int) -> Deferred[bytes]:
    """The body of ``response``.

    It fails with :class:`CallError` beyond ``limit`` bytes.  Then, and when it is cancelled, the connection is ended.
    """
    body = _Body(limit)
    response.deliverBody(body)
    return body.done


class _Body(BodyProtocol):
    """Collects a body."""

    def __init__(self, limit: int) -> None:
        self._room = limit
        self._parts: list[bytes] = []
        self._open = True
        self.done: Deferred[bytes] = Deferred(lambda _: self._give_up())

    def dataReceived(self, data: bytes) -> None:
        """Keep what there is room for."""
        self._room -= len(data)
        if self._open and self._room < 0:
            self._give_up()
            self.done.errback(CallError("answer too long"))
        elif self._open:
            self._parts.append(data)

    def _give_up(self) -> None:
        self._open = False
        self._parts.clear()
        if self.transport is not None:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body is complete, or never will be."""
        if not self._open:
            return
        self._open = False
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(b"".join(self._parts))
        else:
            self.done.errback(reason)
