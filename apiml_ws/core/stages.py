"""Work of many that is done kind by kind.

What it takes to open a session is more code and data than a processor's caches hold.  When several come at once, which is
when it matters, each kind of step is taken for all of them before the next kind: a tenth of the cost of a session is saved,
and who waits for what is sent is woken once for all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from twisted.logger import Logger

from apiml_ws.core.interfaces import Clock

#: Kinds in one turn; what there is beyond it waits for the next one.
_KINDS: Final = 32


class Client(Protocol):
    """Somebody for whom steps are taken."""

    def crashed(self) -> None:
        """A step raised, which was logged.  None follows."""


SomeClient = TypeVar("SomeClient", bound=Client)


class Stages:
    """Steps that are to be taken in a later turn of ``clock``.  A step is a function, and the same for all of its kind."""

    _log = Logger()

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[Callable[[Any], object], list[Any]] = {}
        self._due = False

    def put(self, step: Callable[[SomeClient], object], client: SomeClient) -> None:
        """Have ``step`` taken for ``client``, with others of its kind, behind kinds that wait already."""
        waiting = self._waiting.get(step)
        if waiting is None:
            self._waiting[step] = [client]
        else:
            waiting.append(client)
        if not self._due:
            self._due = True
            self._clock.callLater(0, self._run)

    def _run(self) -> None:
        for _ in range(_KINDS):
            if not self._waiting:
                break
            step = next(iter(self._waiting))
            for client in self._waiting.pop(step):
                self._take(step, client)
        self._due = bool(self._waiting)
        if self._due:
            self._clock.callLater(0, self._run)

    def _take(self, step: Callable[[Any], object], client: Client) -> None:
        try:
            step(client)
        except Exception:
            self._log.failure("A step of a handshake failed")
            client.crashed()
