"""All sessions of the gateway: the only door to them for the layers above."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import random

from apiml_ws.core.balance import Balancer
from apiml_ws.core.book import Book, Counts
from apiml_ws.core.closing import Cause
from apiml_ws.core.config import Drain, WebSocketConfig
from apiml_ws.core.conversation import SessionView, Surroundings
from apiml_ws.core.dialing import DialOutcome, Lookout, Search
from apiml_ws.core.directory import Directory
from apiml_ws.core.draining import Draining
from apiml_ws.core.interfaces import Clock, Dialer, OpenLeg, RelayMaker, ServiceLeg
from apiml_ws.core.opening import Opening
from apiml_ws.core.overture import Overture
from apiml_ws.core.pace import Pace
from apiml_ws.core.record import Recorder, SessionRecord
from apiml_ws.core.registry import Instance, Snapshot
from apiml_ws.core.routing import Refusal
from apiml_ws.core.session import Session


class Sessions:
    """Begins sessions, knows those that live, and ends them all at a stop.

    ``new_id`` makes ids for the sessions with services, ``random`` numbers from 0 up to 1.  ``accepting`` turns false at the
    stop.
    """

    def __init__(
        self,
        config: WebSocketConfig,
        directory: Directory,
        dialer: Dialer,
        relays: RelayMaker,
        clock: Clock,
        recorder: Recorder,
        new_id: Callable[[], str],
        random: Callable[[], float] = random,
    ) -> None:
        self.accepting = True
        self._config = config
        self._directory = directory
        self._clock = clock
        self._balancer = Balancer(clock.seconds, random)
        self._book = Book(recorder, self._gone)
        self._around = Surroundings(Lookout(directory, self._balancer, dialer, clock), relays, self._book, new_id)
        self._live: dict[str, Session] = {}
        self._overtures: set[Overture] = set()
        self._draining: Draining | None = None
        self._leaving: Pace[Session] = Pace(clock, config.close_rate, self._close_if_off)
        directory.subscribe(self._directory_changed)

    # New ones.

    def dial(self, opening: Opening, outcome: DialOutcome) -> Search:
        """Look for a service before the client is answered; ``outcome`` hears of it in a later turn.

        When it succeeds, :meth:`start` or the end of the leg is up to ``outcome``.
        """
        if not self.accepting:
            opening = replace(opening, target=Refusal(Cause.STOPPING))
        overture = Overture(opening, outcome, self._around.lookout, self._overture_over)
        self._overtures.add(overture)
        return overture

    def start(self, opening: Opening, client: OpenLeg, service: tuple[ServiceLeg, Instance] | None = None) -> Session:
        """Begin a session: its client has its 101.  Without ``service``, one is dialled."""
        session = Session(opening, client, self._around, service)
        self._live[opening.session_id] = session
        self._book.begun()
        if not self.accepting:
            session.stop()
        return session

    def _overture_over(self, overture: Overture, record: SessionRecord | None) -> None:
        self._overtures.discard(overture)
        if record is not None:
            self._book.refused(record)

    # Those that live.

    def open_sessions(self) -> list[SessionView]:
        """Those that are open on both legs; one that is being moved stays, with its last service."""
        views = (session.view() for session in self._live.values())
        return [view for view in views if view is not None]

    @property
    def moves(self) -> int:
        """How often a session went on at another instance since the start."""
        return self._book.moves

    @property
    def counts(self) -> Counts:
        """What became of sessions since the start."""
        return self._book.counts

    def __len__(self) -> int:
        """How many are alive, on one leg or both."""
        return len(self._live)

    def sweep(self) -> None:
        """Close those that are idle; to be called about once a second."""
        now = self._clock.seconds()
        for session in tuple(self._live.values()):
            session.check_idle(now)

    # The registry took an instance off.

    def _directory_changed(self, snapshot: Snapshot) -> None:
        self._balancer.retain(snapshot)
        if self.accepting:
            self._leaving.extend(session for session in self._live.values() if self._is_off(session))

    def _is_off(self, session: Session) -> bool:
        instance = session.instance
        if session.settings.drain is not Drain.CLOSE or instance is None:
            return False
        service = self._directory.snapshot.services.get(instance.service_id)
        return service is None or all(each.instance_id != instance.instance_id for each in service.up)

    def _close_if_off(self, session: Session) -> None:
        """Until its turn came, the instance may have come back."""
        if self._is_off(session):
            session.taken_off()

    # The end.

    def stop(self, gone: Callable[[], object]) -> None:
        """Take no new sessions and end all, within ``stopTimeout``; then call ``gone``.  To be called once."""
        self.accepting = False
        self._leaving.cancel()
        for overture in tuple(self._overtures):
            overture.stop()
        rate, timeout = self._config.close_rate, self._config.stop_timeout
        self._draining = Draining(self._live.values, self._clock, rate, timeout, gone)

    def _gone(self, session_id: str) -> None:
        del self._live[session_id]
        if self._draining is not None:
            self._draining.check()
