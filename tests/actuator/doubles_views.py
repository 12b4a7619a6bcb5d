"""Sessions and a directory as the actuator sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from apiml_ws.core.registry import EMPTY, Service, Snapshot


@dataclass(frozen=True)
class OpenSession:
    """A session."""

    session_id: str = "s-1"
    client_address: str = "/127.0.0.1:51234"
    gateway_uri: str = "wss://localhost:10010/discoverableclient/ws/v1/uppercase?a=b"
    service_uri: str = "wss://localhost:10012/discoverableclient/ws/uppercase?a=b"
    service_session_id: str = "b-1"


@dataclass
class Sessions:
    """What is open now."""

    inviting: bool = True
    moves: int = 0
    moving: int = 0
    failed_moves: int = 0
    open: list[OpenSession] = field(default_factory=list)

    def open_sessions(self) -> Iterator[OpenSession]:
        """All of them."""
        return iter(self.open)

    def __len__(self) -> int:
        """How many."""
        return len(self.open)


@dataclass
class Directory:
    """Sources by the age of what they said."""

    ages: dict[str, float | None] = field(default_factory=lambda: {"eureka": 1.5})
    snapshot: Snapshot = EMPTY
    from_disk: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether any has an age."""
        return any(age is not None for age in self.ages.values())

    @property
    def sources(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.ages)

    def age(self, source: str) -> float | None:
        """Its age."""
        return self.ages[source]

    def restored(self, source: str) -> bool:
        """Whether it stands for itself."""
        return source in self.from_disk


def knows(*services: str) -> Snapshot:
    """A snapshot of services without instances."""
    return Snapshot({name: Service(name, ()) for name in services})
