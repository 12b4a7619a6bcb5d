"""A session in a world of memory, and what is said of it in tests."""

from __future__ import annotations

from typing import Final

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.closing import Cause, Close
from apiml_ws.core.config import Propagation
from apiml_ws.core.interfaces import Boundary, Side
from apiml_ws.core.record import Exchange, SessionRecord
from apiml_ws.core.routing import Refusal
from apiml_ws.core.session import Session
from apiml_ws.core.settings import SessionSettings
from tests.core.doubles_session import MemoryLeg, MemoryRelay, World

BYE: Final = Close(4000, "Closed by user")
ANSWER: Final = Close(4001, "as you like")
RESTART: Final = Close(1012, "back soon")
LOST: Final = Close(1011, "Connection to the service was lost")
NOT_MOVED: Final = Close(1012, "Session could not be moved")
MOVED: Final = Close(1001, "Session moved")
INTERNAL: Final = Close(1011, "Internal error")
GONE: Final = Close(1001, "Client connection was lost")
NEVER: Final = SessionSettings(propagation=Propagation.NEVER)
ALWAYS: Final = SessionSettings(propagation=Propagation.ALWAYS)


class SessionTestCase(SynchronousTestCase):
    """A world with a session in it."""

    def begin(
        self,
        *names: str,
        settings: SessionSettings | None = None,
        client: MemoryLeg | None = None,
        target: Refusal | None = None,
    ) -> None:
        """A client has its 101; its service is dialled."""
        self.world = World(*(names or ("a", "b")))
        self.session = Session(self.world.opening(settings, target=target), client or MemoryLeg(), self.world.around)
        self.relay: MemoryRelay = self.world.relays.made[0]
        self.addCleanup(lambda: self.assertEqual(self.world.clock.getDelayedCalls(), []))

    def relaying(
        self,
        *names: str,
        settings: SessionSettings | None = None,
        leg: MemoryLeg | None = None,
        client: MemoryLeg | None = None,
    ) -> None:
        """The service is open too."""
        self.begin(*names, settings=settings, client=client)
        self.world.dialer.attempts[0].open(leg or MemoryLeg())
        self.relay.taken()

    def reattaching(self, *names: str, settings: SessionSettings | None = None) -> None:
        """The service was lost and another one is dialled."""
        self.relaying(*names, settings=settings)
        self.session.lost(Side.SERVICE, Boundary.MESSAGE)
        self.assertEqual(self.relay.taken(), [("hold",)])

    def told(self, *expected: tuple[Side, Close | None]) -> None:
        """Exactly these legs were closed since the last look; None stands for a connection that was dropped."""
        commands = [("drop", side) if close is None else ("close", side, close) for side, close in expected]
        self.assertEqual(self.relay.taken(), commands)

    def client_gone(self) -> None:
        self.session.ended(Side.CLIENT)

    def service_gone(self) -> None:
        self.session.ended(Side.SERVICE)

    def assert_ended(self, cause: Cause) -> SessionRecord:
        """It was recorded once, for this cause."""
        self.assertEqual([record.cause for record in self.world.ledger.records], [cause])
        return self.world.ledger.records[0]

    def end_both(self, cause: Cause) -> SessionRecord:
        """Both connections end, and nothing else is said."""
        self.assertEqual(self.world.ledger.records, [])
        self.client_gone()
        self.service_gone()
        self.assertEqual(self.relay.taken(), [])
        return self.assert_ended(cause)


class RelocationTestCase(SessionTestCase):
    """A session with a service that was taken off."""

    def seeking(self, *names: str, settings: SessionSettings | None = None) -> None:
        """Another service is looked for."""
        self.relaying(*names, settings=settings)
        self.session.relocate()
        self.assertEqual((self.relay.taken(), self.world.ledger.heard), ([], ["moving"]))

    def handing_over(self) -> MemoryLeg:
        """Another one is there, and the first is to be told."""
        self.seeking()
        leg = MemoryLeg()
        self.world.dialer.attempts[1].open(leg)
        self.assertEqual(self.relay.taken(), [("retire", MOVED)])
        return leg

    def retiring(self) -> MemoryLeg:
        """The first one was told."""
        leg = self.handing_over()
        self.session.retired(True)
        self.assertEqual(self.relay.taken(), [])
        return leg

    def goes_on_with(self, leg: MemoryLeg) -> None:
        """The session is at the other instance."""
        self.assertEqual(self.relay.taken(), [("attach", leg)])
        self.assertEqual(self.world.ledger.heard, ["moving", "moved"])
        self.session.close_received(Side.CLIENT, BYE)
        self.told((Side.SERVICE, BYE))
        self.session.close_received(Side.SERVICE, ANSWER)
        self.told((Side.CLIENT, ANSWER))
        record = self.end_both(Cause.CLIENT_CLOSED)
        self.assertEqual((record.moves, record.instance_id), (1, "b"))
        self.assertEqual(record.service, Exchange(sent=BYE, received=ANSWER))
