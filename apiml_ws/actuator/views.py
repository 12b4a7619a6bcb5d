"""What the actuator looks at, in its own words, and what it makes of it: plain values for JSON."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import Protocol

from apiml_ws.core.registry import Snapshot

#: Keys and values of a JSON object.
Object = dict[str, object]


class SessionView(Protocol):
    """A session that is open on both legs."""

    @property
    def session_id(self) -> str:
        """Ours, towards the client."""

    @property
    def client_address(self) -> str:
        """As ``/127.0.0.1:51234``."""

    @property
    def gateway_uri(self) -> str:
        """The full URI that the client asked for."""

    @property
    def service_uri(self) -> str:
        """The full URI that was dialled."""

    @property
    def service_session_id(self) -> str:
        """Ours, towards the service."""


class SessionsView(Protocol):
    """All sessions of this gateway."""

    @property
    def inviting(self) -> bool:
        """Whether new ones should be sent here; false from when a stop is announced."""

    @property
    def moves(self) -> int:
        """How many went on at another instance since the start."""

    @property
    def moving(self) -> int:
        """How many look for another instance now."""

    @property
    def failed_moves(self) -> int:
        """How many found none, and ended or stayed where they were, since the start."""

    def open_sessions(self) -> Iterator[SessionView]:
        """Those that are open on both legs, each as it is when its turn comes."""

    def __len__(self) -> int:
        """How many there are, those counted that begin or end just now."""


class DirectoryView(Protocol):
    """What the gateway knows of services."""

    @property
    def ready(self) -> bool:
        """Whether any configured source was read once."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The configured sources."""

    @property
    def snapshot(self) -> Snapshot:
        """What is routed on."""

    def age(self, source: str) -> float | None:
        """Seconds since ``source`` last confirmed what it said; None if it never did."""

    def restored(self, source: str) -> bool:
        """Whether what is known of ``source`` is from before the start."""


@dataclass(frozen=True, slots=True)
class RelayChoice:
    """Which relay moves the bytes (``portable``, ``native``) and why that one."""

    kind: str
    reason: str


def listed(sessions: SessionsView) -> Iterator[Object]:
    """The session list: exactly these five keys in this order, as the reference system has them."""
    for each in sessions.open_sessions():
        yield {
            "sessionId": each.session_id,
            "clientAddress": each.client_address,
            "gatewayPath": each.gateway_uri,
            "serviceUrl": each.service_uri,
            "serviceSessionId": each.service_session_id,
        }


def health(sessions: SessionsView, directory: DirectoryView) -> tuple[int, Object]:
    """The HTTP status with the health: UP while sessions are wanted and any source of routes was read once."""
    up = sessions.inviting and directory.ready
    components: Object = {"discoveryComposite": _discovery(directory), "gateway": _gateway(sessions)}
    status = HTTPStatus.OK if up else HTTPStatus.SERVICE_UNAVAILABLE
    return status, {"status": _word(up), "components": components}


def _gateway(sessions: SessionsView) -> Object:
    details = {
        "openSessions": len(sessions),
        "moves": sessions.moves,
        "movesInProgress": sessions.moving,
        "movesFailed": sessions.failed_moves,
    }
    return {"status": _word(sessions.inviting), "details": details}


def _discovery(directory: DirectoryView) -> Object:
    known: Object = {"status": _word(directory.ready), "details": {"services": sorted(directory.snapshot.services)}}
    sources: Object = {source: _source(directory, source) for source in directory.sources}
    return {"status": _word(directory.ready), "components": {"discoveryClient": known, **sources}}


def _source(directory: DirectoryView, source: str) -> Object:
    age = directory.age(source)
    details: Object = {"snapshotAgeSeconds": None if age is None else round(age, 3)}
    if directory.restored(source):
        details["fromDisk"] = True
    return {"status": _word(age is not None), "details": details}


def _word(up: bool) -> str:
    return "UP" if up else "DOWN"


def info(relay: RelayChoice) -> Object:
    """What runs here."""
    return {
        "build": {"name": "apiml-ws", "version": version("apiml-ws")},
        "relay": {"kind": relay.kind, "reason": relay.reason},
        "runtime": {
            "python": platform.python_version(),
            "twisted": version("twisted"),
            "autobahn": version("autobahn"),
        },
    }


def links(base: str, names: Sequence[str]) -> Object:
    """The index of what is under ``base``, as Spring's actuator has it; relative, so that it holds behind a proxy too."""
    paths = {"self": base, **{name: f"{base}/{name}" for name in names}}
    return {"_links": {name: {"href": path, "templated": False} for name, path in paths.items()}}
