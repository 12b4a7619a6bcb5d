"""The native relay: the portable one, whose legs are lent to the pump while frames just pass.

What is rare and has rules, closing, moves, limits, losses, is done by the portable relay alone, with the state that the
pump leaves.  So both behave alike, and the pump stays small.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from twisted.logger import Logger

from apiml_ws.core.closing import Close
from apiml_ws.core.interfaces import Clock, Counters, Limits, OpenLeg, Relay, RelayEvents, Side
from apiml_ws.proxy.backlog import Passed
from apiml_ws.proxy.line import Line
from apiml_ws.proxy.passage import Passage
from apiml_ws.proxy.poller import Poller
from apiml_ws.proxy.pump.lent import NANOSECONDS, LentLine, LentPassage
from apiml_ws.proxy.pump.threads import PumpThreads, Worker
from apiml_ws.proxy.relay import PortableRelay, PortableRelays, own

#: Seconds, or twice as many, until a session that could not be lent is looked at again.
_PAUSE: Final = 0.1
#: So many sessions were opened that their handshakes may have left many pages of the heap free between what stayed.
_MANY: Final = 256
_SIDES: Final = (Side.CLIENT, Side.SERVICE)


class NativeRelays(PortableRelays):
    """A :class:`~apiml_ws.core.interfaces.RelayMaker` whose sessions are lent to ``threads`` whenever that can be.

    ``clock`` has to be the system's monotonic one, as the pump's is.  Unless ``at_once``, a session is carried by the portable
    relay for its first message or tenths of a second: to lend one and take it back costs more than many a session ever carries.
    """

    _log = Logger()

    def __init__(
        self,
        threads: PumpThreads,
        poller: Poller,
        clock: Clock,
        random: Callable[[int], bytes],
        *,
        at_once: bool = True,
    ) -> None:
        super().__init__(poller, clock, random)
        self.threads = threads
        self.at_once = at_once
        threads.returned = self._returned
        self._lent: dict[int, NativeRelay] = {}
        self._last_id = 0
        self._restless: set[NativeRelay] = set()
        #: Those that were restless the last time: there is always some who is about to end.
        self._waiting: set[NativeRelay] = set()
        self._looking = False
        #: Lent since the heap's free pages were given back.
        self._lent_since = 0

    def open(self, client: OpenLeg, limits: Limits, events: RelayEvents) -> Relay:
        """See :class:`~apiml_ws.core.interfaces.RelayMaker`."""
        return NativeRelay(self, own(client), limits, events)

    @property
    def lent(self) -> int:
        """How many sessions the pump has."""
        return len(self._lent)

    def lend(self, relay: NativeRelay, session: Any) -> Worker | None:
        """Give ``relay``'s ``session`` to a thread; None if there is no room."""
        self._last_id += 1
        session.id = self._last_id
        # It may come back before this returns, but not before the reactor's next turn.
        worker = self.threads.lend(session)
        if worker is not None:
            self._lent[self._last_id] = relay
            self._lent_since += 1
        return worker

    def forget(self, session: Any, worker: Worker) -> None:
        """It was recalled."""
        del self._lent[session.id]
        worker.load -= 1

    def look_again(self, relay: NativeRelay) -> None:
        """Try later to lend it."""
        self._restless.add(relay)
        if not self._looking:
            self._looking = True
            self.clock.callLater(_PAUSE, self._look)

    def _look(self) -> None:
        waiting, self._waiting, self._restless = self._waiting, self._restless, set()
        for relay in waiting:
            relay.lend()
        self._looking = bool(self._waiting or self._restless)
        if self._looking:
            self.clock.callLater(_PAUSE, self._look)
        elif self._lent_since >= _MANY:
            # Nobody has come for a moment.  It takes less than a millisecond, with thousands of sessions too.
            self._lent_since = 0
            self.threads.lib.give_back()

    def _returned(self, session_id: int) -> None:
        relay = self._lent.get(session_id)
        if relay is None:
            return
        try:
            relay.take_back()
        except Exception:
            self._log.failure("A session failed when it came back from the pump")
            relay.crashed()

    def stop(self) -> None:
        """Take back what is lent, and end the threads."""
        for relay in list(self._lent.values()):
            relay.take_back()
        self.threads.stop()


class NativeRelay(PortableRelay):
    """The relay of one session; every command takes it back from the pump first."""

    __slots__ = ("_relays", "_session", "_worker")

    _line_type: type[Line] = LentLine
    _passage_type: type[Passage] = LentPassage

    def __init__(self, shared: NativeRelays, client: Any, limits: Limits, events: RelayEvents) -> None:
        self._relays = shared
        self._session: Any = None
        self._worker: Worker | None = None
        super().__init__(shared, client, limits, events)

    def attach(self, leg: OpenLeg) -> None:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        self.take_back()
        super().attach(leg)
        if self._relays.at_once:
            self.lend()
        else:
            self._relays.look_again(self)

    def close(self, side: Side, close: Close) -> None:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        self.take_back()
        super().close(side, close)

    def drop(self, side: Side) -> None:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        self.take_back()
        super().drop(side)

    def control(self, side: Side, opcode: int, payload: bytes) -> None:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        self.take_back()
        super().control(side, opcode, payload)
        self._relays.look_again(self)

    def hold(self) -> None:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        self.take_back()
        super().hold()

    def retire(self, close: Close) -> None:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        self.take_back()
        super().retire(close)
        self._relays.look_again(self)

    def counters(self, side: Side) -> Counters:
        """See :class:`~apiml_ws.core.interfaces.Relay`; read while the pump goes on."""
        if self._session is not None:
            passage = self._upward if side is Side.CLIENT else self._downward
            cast(LentPassage, passage).note(self._relays.threads.lib.session_tally(self._session, _SIDES.index(side)))
        return super().counters(side)

    @property
    def movable(self) -> bool:
        """See :class:`~apiml_ws.core.interfaces.Relay`."""
        if self._session is not None:
            self.take_back()
            self._relays.look_again(self)
        return super().movable

    def crashed(self) -> None:
        """See :class:`~apiml_ws.proxy.line.LineOwner`."""
        self.take_back()
        super().crashed()

    def _directions(self) -> tuple[tuple[LentLine, LentPassage], ...]:
        """The lines with what comes from them, the client's first."""
        return cast(
            tuple[tuple[LentLine, LentPassage], ...],
            ((self._client, self._upward), (self._service, self._downward)),
        )

    def lend(self) -> None:
        """Lend it to the pump, or try again later, as long as that can be."""
        if self._session is not None or self._service is None or self._upward.bridge is not None:
            return
        directions = self._directions()
        if self._backlog.quiet and all(line.calm and passage.calm for line, passage in directions):
            self._lend(directions)
        elif all(line.lasting for line, _ in directions):
            self._relays.look_again(self)

    def _lend(self, directions: tuple[tuple[LentLine, LentPassage], ...]) -> None:
        lib, ffi = self._relays.threads.lib, self._relays.threads.ffi
        session = lib.session_new()
        if session == ffi.NULL:
            return
        session.patience = int(self._limits.async_write_timeout * NANOSECONDS)
        for leg, (line, passage) in zip(session.legs, directions, strict=True):
            line.fill(leg, ffi)
            passage.fill(leg, self._limits)
        self._fill_replay(session.replay, lib, ffi)
        for line, _ in directions:
            line.lend()
        self._worker = self._relays.lend(self, session)
        if self._worker is None:
            lib.session_free(session)
            self.refresh()
        else:
            self._session = session

    def _fill_replay(self, replay: Any, lib: Any, ffi: Any) -> None:
        record = self._backlog.record
        replay.limit, replay.cut = self._limits.waiting_limit, record.cut
        size = len(record.incomplete)
        if size:
            replay.incomplete = lib.malloc(size)
            if replay.incomplete == ffi.NULL:
                # The session just cannot move.
                replay.cut = True
                return
            ffi.memmove(replay.incomplete, record.incomplete, size)
            replay.size = replay.room = size

    def take_back(self) -> None:
        """Take it back from the pump, if it is there, and go on as the portable relay does."""
        session, worker = self._session, self._worker
        if session is None or worker is None:
            return
        threads = self._relays.threads
        threads.lib.session_recall(session)
        self._session = self._worker = None
        self._relays.forget(session, worker)
        try:
            self._resume(session, threads.lib, threads.ffi)
        finally:
            threads.lib.session_free(session)

    def _resume(self, session: Any, lib: Any, ffi: Any) -> None:
        directions = self._directions()
        legs = tuple(session.legs)
        for i, (line, passage) in enumerate(directions):
            passage.note(lib.session_tally(session, i))
            passage.take_back(legs[i])
            line.take_back(legs[i], ffi, legs[i].end in (lib.HUNG_UP, lib.ENDED))
        self._backlog.resume(_passed(session, lib, ffi))
        self.refresh()
        for leg, (line, _) in zip(legs, directions, strict=True):
            if leg.end == lib.FAILED:
                self.failed(line)
        for leg, (_, passage) in zip(legs, directions, strict=True):
            passage.resume(leg, ffi)


def _passed(session: Any, lib: Any, ffi: Any) -> Passed:
    """What of the client's input may have to be said again."""
    replay = session.replay
    incomplete = bytes(ffi.buffer(replay.incomplete, replay.size)) if replay.size else b""
    if replay.flying == ffi.NULL:
        return Passed(incomplete, bool(replay.cut))
    return Passed(
        incomplete,
        bool(replay.cut),
        bytes(ffi.buffer(replay.flying, replay.flying_size)),
        -1 if replay.flying_end == lib.NOWHERE else replay.flying_end,
        (replay.origin_left, bool(replay.origin_fragmented)),
    )
