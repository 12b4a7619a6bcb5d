"""What all sessions share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from apiml_ws.core.dialing import Lookout
from apiml_ws.core.interfaces import RelayMaker
from apiml_ws.core.record import SessionRecord


class Ledger(Protocol):
    """Hears what becomes of sessions."""

    def moving(self, session_id: str) -> None:
        """It lost its service, or is to leave it, and looks for another."""

    def stayed(self, session_id: str) -> None:
        """It was to leave its service, and could not for now."""

    def moved(self, session_id: str) -> None:
        """It found another one and goes on there."""

    def joined(self, session_id: str) -> None:
        """It goes on with a service, the first or another one; told when the rest is done."""

    def ended(self, record: SessionRecord) -> None:
        """Nothing of it is left.  Once for each session."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``new_id`` makes the ids of sessions with services."""

    lookout: Lookout
    relays: RelayMaker
    ledger: Ledger
    new_id: Callable[[], str]
