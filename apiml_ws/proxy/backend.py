"""Opens legs to services: TCP, TLS and the opening handshake under one deadline, given up at any moment."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet import protocol
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from apiml_ws.core.interfaces import DialEvents, DialFailure, DialRequest, Timer
from apiml_ws.proxy.codec import ClientCodec
from apiml_ws.proxy.faults import fault_of
from apiml_ws.proxy.handover import HandOver, Handover
from apiml_ws.proxy.handshake import Means, Talk, Tls
from apiml_ws.proxy.leg import Leg


class BackendDialer:
    """A :class:`~apiml_ws.core.interfaces.Dialer` over Twisted's endpoints.

    ``max_header_size`` in bytes bounds the head of an answer.  ``random(n)`` gives n bytes for handshake keys; ``hand_over``
    takes a connection out of Twisted.
    """

    def __init__(
        self,
        reactor: Any,
        tls: Tls,
        max_header_size: int,
        *,
        random: Callable[[int], bytes] = os.urandom,
        hand_over: HandOver | None = None,
    ) -> None:
        self._means = Means(
            reactor, tls, max_header_size, random, hand_over or partial(Handover, reactor), ClientCodec(reactor)
        )

    def dial(self, request: DialRequest, events: DialEvents) -> Dial:
        """Begin one attempt; ``events`` hear of it in a later turn."""
        return Dial(self._means, request, events)


class Dial:
    """One attempt, from connecting to a leg or a failure."""

    def __init__(self, means: Means, request: DialRequest, events: DialEvents) -> None:
        self._means = means
        self._request = request
        self._events: DialEvents | None = events
        self._talk = Talk(self, means, request)
        self._connecting: Deferred[Any] | None = None
        self._begin: Timer = means.reactor.callLater(0, self._connect)
        self._deadline: Timer = means.reactor.callLater(request.timeout, self._too_late)

    def cancel(self) -> None:
        """Give it up, whatever it is at.  Idempotent."""
        if self._over() is not None:
            self._talk.hang_up()

    def opened(self, leg: Leg) -> None:
        """The handshake was right and the connection left Twisted."""
        events = self._over()
        if events is not None:
            events.dialled(leg)

    def failed(self, failure: DialFailure) -> None:
        """It came to nothing."""
        events = self._over()
        if events is not None:
            self._talk.hang_up()
            events.dial_failed(failure)

    def _connect(self) -> None:
        host = self._request.instance.host
        factory: Any = _Once(self._talk)
        if self._request.instance.secure:
            creator = self._means.tls.creator_for(host)
            factory = TLSMemoryBIOFactory(creator, True, factory, clock=self._means.reactor)
        self._connecting = endpoint(self._means.reactor, self._request).connect(factory)
        self._connecting.addCallbacks(_forget, self._not_connected)

    def _not_connected(self, reason: Failure) -> None:
        self.failed(DialFailure(fault_of(reason.value), detail=reason.getErrorMessage()))

    def _too_late(self) -> None:
        self.failed(self._talk.at_deadline())

    def _over(self) -> DialEvents | None:
        """Stop all that is under way; who is to hear of the end, or None if that was before."""
        events, self._events = self._events, None
        if events is not None:
            for timer in (self._begin, self._deadline):
                if timer.active():
                    timer.cancel()
            if self._connecting is not None:
                self._connecting.cancel()
        return events


class _Once(protocol.Factory):
    """Gives a connection to the protocol that waits for it."""

    noisy = False

    def __init__(self, talk: Talk) -> None:
        self._talk: Talk | None = talk

    def buildProtocol(self, addr: object) -> Talk | None:
        """The protocol that waits; the transport keeps this factory, which therefore forgets it."""
        talk, self._talk = self._talk, None
        return talk


def _forget(connected: object) -> None:
    """The transport keeps the result as well: let it be nobody."""


def endpoint(reactor: Any, request: DialRequest) -> IStreamClientEndpoint:
    """Where ``request`` connects to; only names are looked up."""
    host, port = request.instance.host, request.instance.port
    if isIPAddress(host):
        return TCP4ClientEndpoint(reactor, host, port, request.timeout)
    if isIPv6Address(host):
        return TCP6ClientEndpoint(reactor, host, port, request.timeout)
    return HostnameEndpoint(reactor, host, port, request.timeout)
