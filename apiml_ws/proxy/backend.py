"""Opens legs to services: TCP, TLS and the opening handshake under one deadline, given up at any moment."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from apiml_ws.core.interfaces import Clock, DialEvents, DialFailure, DialFault, DialRequest
from apiml_ws.core.stages import Stages
from apiml_ws.proxy.connecting import Connecting, Connector
from apiml_ws.proxy.faults import fault_of
from apiml_ws.proxy.handshake import Means, Talk, Tls
from apiml_ws.proxy.leg import Leg
from apiml_ws.proxy.poller import Poller
from apiml_ws.proxy.wire import SocketWire, TlsWire


class BackendDialer:
    """A :class:`~apiml_ws.core.interfaces.Dialer` over sockets of ``connector`` that ``poller`` watches.

    ``max_header_size`` in bytes bounds the head of an answer.  ``random(n)`` gives n bytes for handshake keys.
    """

    def __init__(
        self,
        connector: Connector,
        poller: Poller,
        clock: Clock,
        tls: Tls,
        max_header_size: int,
        stages: Stages,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._means = Means(connector, poller, clock, tls, max_header_size, random, stages)

    def dial(self, request: DialRequest, events: DialEvents) -> Dial:
        """Begin one attempt; ``events`` hear of it in a later turn."""
        return Dial(self._means, request, events)


class Dial:
    """One attempt, from connecting to a leg or a failure."""

    __slots__ = ("_connecting", "_deadline", "_events", "_means", "_request", "_talk")

    def __init__(self, means: Means, request: DialRequest, events: DialEvents) -> None:
        self._means = means
        self._request = request
        self._events: DialEvents | None = events
        self._talk: Talk | None = None
        self._deadline = means.clock.callLater(request.timeout, self._too_late)
        self._connecting: Connecting | None = None
        means.stages.put(Dial.connect, self)

    def connect(self) -> None:
        """Begin, unless it was given up."""
        if self._events is not None:
            instance = self._request.instance
            self._connecting = self._means.connector.connect(instance.host, instance.port, self)

    def crashed(self) -> None:
        """See :class:`~apiml_ws.core.stages.Client`."""
        self.failed(DialFailure(DialFault.UNREACHABLE, detail="internal error"))

    def cancel(self) -> None:
        """Give it up, whatever it is at.  Idempotent."""
        if self._over() is not None and self._talk is not None:
            self._talk.hang_up()

    def connected(self, sock: socket.socket) -> None:
        """See :class:`~apiml_ws.proxy.connecting.Waiting`."""
        instance, tls = self._request.instance, self._means.tls
        if instance.secure:
            wire = TlsWire(sock, tls.to_service(instance.host, instance.port))
            self._talk = Talk(self, self._means, self._request, wire)
        else:
            self._talk = Talk(self, self._means, self._request, SocketWire(sock))
        self._talk.begin()

    def not_connected(self, error: OSError) -> None:
        """See :class:`~apiml_ws.proxy.connecting.Waiting`."""
        self.failed(DialFailure(fault_of(error), detail=str(error)))

    def opened(self, leg: Leg) -> None:
        """The handshake was right and the connection is the leg's."""
        events, self._talk = self._over(), None
        if events is not None:
            events.dialled(leg)

    def failed(self, failure: DialFailure) -> None:
        """It came to nothing."""
        events = self._over()
        if events is not None:
            if self._talk is not None:
                self._talk.hang_up()
            events.dial_failed(failure)

    def _too_late(self) -> None:
        known = None if self._talk is None else self._talk.at_deadline()
        self.failed(known or DialFailure(DialFault.TIMEOUT, detail="no connection in time"))

    def _over(self) -> DialEvents | None:
        """Stop all that is under way; who is to hear of the end, or None if that was before."""
        events, self._events = self._events, None
        if events is not None:
            if self._deadline.active():
                self._deadline.cancel()
            connecting, self._connecting = self._connecting, None
            if connecting is not None:
                connecting.cancel()
        return events
