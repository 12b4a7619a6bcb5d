"""Legs, relays, dialers and recorders of memory, and a world of sessions made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from twisted.internet.task import Clock

from apiml_ws.core.balance import Balancer
from apiml_ws.core.closing import Close
from apiml_ws.core.dialing import DialRefusal, Lookout
from apiml_ws.core.directory import Directory
from apiml_ws.core.interfaces import (
    Counters,
    DialEvents,
    DialFailure,
    DialFault,
    DialRequest,
    Headers,
    HttpAnswer,
    Limits,
    OpenLeg,
    RelayEvents,
    ServiceLeg,
    Side,
)
from apiml_ws.core.opening import Opening
from apiml_ws.core.record import SessionRecord
from apiml_ws.core.registry import Instance, Status, snapshot
from apiml_ws.core.routing import Refusal, Target, route
from apiml_ws.core.settings import SessionSettings
from apiml_ws.core.surroundings import Surroundings
from tests.core.doubles_registry import an_instance, routed

SOURCE: Final = "memory"
REFUSED: Final = DialFailure(DialFault.REFUSED)


@dataclass
class MemoryLeg:
    """A leg that was agreed on; knows whether it was let go."""

    extensions: str = ""
    subprotocol: str | None = None
    answer_headers: Headers = ()
    abandoned: bool = False

    def abandon(self) -> None:
        self.abandoned = True


@dataclass
class MemoryRelay:
    """Writes its commands down; ``waiting``, ``movable`` and ``counted`` are the test's to set.

    ``fails`` names commands that raise, each once.
    """

    client: OpenLeg
    limits: Limits
    events: RelayEvents
    waiting: bool = False
    movable: bool = True
    forgotten: bool = False
    commands: list[tuple[object, ...]] = field(default_factory=list)
    fails: list[str] = field(default_factory=list)
    counted: dict[Side, Counters] = field(default_factory=lambda: {side: Counters() for side in Side})

    def _note(self, name: str, *rest: object) -> None:
        self.commands.append((name, *rest))
        if name in self.fails:
            self.fails.remove(name)
            raise OSError(f"{name} failed")

    def attach(self, leg: OpenLeg) -> None:
        self._note("attach", leg)

    def close(self, side: Side, close: Close) -> None:
        self._note("close", side, close)

    def drop(self, side: Side) -> None:
        self._note("drop", side)

    def control(self, side: Side, opcode: int, payload: bytes) -> None:
        self._note("control", side, opcode, payload)

    def hold(self) -> None:
        self._note("hold")

    def retire(self, close: Close) -> None:
        self._note("retire", close)

    def counters(self, side: Side) -> Counters:
        return self.counted[side]

    def forget(self) -> None:
        self.forgotten = True

    def taken(self) -> list[tuple[object, ...]]:
        """The commands since the last call."""
        commands, self.commands = self.commands, []
        return commands


class MemoryRelays:
    """Keeps the relays that it made; ``fails``: and makes no more."""

    def __init__(self) -> None:
        self.fails = False
        self.made: list[MemoryRelay] = []

    def open(self, client: OpenLeg, limits: Limits, events: RelayEvents) -> MemoryRelay:
        if self.fails:
            raise OSError("no more")
        self.made.append(MemoryRelay(client, limits, events))
        return self.made[-1]


@dataclass
class MemoryAttempt:
    """A dial that the test brings to its end."""

    request: DialRequest
    events: DialEvents
    cancelled: bool = False
    ended: bool = False

    def cancel(self) -> None:
        self.cancelled = True

    def open(self, leg: ServiceLeg | None = None) -> ServiceLeg:
        """The service answers 101."""
        leg = leg or MemoryLeg()
        self.ended = True
        self.events.dialled(leg)
        return leg

    def fail(self, failure: DialFailure = REFUSED) -> None:
        """It does not."""
        self.ended = True
        self.events.dial_failed(failure)


class MemoryDialer:
    """Keeps the attempts that were asked for."""

    def __init__(self) -> None:
        self.attempts: list[MemoryAttempt] = []

    def dial(self, request: DialRequest, events: DialEvents) -> MemoryAttempt:
        self.attempts.append(MemoryAttempt(request, events))
        return self.attempts[-1]

    @property
    def dialled(self) -> list[str]:
        """The ids of the instances that were dialled, in their order."""
        return [attempt.request.instance.instance_id for attempt in self.attempts]


class MemoryOutcome:
    """Keeps what a search came to; ``fails``: or rather not."""

    def __init__(self) -> None:
        self.fails = False
        self.found: list[tuple[ServiceLeg, str]] = []
        self.refusals: list[DialRefusal] = []

    def opened(self, leg: ServiceLeg, instance: Instance) -> None:
        if self.fails:
            raise OSError("no way in")
        self.found.append((leg, instance.instance_id))

    def refused(self, refusal: DialRefusal) -> None:
        self.refusals.append(refusal)


class MemoryExpectant(MemoryOutcome):
    """Keeps what a session waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def deadline(self) -> None:
        self.heard.append("deadline")

    def abort(self) -> None:
        self.heard.append("abort")


class MemoryRecorder:
    """Keeps the records; ``fails``: or rather not."""

    def __init__(self) -> None:
        self.records: list[SessionRecord] = []
        self.fails = False

    def record(self, record: SessionRecord) -> None:
        if self.fails:
            raise OSError("no room")
        self.records.append(record)


class MemoryLedger(MemoryRecorder):
    """Keeps what it hears of sessions."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def moving(self, session_id: str) -> None:
        self.heard.append("moving")

    def stayed(self, session_id: str) -> None:
        self.heard.append("stayed")

    def moved(self, session_id: str) -> None:
        self.heard.append("moved")

    def joined(self, session_id: str) -> None:
        """What follows from it is up to others."""

    def ended(self, record: SessionRecord) -> None:
        self.heard.append("ended")
        self.record(record)


def answered(status: int) -> DialFailure:
    """The service answered in HTTP, and not with 101."""
    return DialFailure(DialFault.HTTP, final=True, answer=HttpAnswer(status, b"", (), b""))


class World:
    """A registry with instances of one service, and all that sessions need around them."""

    def __init__(self, *names: str) -> None:
        self.clock = Clock()
        self.directory = Directory((SOURCE,), self.clock.seconds)
        self.dialer = MemoryDialer()
        self.relays = MemoryRelays()
        self.ledger = MemoryLedger()
        self.lookout = Lookout(self.directory, Balancer(self.clock.seconds, lambda: 0.0), self.dialer, self.clock)
        self._ids = 0
        self.around = Surroundings(self.lookout, self.relays, self.ledger, self.new_id)
        self.register(*names)

    def new_id(self) -> str:
        self._ids += 1
        return f"service-session-{self._ids}"

    def register(self, *names: str, down: Sequence[str] = ()) -> None:
        """From now the registry has ``names`` UP and ``down`` DOWN, and nothing else."""
        up = [(name, Status.UP) for name in names]
        off = [(name, Status.DOWN) for name in down]
        self.directory.update(SOURCE, snapshot([instance_named(name, status) for name, status in (*up, *off)]))

    def opening(
        self,
        settings: SessionSettings | None = None,
        path: bytes = b"/sample/ws/v1/chat?x=1",
        target: Target | Refusal | None = None,
        session_id: str = "session-1",
    ) -> Opening:
        """A client asks for a session with the service."""
        return Opening(
            session_id=session_id,
            client_address="/127.0.0.1:51234",
            gateway_uri="wss://localhost:10010/sample/ws/v1/chat?x=1",
            target=target or route(path, self.directory.snapshot),
            settings=settings or SessionSettings(),
            headers=lambda instance: ((b"X-Instance", instance.instance_id.encode()),),
            subprotocols=("chat",),
            extensions=("permessage-deflate",),
        )


def instance_named(name: str, status: Status = Status.UP) -> Instance:
    """An instance of the service ``sample``."""
    return replace(an_instance(metadata=routed(("ws/v1", "/sample/ws")), status=status), instance_id=name)
