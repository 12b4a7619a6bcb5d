"""The entry of one instance in a registry: the calls that make and change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from apiml_ws.core.registry import Status
from apiml_ws.discovery.calls import CallError
from apiml_ws.discovery.embedded_api import Question, answer
from apiml_ws.discovery.leases import Leases
from apiml_ws.discovery.registration import Registration
from apiml_ws.discovery.servers import Server
from apiml_ws.discovery.wire_out import dumped, registration_body


class Asking(Protocol):
    """How a registry is asked; :class:`apiml_ws.discovery.calls.Calls` over HTTP, :class:`Within` our own."""

    async def call(
        self,
        server: Server,
        method: str,
        *segments: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        """The body of an answer that is 2xx; any other is a :class:`~apiml_ws.discovery.calls.CallError`."""


class Within:
    """Asks the registry that is embedded in this process, whatever server is named, without a network in between."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    async def call(
        self,
        server: Server,
        method: str,
        *segments: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        """No body: what the registry answers to changes has none.

        :raises CallError: the status is not 2xx.
        """
        question = Question(query=dict(query or {}), media_type="application/json", body=body or b"")
        status = answer(self._leases, method, segments, question).status
        if not 200 <= status < 300:
            raise CallError(f"HTTP {status}", status)
        return b""


class Entry:
    """Changes the entry of an instance through ``asking``.

    Each call names a server, and fails with :class:`~apiml_ws.discovery.calls.CallError` when it does not do as it should.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def register(self, server: Server, said: Registration) -> None:
        """Make it, or make it what ``said`` says."""
        body = dumped(registration_body(said))
        await self._asking.call(server, "POST", "apps", said.app.upper(), body=body)

    async def renew(self, server: Server, said: Registration) -> None:
        """Let its lease begin anew; 404 if it is not there, or older than ``said``."""
        query = {"status": said.status.value, "lastDirtyTimestamp": str(said.last_dirty)}
        await self._asking.call(server, "PUT", *_place(said), query=query)

    async def override(self, server: Server, said: Registration, status: Status) -> None:
        """Put ``status`` over what it says of itself, until :meth:`undo_override`."""
        await self._asking.call(server, "PUT", *_place(said), "status", query={"value": status.value})

    async def undo_override(self, server: Server, said: Registration) -> None:
        """Let it be of the status that it says itself."""
        await self._asking.call(server, "DELETE", *_place(said), "status", query={"value": said.status.value})

    async def cancel(self, server: Server, said: Registration) -> None:
        """End it."""
        await self._asking.call(server, "DELETE", *_place(said))


def _place(said: Registration) -> tuple[str, ...]:
    return "apps", said.app.upper(), said.key
