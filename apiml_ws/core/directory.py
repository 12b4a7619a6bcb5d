"""The services that the gateway routes on: the union of what each source last said.

A source (a registry client, a reader of static definitions) gives whole snapshots.  What it gave stays until it gives
a better one; losing a source changes nothing.  What it gave before a restart may stand in for it until it can be read.
Readers take :attr:`Directory.snapshot`, which is swapped whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apiml_ws.core.registry import EMPTY, Snapshot, union

Listener = Callable[[Snapshot], object]

#: Changes the union before anybody sees it.
Amendment = Callable[[Snapshot], Snapshot]


class Directory:
    """Holds the newest snapshot of each source.

    ``sources`` names all that are configured, in order of precedence.
    """

    def __init__(self, sources: Iterable[str], seconds: Callable[[], float]) -> None:
        self._latest: dict[str, Snapshot | None] = dict.fromkeys(sources)
        self._confirmed: dict[str, float] = {}
        self._restored: set[str] = set()
        self._seconds = seconds
        self._listeners: list[Listener] = []
        self._waiting: list[Callable[[], object]] = []
        self._amendment: Amendment = lambda snapshot: snapshot
        self.snapshot: Snapshot = EMPTY

    @property
    def ready(self) -> bool:
        """Whether any configured source was read once, or something stands in for one."""
        return any(snapshot is not None for snapshot in self._latest.values())

    def when_ready(self, told: Callable[[], object]) -> None:
        """Call ``told`` once, as soon as :attr:`ready` is true; now if it is."""
        self._waiting.append(told)
        self._tell_who_waits()

    def _tell_who_waits(self) -> None:
        if self.ready:
            waiting, self._waiting = self._waiting, []
            for told in waiting:
                told()

    def age(self, source: str) -> float | None:
        """Seconds since ``source`` last confirmed what it said; None if it never did."""
        confirmed = self._confirmed.get(source)
        return None if confirmed is None else self._seconds() - confirmed

    def restored(self, source: str) -> bool:
        """Whether what is known of ``source`` is from before the start: it was not read since."""
        return source in self._restored

    @property
    def sources(self) -> tuple[str, ...]:
        """The configured sources."""
        return tuple(self._latest)

    def confirm(self, source: str) -> None:
        """``source`` was asked, and what it said before still holds."""
        self._confirmed[source] = self._seconds()
        self._restored.discard(source)

    def update(self, source: str, snapshot: Snapshot) -> None:
        """``source`` says ``snapshot`` from now on; listeners hear of it when the union changed."""
        self.confirm(source)
        self._hold(source, snapshot)

    def restore(self, source: str, snapshot: Snapshot, age: float) -> None:
        """``source`` cannot be read yet: what it confirmed ``age`` seconds ago, before the start, stands in for it."""
        self._confirmed[source] = self._seconds() - age
        self._restored.add(source)
        self._hold(source, snapshot)

    def _hold(self, source: str, snapshot: Snapshot) -> None:
        self._latest[source] = snapshot
        merged = self._amendment(union(known for known in self._latest.values() if known is not None))
        if merged != self.snapshot:
            self.snapshot = merged
            for listener in tuple(self._listeners):
                listener(merged)
        self._tell_who_waits()

    def amend(self, amendment: Amendment) -> None:
        """Put ``amendment`` between the union and all who see it, from the next :meth:`update` on.

        An operator's additions to services that register themselves belong to no source: they hold over all of them.
        """
        self._amendment = amendment

    def subscribe(self, listener: Listener) -> None:
        """Call ``listener`` with each new snapshot."""
        self._listeners.append(listener)
