"""Which instance of a service gets the next session.

Only instances that are UP are chosen from; those that could not be dialled are passed over while another is left
(:mod:`apiml_ws.core.passing_over`).  Among the rest the service's own word decides (:mod:`apiml_ws.core.sharing`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

from twisted.logger import Logger

from apiml_ws.core.callers import NOBODY, Caller
from apiml_ws.core.interfaces import DialFailure
from apiml_ws.core.newcomers import Newcomers
from apiml_ws.core.occupancy import Occupancy, Stay
from apiml_ws.core.passing_over import PassingOver
from apiml_ws.core.registry import Instance, Service, Snapshot
from apiml_ws.core.sharing import TYPE, Sharing, sharing
from apiml_ws.core.stickiness import Pin, Stickiness, lifetime
from apiml_ws.core.turns import Turns

#: Characters of a word from a registry that go to the log.
_SHOWN: Final = 40


class Balancer:
    """Chooses, and hears of every dial what came of it.

    ``seconds`` tells the time, ``random`` gives numbers from 0 up to 1.  ``occupancy`` counts the sessions of instances;
    those who open and end sessions keep it.
    """

    _log = Logger()

    def __init__(self, seconds: Callable[[], float], random: Callable[[], float]) -> None:
        self._turns = Turns()
        self._newcomers = Newcomers()
        self._stickiness = Stickiness(seconds)
        self._passing_over = PassingOver(seconds, random)
        self._unknown: dict[str, str] = {}
        self.occupancy = Occupancy(self._newcomers.renew)

    def choose(self, service: Service, caller: Caller = NOBODY, exclude: Collection[str] = ()) -> Instance | None:
        """The instance for ``caller``, none of those whose ids are in ``exclude``; None if no other is UP."""
        kind = self._sharing(service)
        free = [each for each in service.up if each.instance_id not in exclude]
        if kind is Sharing.HEADER_REQUEST and caller.instance_id:
            free = [each for each in free if caller.accepts(each)]
            return free[0] if free else None
        candidates = self._passing_over.spared(free)
        if kind is Sharing.LEAST_SESSIONS and candidates:
            return self._emptiest(service, candidates)
        known = None
        if kind is Sharing.AUTHENTICATION:
            known = self._stickiness.among(candidates, service.service_id, caller.user)
        return known or self._turns.next(service, candidates)

    def dialled(self, service: Service, instance: Instance, caller: Caller) -> Visit:
        """``instance`` of ``service`` is dialled for ``caller``; what comes of it is to be told to the answer."""
        self._passing_over.dialled(instance)
        pin = None
        if caller.user and self._sharing(service) is Sharing.AUTHENTICATION:
            pin = self._stickiness.pin(instance, caller.user, lifetime(service.metadata))
        stay = self.occupancy.stay()
        stay.enter(instance)
        return Visit(instance, self, stay, pin)

    def reached(self, instance: Instance) -> None:
        """``instance`` answered."""
        if self._passing_over.reached(instance):
            self._newcomers.renew(instance)

    def unreached(self, instance: Instance) -> None:
        """``instance`` could not be dialled."""
        self._passing_over.failed(instance)

    def retain(self, snapshot: Snapshot) -> None:
        """Forget what ``snapshot`` does not know any more, so that it does not pile up."""
        self._turns.retain(snapshot)
        self._newcomers.retain(snapshot)
        self._passing_over.retain(snapshot)
        self._unknown = {each: word for each, word in self._unknown.items() if each in snapshot.services}

    def _emptiest(self, service: Service, candidates: Sequence[Instance]) -> Instance | None:
        levels = self._newcomers.levels(service, {each.instance_id: self.occupancy[each] for each in service.up})
        lowest = min(levels[each.instance_id] for each in candidates)
        self._newcomers.ease(service)
        return self._turns.next(service, [each for each in candidates if levels[each.instance_id] == lowest])

    def _sharing(self, service: Service) -> Sharing:
        """What ``service`` asks for; a word that is not known is logged once."""
        kind = sharing(service.metadata)
        if kind is None:
            word = service.metadata[TYPE][:_SHOWN]
            if self._unknown.get(service.service_id) != word:
                self._unknown[service.service_id] = word
                self._log.warn(
                    "service {service}: apiml.lb.type {word!r} is unknown, roundRobin holds",
                    service=service.service_id,
                    word=word,
                )
            return Sharing.ROUND_ROBIN
        return kind


class Visit:
    """One dial of an instance, as balancing sees it; it ends once, by one of its methods."""

    __slots__ = ("_balancer", "_instance", "_pin", "_stay")

    def __init__(self, instance: Instance, balancer: Balancer, stay: Stay, pin: Pin | None) -> None:
        self._instance = instance
        self._balancer = balancer
        self._stay = stay
        self._pin = pin

    def opened(self) -> None:
        """There is a leg."""
        self._stay.leave()
        self._balancer.reached(self._instance)
        if self._pin is not None:
            self._pin.keep()

    def failed(self, failure: DialFailure) -> None:
        """There is none.  Whoever answered in HTTP, whatever it said, can be dialled."""
        self.cancelled()
        if failure.final:
            self._balancer.reached(self._instance)
        else:
            self._balancer.unreached(self._instance)

    def cancelled(self) -> None:
        """Nobody wants to know any more."""
        self._stay.leave()
        if self._pin is not None:
            self._pin.drop()
