"""A JSON array that may be long: written a piece at a time, so that nothing else waits for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.web.http import OK
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from apiml_ws.actuator.documents import Document, respond, wanted_type

#: Rows written in one turn of the reactor, a few milliseconds' work.
AT_ONCE: Final = 250
#: Seconds that a client has to read all of it.
PATIENCE: Final = 60.0

Rows = Iterator[object]


class Listing(Document):
    """Answers with what ``rows`` gives, at that moment and in the turns after it."""

    def __init__(self, rows: Callable[[], Rows], clock: IReactorTime) -> None:
        super().__init__(lambda: (OK, list(rows())))
        self._rows = rows
        self._clock = clock

    def answer(self, request: Request) -> bytes | int:
        """At once, if there are few."""
        rows = self._rows()
        first = list(islice(rows, AT_ONCE))
        after = list(islice(rows, 1))
        if not after:
            return respond(request, OK, json.dumps(first).encode(), wanted_type(request))
        respond(request, OK, b"", wanted_type(request))
        if request.method == b"HEAD":
            request.responseHeaders.removeHeader(b"content-length")
            return b""
        _Writing(request, chain(first, after, rows), self._clock)
        return NOT_DONE_YET


@implementer(IPushProducer)
class _Writing:
    """The answer to one request on its way."""

    def __init__(self, request: Request, rows: Rows, clock: IReactorTime) -> None:
        self._request: Any = request
        self._rows = rows
        self._clock = clock
        self._next: IDelayedCall | None = None
        self._start = b"["
        self._deadline = clock.callLater(PATIENCE, self._give_up)
        request.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        """The client takes more."""
        if self._next is None:
            self._next = self._clock.callLater(0, self._write)

    def pauseProducing(self) -> None:
        """The client does not take more for now."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def stopProducing(self) -> None:
        """The client is gone."""
        self.pauseProducing()
        self._rows = iter(())
        if self._deadline.active():
            self._deadline.cancel()

    def _write(self) -> None:
        self._next = None
        rows = [json.dumps(row).encode() for row in islice(self._rows, AT_ONCE)]
        if rows:
            self.resumeProducing()
            start, self._start = self._start, b", "
            self._request.write(start + b", ".join(rows))
        else:
            self.stopProducing()
            self._request.write(b"]")
            self._request.unregisterProducer()
            self._request.finish()

    def _give_up(self) -> None:
        self._request.channel.forceAbortClient()
