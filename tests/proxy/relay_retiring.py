"""How any relay lets a service go in good order, so that another one can take its place."""

from __future__ import annotations

from apiml_ws.core.closing import Close
from apiml_ws.core.frames import Opcode
from apiml_ws.core.interfaces import Limits
from tests.proxy.relay_case import (
    BYE,
    CLIENT,
    SERVICE,
    RelayCase,
    answered,
    asked,
    to_client,
    to_service,
)

MOVED = Close(1001, "Session moved")
LEAVE = to_service(Opcode.CLOSE, MOVED.payload())
LEFT = answered(MOVED.payload(), Opcode.CLOSE)


class Retiring(RelayCase):
    """A service that goes, and the one that takes its place."""

    def goes(self, *events: tuple[object, ...]) -> None:
        """It is told so at once."""
        self.heard(("retired", True), *events)
        self.assertTrue(self.service.received.endswith(LEAVE))

    def replaced(self, frames: bytes) -> None:
        """The next one gets exactly ``frames``."""
        self.assertTrue(self.relay.movable)
        self.attach()
        self.settle()
        self.assertEqual(frames, self.service.received)

    def test_between_messages_it_is_told_at_once(self) -> None:
        """What the client sends from then on waits for the next one; its pings are answered."""
        relay = self.couple()
        self.client.peer_sends(asked(b"1"))
        self.settle()
        relay.retire(MOVED)
        self.assertEqual([], self.witness.heard, "told from within a command")
        self.goes()
        self.client.peer_sends(asked(b"2") + asked(b"?", Opcode.PING) + asked(b"3")[:8])
        self.settle()
        self.assertEqual(asked(b"1") + LEAVE, self.service.received)
        self.assertEqual(to_client(Opcode.PONG, b"?"), self.client.received)
        self.assertTrue(relay.waiting)
        self.service.peer_sends(LEFT)
        self.heard(("close", SERVICE, MOVED))
        self.replaced(asked(b"2") + asked(b"3")[:8])
        self.client.peer_sends(asked(b"3")[8:] + asked(b"?", Opcode.PING))
        self.settle()
        self.assertEqual(asked(b"2") + asked(b"3") + asked(b"?", Opcode.PING), self.service.received)

    def test_what_it_still_sends_comes_before_anything_of_the_next(self) -> None:
        """Up to its own close frame."""
        relay = self.couple()
        relay.retire(MOVED)
        self.goes()
        self.service.peer_sends(answered(b"a", first=0))
        self.service.peer_sends(answered(b"b", Opcode.CONTINUATION) + answered(b"c") + LEFT + answered(b"never"))
        self.heard(("close", SERVICE, MOVED))
        self.attach(early=answered(b"d"))
        self.settle()
        expected = answered(b"a", first=0) + answered(b"b", Opcode.CONTINUATION) + answered(b"c") + answered(b"d")
        self.assertEqual(expected, self.client.received)

    def test_the_message_under_way_ends_first(self) -> None:
        """And those that came whole with its end; what follows waits for the next service."""
        message = asked(b"frag", first=0) + asked(b"p", Opcode.PING) + asked(b"ment", Opcode.CONTINUATION)
        for cut in (2 + 4, 8, 12, len(message) - 2):
            relay = self.couple()
            self.client.peer_sends(message[:cut])
            self.settle()
            relay.retire(MOVED)
            self.service.peer_sends(answered(b"still here"))
            self.heard()
            self.assertEqual(answered(b"still here"), self.client.received)
            self.client.peer_sends(message[cut:-1])
            self.heard()
            self.client.peer_sends(message[-1:] + asked(b"next") + asked(b"over", first=0))
            self.goes()
            self.assertEqual(message + asked(b"next") + LEAVE, self.service.received)
            self.service.peer_ends()
            self.heard(("ended", SERVICE))
            self.replaced(asked(b"over", first=0))

    def test_a_message_that_does_not_end_in_time(self) -> None:
        """The service stays, and can be asked to go again."""
        relay = self.couple()
        self.client.peer_sends(asked(b"12")[:7])
        self.settle()
        relay.retire(MOVED)
        self.pass_time(4.9)
        self.heard()
        self.pass_time(0.2)
        self.heard(("retired", False))
        self.client.peer_sends(asked(b"12")[7:] + asked(b"3"))
        self.settle()
        self.service.takes = 2
        self.client.peer_sends(asked(b"4"))
        self.settle()
        self.service.takes = None
        self.client.peer_sends(asked(b"5"))
        self.settle()
        self.assertEqual(asked(b"12") + asked(b"3") + asked(b"4") + asked(b"5"), self.service.received)
        relay.retire(MOVED)
        self.goes()

    def test_what_prevents_it(self) -> None:
        """Is told after it, as it would be alone."""
        for sent, told in (
            (answered(BYE.payload(), Opcode.CLOSE), ("close", SERVICE, BYE)),
            (answered(b"", 3), ("broken", SERVICE, 1002)),
        ):
            relay = self.couple()
            self.client.peer_sends(asked()[:7])
            self.settle()
            relay.retire(MOVED)
            self.service.peer_sends(sent)
            self.heard(("retired", False), told)
            self.pass_time(20)
            self.heard()

    def test_a_loss_prevents_it(self) -> None:
        """And what the service has of the message is said again to the next one."""
        relay = self.couple()
        self.client.peer_sends(asked()[:7])
        self.settle()
        relay.retire(MOVED)
        self.service.peer_breaks()
        self.settle()
        self.assertEqual([("retired", False), ("lost", SERVICE)], [event[:2] for event in self.witness.taken()])
        self.client.peer_sends(asked()[7:])
        self.settle()
        self.replaced(asked())

    def test_commands_that_prevent_it(self) -> None:
        """Whoever closes, drops or holds does not wait for the end of a message."""
        for command, events in (
            (lambda: self.relay.close(SERVICE, BYE), []),
            (lambda: self.relay.drop(SERVICE), [("ended", SERVICE)]),
            (lambda: self.relay.hold(), []),
        ):
            relay = self.couple()
            self.client.peer_sends(asked(b"x", first=0))
            self.settle()
            relay.retire(MOVED)
            command()
            self.heard(("retired", False), *events)
            self.client.peer_sends(asked(b"y", Opcode.CONTINUATION))
            self.settle()
            self.assertNotIn(LEAVE, self.service.received)

    def test_when_there_is_no_service_that_could_go(self) -> None:
        """None yet, one that was lost, is left, said close or is told to: nothing comes of it."""
        self.open().retire(MOVED)
        self.heard(("retired", False))
        relay = self.couple()
        relay.close(SERVICE, BYE)
        relay.retire(MOVED)
        self.heard(("retired", False))
        relay = self.couple()
        relay.hold()
        relay.retire(MOVED)
        self.heard(("retired", False))
        relay = self.couple()
        self.service.peer_sends(answered(BYE.payload(), Opcode.CLOSE))
        self.heard(("close", SERVICE, BYE))
        relay.retire(MOVED)
        self.heard(("retired", False))
        relay.drop(SERVICE)
        self.heard(("ended", SERVICE))
        relay.retire(MOVED)
        self.heard(("retired", False))

    def test_asked_twice(self) -> None:
        """The second one changes nothing."""
        relay = self.couple()
        self.client.peer_sends(asked()[:7])
        self.settle()
        relay.retire(MOVED)
        relay.retire(MOVED)
        self.heard(("retired", False))
        self.client.peer_sends(asked()[7:])
        self.goes()

    def test_what_it_did_not_take_goes_to_the_next(self) -> None:
        """The kernel had no room for it: it cannot have been received."""
        relay = self.couple()
        self.service.takes = len(asked(b"1")) + 2
        self.client.peer_sends(asked(b"1") + asked(b"2"))
        self.settle()
        relay.retire(MOVED)
        self.heard(("retired", True))
        self.client.peer_sends(asked(b"3"))
        self.pass_time(5.1)
        self.heard(("ended", SERVICE))
        self.replaced(asked(b"2") + asked(b"3"))

    def test_a_service_that_breaks_off_at_the_end_of_the_message(self) -> None:
        """The message and what follows it go to the next."""
        relay = self.couple()
        self.client.peer_sends(asked(b"12")[:7])
        self.settle()
        relay.retire(MOVED)
        self.service.broken = True
        self.client.peer_sends(asked(b"12")[7:] + asked(b"3"))
        self.poller.watched[self.client.fileno()][1].ready(1)
        self.settle()
        self.assertEqual([("retired", False), ("lost", SERVICE)], [event[:2] for event in self.witness.taken()])
        self.replaced(asked(b"12") + asked(b"3"))

    def test_closing_it_after_it_was_told(self) -> None:
        """Nothing more of it is passed on, and it is told no second close."""
        relay = self.couple()
        relay.retire(MOVED)
        self.goes()
        relay.close(CLIENT, BYE)
        relay.close(SERVICE, BYE)
        self.service.peer_sends(answered() + LEFT)
        self.heard(("close", SERVICE, MOVED))
        self.assertEqual(to_client(Opcode.CLOSE, BYE.payload()), self.client.received)
        self.assertEqual(LEAVE, self.service.received)

    def test_the_client_closes_meanwhile(self) -> None:
        """Its close is reported, and what came before it waits or was delivered."""
        relay = self.couple()
        relay.retire(MOVED)
        self.client.peer_sends(asked(b"1") + asked(BYE.payload(), Opcode.CLOSE))
        self.goes(("close", CLIENT, BYE))
        self.assertTrue(relay.waiting)
        relay = self.couple()
        self.client.peer_sends(asked(b"1")[:-1])
        self.settle()
        relay.retire(MOVED)
        self.client.peer_sends(asked(b"1")[-1:] + asked(BYE.payload(), Opcode.CLOSE))
        self.goes(("close", CLIENT, BYE))
        self.assertFalse(relay.waiting)
        self.assertEqual(asked(b"1") + LEAVE, self.service.received)

    def test_the_limit_holds_for_what_waits(self) -> None:
        """Then the client is not read."""
        relay = self.couple(Limits(waiting_limit=100))
        relay.retire(MOVED)
        self.goes()
        for _ in range(50):
            self.client.peer_sends(asked(b"12345"))
        self.settle()
        self.service.peer_sends(LEFT)
        self.heard(("close", SERVICE, MOVED))
        self.replaced(asked(b"12345") * 50)

    def test_the_next_one_may_be_asked_to_go_too(self) -> None:
        """All begins anew."""
        relay = self.couple()
        for _ in range(3):
            relay.retire(MOVED)
            self.goes()
            self.client.peer_sends(asked())
            self.service.peer_sends(LEFT)
            self.heard(("close", SERVICE, MOVED))
            self.replaced(asked())

    def test_one_that_went_is_let_go_in_good_order(self) -> None:
        """Its connection is ended with all that belongs to it."""
        relay = self.couple()
        relay.retire(MOVED)
        self.goes()
        self.service.peer_sends(LEFT)
        self.heard(("close", SERVICE, MOVED))
        former = self.service
        self.attach()
        self.assertEqual((True, True), (former.finished, former.closed))
        self.heard()
