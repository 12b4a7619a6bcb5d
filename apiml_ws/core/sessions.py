"""All sessions of the gateway: the only door to them for the layers above."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import random
from typing import Final

from twisted.logger import Logger

from apiml_ws.core.balance import Balancer
from apiml_ws.core.book import Book, Counts
from apiml_ws.core.closing import Cause
from apiml_ws.core.config import Drain, WebSocketConfig
from apiml_ws.core.dialing import DialOutcome, Lookout, Search
from apiml_ws.core.directory import Directory
from apiml_ws.core.draining import Draining
from apiml_ws.core.interfaces import Clock, Dialer, OpenLeg, RelayMaker, ServiceLeg, Timer
from apiml_ws.core.opening import Opening
from apiml_ws.core.overture import Overture
from apiml_ws.core.pace import Pace
from apiml_ws.core.record import Recorder, SessionRecord, never_opened
from apiml_ws.core.registry import Instance, Snapshot
from apiml_ws.core.routing import Refusal
from apiml_ws.core.session import Session
from apiml_ws.core.session_view import SessionView
from apiml_ws.core.surroundings import Surroundings

#: Seconds until a session that was to leave its instance, and found no other, looks again.
_AGAIN: Final = 10.0


class Sessions:
    """Begins sessions, knows those that live, and ends them all at a stop.

    ``new_id`` makes ids for the sessions with services, ``random`` numbers from 0 up to 1.  ``accepting`` turns false at the
    stop, ``inviting`` when one is announced.
    """

    _log = Logger()

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
        self.inviting = True
        self._config = config
        self._directory = directory
        self._clock = clock
        self._balancer = Balancer(clock.seconds, random)
        self._book = Book(recorder, self._gone, self._joined, self._stayed)
        self._around = Surroundings(Lookout(directory, self._balancer, dialer, clock), relays, self._book, new_id)
        self._live: dict[str, Session] = {}
        self._overtures: set[Overture] = set()
        self._draining: Draining | None = None
        self._leaving: Pace[Session] = Pace(clock, config.close_rate, self._leave_if_off)
        self._again: Timer | None = None
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

    def start(
        self, opening: Opening, client: OpenLeg, service: tuple[ServiceLeg, Instance] | None = None
    ) -> Session | None:
        """Begin a session: its client has its 101.  Without ``service``, one is dialled.

        None when an error of our own prevents it: it is logged and recorded, and the legs are let go.
        """
        self._book.begun()
        try:
            session = Session(opening, client, self._around, service)
        except Exception:
            self._log.failure("Session {session} could not begin", session=opening.session_id)
            client.abandon()
            if service is not None:
                service[0].abandon()
            self._book.refused(never_opened(opening, Cause.INTERNAL, "", 0.0))
            return None
        self._live[opening.session_id] = session
        if not self.accepting:
            session.stop()
        else:
            self._joined(opening.session_id)
        return session

    def _overture_over(self, overture: Overture, record: SessionRecord | None) -> None:
        self._overtures.discard(overture)
        if record is not None:
            self._book.refused(record)

    # Those that live.

    def open_sessions(self) -> Iterator[SessionView]:
        """Those that are open on both legs; one that is being moved stays, with its last service.

        There may be many.  Whoever takes a part of them now and the rest in later turns gets each as it is then.
        """
        for session_id in tuple(self._live):
            session = self._live.get(session_id)
            view = None if session is None else session.view()
            if view is not None:
                yield view

    @property
    def moves(self) -> int:
        """How often a session went on at another instance since the start."""
        return self._book.moves

    @property
    def moving(self) -> int:
        """How many sessions look for another instance now."""
        return self._book.counts.moving

    @property
    def failed_moves(self) -> int:
        """How often a session found no other instance, and ended or stayed where it was, since the start."""
        return self._book.counts.failed

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
        self._look_for_off()

    def _look_for_off(self) -> None:
        """Those of instances that are off leave, one after another."""
        if self.accepting:
            self._leaving.extend(session for session in self._live.values() if self._is_off(session))

    def _joined(self, session_id: str) -> None:
        """A session goes on with an instance, which may have been taken off while it was dialled."""
        session = self._live.get(session_id)
        if session is not None and self._is_off(session):
            self._clock.callLater(0, self._look_for_off)

    def _stayed(self, _session_id: str) -> None:
        """A session found no other instance: some time later there may be one, whether or not the registry says so."""
        if self.accepting and self._again is None:
            self._again = self._clock.callLater(_AGAIN, self._look_again)

    def _look_again(self) -> None:
        self._again = None
        self._look_for_off()

    def _is_off(self, session: Session) -> bool:
        instance = session.instance
        if session.settings.drain is Drain.KEEP or instance is None:
            return False
        service = self._directory.snapshot.services.get(instance.service_id)
        return service is None or all(each.instance_id != instance.instance_id for each in service.up)

    def _leave_if_off(self, session: Session) -> None:
        """Until its turn came, the instance may have come back."""
        if self._is_off(session):
            (session.relocate if session.settings.drain is Drain.MOVE else session.taken_off)()

    # The end.

    def announce_stop(self) -> None:
        """New sessions are still taken, but should go elsewhere."""
        self.inviting = False

    def stop(self, gone: Callable[[], object]) -> None:
        """Take no new sessions and end all, within ``stopTimeout``; then call ``gone``.  To be called once."""
        self.accepting = self.inviting = False
        self._leaving.cancel()
        if self._again is not None:
            self._again.cancel()
            self._again = None
        for overture in tuple(self._overtures):
            overture.stop()
        rate, timeout = self._config.close_rate, self._config.stop_timeout
        self._draining = Draining(self._live.values, self._clock, rate, timeout, gone)

    def _gone(self, session_id: str) -> None:
        del self._live[session_id]
        if self._draining is not None:
            self._draining.check()
