"""What can happen to a session, as its machine hears of it.

Whatever depends on a condition outside the states (is another service allowed, does something wait) is an input of its own, so
that the table needs no conditions: :class:`apiml_ws.core.session.Session` looks at the condition at that moment.
"""

from __future__ import annotations

from typing import Protocol

from apiml_ws.core.closing import Close
from apiml_ws.core.dialing import DialRefusal
from apiml_ws.core.interfaces import ServiceLeg, Violation
from apiml_ws.core.registry import Instance
from apiml_ws.core.session_view import SessionView


class Inputs(Protocol):
    """What happens to a session."""

    def opened(self, leg: ServiceLeg, instance: Instance) -> None:
        """A service was found."""

    def unfit(self, leg: ServiceLeg, instance: Instance) -> None:
        """A service was found that agreed to something else than the session goes by."""

    def refused(self, refusal: DialRefusal) -> None:
        """No service will be found."""

    def deadline(self) -> None:
        """No service was found in time to move to."""

    def client_closed(self, close: Close) -> None:
        """The client said close."""

    def client_closed_early(self, close: Close) -> None:
        """The client said close, and something that it sent before waits for a service."""

    def service_closed(self, close: Close) -> None:
        """The service said close."""

    def service_left(self, close: Close) -> None:
        """The service said close, and the session may go on at another."""

    def client_lost(self) -> None:
        """The client's connection is gone without a close."""

    def service_lost(self) -> None:
        """The service's connection is gone without a close, between two frames, and the session cannot go on at another."""

    def service_cut(self) -> None:
        """The service's connection is gone inside a frame."""

    def service_gone(self) -> None:
        """The service's connection is gone without a close, and the session may go on at another."""

    def client_ended(self) -> None:
        """The client's connection is gone after a close."""

    def service_ended(self) -> None:
        """The service's connection is gone after a close."""

    def client_broke(self, violation: Violation) -> None:
        """The client did what is not allowed."""

    def service_broke(self, violation: Violation) -> None:
        """The service did what is not allowed."""

    def client_stalled(self) -> None:
        """The client takes nothing."""

    def service_stalled(self) -> None:
        """The service takes nothing."""

    def relocate(self) -> None:
        """The registry took the instance off, and its session is to go on at another."""

    def service_retired(self) -> None:
        """The service was told to go, and another one is there to take its place."""

    def service_stays(self) -> None:
        """The service could not be told to go."""

    def failed(self) -> None:
        """One of the steps of its life raised."""

    def idle(self) -> None:
        """Nothing came from either end for too long."""

    def stop(self) -> None:
        """The gateway stops."""

    def taken_off(self) -> None:
        """The registry took the instance off, and its sessions are to be closed."""

    def abort(self) -> None:
        """There is no time left for a closing handshake."""

    def settled(self) -> None:
        """No connection is left; said by the session to itself."""

    def view(self) -> SessionView | None:
        """How it looks to operators, None unless it is open on both legs."""
