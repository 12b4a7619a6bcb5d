"""The table of a session: every input in every state, and random lives."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isfunction, signature
from random import Random
from typing import Final

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.closing import Cause, Close
from apiml_ws.core.conversation import Conversation
from apiml_ws.core.dialing import DialRefusal
from apiml_ws.core.interfaces import Boundary, Limits, Side, Violation
from apiml_ws.core.session import Session
from apiml_ws.core.session_inputs import Inputs
from apiml_ws.core.session_table import machine
from tests.core.doubles_session import (
    REFUSED,
    MemoryAttempt,
    MemoryExpectant,
    MemoryLeg,
    MemoryRelay,
    World,
    answered,
    instance_named,
)

NAMES: Final = sorted(name for name, member in vars(Inputs).items() if isfunction(member) and name[0] != "_")
#: How each state is come to.
STATES: Final = {
    "dialing": (),
    "relaying": ("opened",),
    "seeking": ("opened", "relocate"),
    "handing over": ("opened", "relocate", "opened"),
    "retiring": ("opened", "relocate", "opened", "service_retired"),
    "reattaching": ("opened", "service_gone"),
    "departing": ("client_closed_early",),
    "closing": ("opened", "stop"),
    "closed": ("abort",),
}


class WalkTests(SynchronousTestCase):
    """Every input is declared in every state."""

    def arrive(self, state: str) -> None:
        """A fresh machine in ``state``."""
        self.world = World("a", "b")
        client = MemoryLeg()
        relay = MemoryRelay(client, Limits(), Session(self.world.opening(), client, self.world.around))
        talk = Conversation(self.world.opening(), client, relay, MemoryExpectant(), self.world.around)
        talk.dial()
        self.inputs = machine(talk)
        for name in STATES[state]:
            self.put(name)

    def put(self, name: str) -> None:
        """Put the input ``name`` in, with values for all that it takes."""
        values: dict[str, object] = {
            "leg": MemoryLeg(),
            "instance": instance_named("b"),
            "refusal": DialRefusal(Cause.SERVICE_TIMEOUT, "wss://host", "timeout"),
            "close": Close(4000),
            "violation": Violation(1002, "a rule"),
        }
        given = {each: values[each] for each in signature(getattr(Inputs, name)).parameters if each != "self"}
        getattr(self.inputs, name)(**given)

    def test_every_input_in_every_state(self) -> None:
        """None raises, none ends a session twice, and a session can be ended after each."""
        for state in STATES:
            for name in NAMES:
                self.arrive(state)
                self.put(name)
                self.put("abort")
                self.assertEqual(self.world.ledger.heard.count("ended"), 1, (state, name))

    def test_every_two_inputs_in_every_state(self) -> None:
        """The same after any two inputs, one after the other."""
        for state in STATES:
            for first in NAMES:
                for second in NAMES:
                    self.arrive(state)
                    for name in (first, second, "abort", second, first):
                        self.put(name)
                    self.assertEqual(self.world.ledger.heard.count("ended"), 1, (state, first, second))


class Life:
    """A session whose relay, services, client and clock do as chance says, within what their interfaces promise."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.world = World("a", "b")
        self.session = Session(self.world.opening(), MemoryLeg(), self.world.around)
        self.relay = self.world.relays.made[0]
        self.there = {Side.CLIENT}
        self.told: set[Side] = set()
        self.silent: set[Side] = set()
        self.events: list[tuple[Side, Callable[[], None]]] = []
        #: A service that is to be told to go; that was told.
        self.retiring = self.retired = False
        self.legs: list[MemoryLeg] = []
        self.attached: list[object] = []

    # What the session asked for.

    def obey(self) -> None:
        """Take notice of the session's commands, as a relay does: nothing for a side that is gone."""
        for command, *arguments in self.relay.taken():
            if command == "attach":
                self.events = [event for event in self.events if event[0] is not Side.SERVICE]
                self.there.add(Side.SERVICE)
                self.silent.discard(Side.SERVICE)
                self.told.discard(Side.SERVICE)
                self.retiring = self.retired = False
                self.attached.append(arguments[0])
            elif command == "retire":
                able = Side.SERVICE in self.there and Side.SERVICE not in self.silent | self.told
                self.retiring = True
                if not able:
                    self.stay()
            elif command in ("close", "drop"):
                assert isinstance(arguments[0], Side)
                self.told |= self.there & {arguments[0]}
                if arguments[0] is Side.SERVICE:
                    self.stay()
            elif command == "hold":
                self.stay()

    def stay(self) -> None:
        """Whatever happens to a service that is to be told to go, it happens after this."""
        if self.retiring:
            self.retiring = False
            self.events.append((Side.SERVICE, lambda: self.session.retired(False)))

    def retire(self) -> None:
        """The client's message ends, or does not."""
        if self.retiring and self.random.random() < 0.7:
            self.retiring, self.retired = False, True
            self.events.append((Side.SERVICE, lambda: self.session.retired(True)))
        else:
            self.stay()

    # What happens.

    def step(self) -> None:
        """One thing, if it can be."""
        self.random.choice((self.happen, self.happen, self.tell, self.dial, self.pass_time, self.decide, self.retire))()
        self.obey()

    def happen(self) -> None:
        """A peer does something; the session hears of it later, and in this order."""
        side = self.random.choice((Side.CLIENT, Side.SERVICE))
        if side in self.there:
            self.random.choice((self.close, self.lose, self.break_rule, self.stall, self.end))(side)

    def note(self, side: Side) -> None:
        """Something happens to ``side``."""
        if side is Side.SERVICE:
            self.stay()

    def close(self, side: Side) -> None:
        if side not in self.silent:
            self.note(side)
            self.silent.add(side)
            self.relay.waiting = (
                side is Side.CLIENT and (Side.SERVICE not in self.there or self.retired) and self.random.random() < 0.5
            )
            if self.retired and side is Side.SERVICE:
                self.relay.movable = self.random.random() < 0.8
            close = Close(self.random.choice((1000, 1001, 1012, 4000)))
            self.events.append((side, lambda: self.session.close_received(side, close)))

    def lose(self, side: Side) -> None:
        if self.retired and side is Side.SERVICE:
            self.end(side)
        elif side not in self.silent | self.told:
            self.note(side)
            self.there.discard(side)
            where = self.random.choice(list(Boundary))
            self.relay.movable = where is Boundary.MESSAGE
            self.events.append((side, lambda: self.session.lost(side, where)))

    def break_rule(self, side: Side) -> None:
        if side not in self.silent:
            self.note(side)
            self.silent.add(side)
            self.events.append((side, lambda: self.session.broken(side, Violation(1009, "too big"))))

    def stall(self, side: Side) -> None:
        self.events.append((side, lambda: self.session.stalled(side)))

    def end(self, side: Side) -> None:
        if side in self.silent | self.told or (self.retired and side is Side.SERVICE):
            if self.retired and side is Side.SERVICE:
                self.relay.movable = self.random.random() < 0.8
            self.there.discard(side)
            self.events.append((side, lambda: self.session.ended(side)))

    def tell(self) -> None:
        """The session hears of the oldest thing that happened."""
        if self.events:
            self.events.pop(0)[1]()

    def under_way(self) -> list[MemoryAttempt]:
        return [each for each in self.world.dialer.attempts if not each.cancelled and not each.ended]

    def dial(self) -> None:
        for attempt in self.under_way():
            if self.random.random() < 0.5:
                attempt.fail(self.random.choice((answered(401), answered(503), *[REFUSED] * 4)))
            else:
                self.legs.append(MemoryLeg(self.random.choice(("", "", "", "permessage-deflate"))))
                attempt.open(self.legs[-1])

    def pass_time(self) -> None:
        self.world.clock.advance(self.random.choice((0, 0.5, 1, 1, 40)))

    def decide(self) -> None:
        now = self.world.clock.seconds()
        chance = self.random.random()
        if chance < 0.05:
            self.random.choice((self.session.stop, self.session.taken_off))()
        elif chance < 0.4:
            self.session.relocate()
        elif chance < 0.45:
            self.session.check_idle(now + 1e6)
        elif chance < 0.5:
            self.world.register(*self.random.choice((("a", "b"), ("a",), ())))

    # The end.

    def settle(self) -> None:
        """Nobody does anything any more but what the session asks for, and the gateway stops."""
        for _ in range(20):
            self.tell_all()
            for attempt in self.under_way():
                attempt.fail()
            self.obey()
            self.retire()
            for side in tuple(self.there & self.told):
                self.end(side)
            if self.retired and Side.SERVICE in self.there:
                self.end(Side.SERVICE)
            self.world.clock.advance(31)
            self.obey()
        self.session.stop()
        self.obey()
        for _ in range(3):
            for side in tuple(self.there & self.told):
                self.end(side)
            self.tell_all()
            self.obey()

    def tell_all(self) -> None:
        while self.events:
            self.tell()
            self.obey()


class LifeTests(SynchronousTestCase):
    """Whatever happens, it ends, once, and leaves nothing behind."""

    def test_random_lives(self) -> None:
        """Every session that the gateway stops ends with one record, no timer, no dial and no leg that nobody owns."""
        causes = set()
        for seed in range(3000):
            life = Life(seed)
            for _ in range(life.random.randrange(1, 40)):
                life.step()
            life.settle()
            records = life.world.ledger.records
            self.assertEqual(len(records), 1, seed)
            self.assertEqual(life.world.ledger.heard.count("ended"), 1, seed)
            self.assertEqual(life.world.clock.getDelayedCalls(), [], seed)
            self.assertEqual(life.under_way(), [], seed)
            self.assertEqual(life.there, set(), seed)
            loose = [leg for leg in life.legs if not leg.abandoned and not any(leg is each for each in life.attached)]
            self.assertEqual(loose, [], seed)
            causes.add(records[0].cause)
        self.assertTrue(
            causes >= {Cause.NOT_MOVED, Cause.SERVICE_CLOSED, Cause.CLIENT_CLOSED, Cause.STOPPING, Cause.IDLE}
        )
