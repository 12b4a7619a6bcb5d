"""The closing handshake of a session: one handshake, end to end, although it runs over two legs.

The first close goes to the other end as it was, the answer of the other end goes back; if there comes none, whoever
closed first gets its own close back.  RFC 6455 section 5.5.1.  A leg is told at most one close.
"""

from __future__ import annotations

from dataclasses import dataclass

from apiml_ws.core.closing import Close
from apiml_ws.core.interfaces import Relay, Side
from apiml_ws.core.record import Exchange


@dataclass(slots=True)
class _Leg:
    """``told``: nothing more is to be said on it, since a close was, or since its connection was given up.

    ``retired``: it was asked to go so that another one takes its place, and a close of it answers that alone.
    """

    there: bool
    told: bool = False
    retired: bool = False
    sent: Close | None = None
    received: Close | None = None


class Farewell:
    """What was said and heard on the legs of ``relay``; begins with the client's leg alone."""

    __slots__ = ("_client", "_relay", "_service")

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._client = _Leg(there=True)
        self._service = _Leg(there=False)

    def _leg(self, side: Side) -> _Leg:
        return self._client if side is Side.CLIENT else self._service

    @property
    def over(self) -> bool:
        """Whether both connections are gone."""
        return not (self._client.there or self._service.there)

    def attached(self) -> None:
        """There is a service, maybe another one: what was heard of the former one counts no more."""
        self._service = _Leg(there=True)

    def heard(self, side: Side, close: Close) -> None:
        """``close`` came from ``side``."""
        self._leg(side).received = close

    def say(self, side: Side, close: Close) -> None:
        """Close the leg of ``side``, unless it was before or is gone."""
        leg = self._leg(side)
        if leg.there and not leg.told:
            leg.told = True
            leg.sent = leg.sent if leg.retired else close
            self._relay.close(side, close)

    def retired(self, close: Close) -> None:
        """The service was told ``close``, so that another one can take its place."""
        self._service.retired, self._service.sent = True, close

    def pass_on(self, side: Side) -> None:
        """Close the other leg with what came from ``side``, or with its own close if that was never the answer to it."""
        leg, own = self._leg(side), self._leg(side.other).received
        self.say(side.other, (leg.retired and own) or leg.received or Close(None))

    def give_back(self, side: Side) -> None:
        """The other end is gone: answer ``side`` with its own close if it still waits for an answer."""
        self.say(side, self._leg(side).received or Close(None))

    def drop(self, side: Side) -> None:
        """End the connection of ``side`` without a word."""
        leg = self._leg(side)
        if leg.there:
            leg.told = True
            self._relay.drop(side)

    def lost(self, side: Side) -> None:
        """The connection of ``side`` is gone."""
        self._leg(side).there = False

    def received(self, side: Side) -> Close | None:
        """The close that came from ``side``."""
        return self._leg(side).received

    def exchange(self, side: Side) -> Exchange:
        """What was said and heard on the leg of ``side``."""
        leg = self._leg(side)
        return Exchange(sent=leg.sent, received=leg.received)
