"""Where connections wait that are not sessions."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.lobby import GRACE, PRESSED, RUSH, Lobby


class Somebody:
    """A guest that remembers whether it was turned out, and leaves at once then if ``prompt``."""

    def __init__(self, lobby: Lobby, prompt: bool = True) -> None:
        self.lobby = lobby
        self.prompt = prompt
        self.turned_out = False

    def turn_out(self) -> None:
        """Leave."""
        self.turned_out = True
        if self.prompt:
            self.lobby.leave(self)


class LobbyTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.core.lobby.Lobby`, with four seats."""

    def setUp(self) -> None:
        """Four guests."""
        self.clock = Clock()
        self.lobby = Lobby(4, "gateway", self.clock.seconds)
        self.guests = [self.comes() for _ in range(4)]

    def comes(self, prompt: bool = True) -> Somebody:
        """One more."""
        guest = Somebody(self.lobby, prompt)
        self.lobby.wait(guest)
        return guest

    def out(self) -> list[int]:
        """Which of the four were turned out."""
        return [number for number, guest in enumerate(self.guests) if guest.turned_out]

    def test_room(self) -> None:
        """As many as there are seats; when there is none, as many as have waited for a while, which nobody does at first."""
        self.assertEqual(0, self.lobby.room())
        self.lobby.leave(self.guests[0])
        self.assertEqual(1, self.lobby.room())
        self.comes()
        self.clock.advance(GRACE / 2)
        self.lobby.wait(self.guests[1])
        self.assertEqual(0, self.lobby.room())
        self.clock.advance(GRACE / 2)
        self.assertEqual(3, self.lobby.room())
        self.clock.advance(GRACE / 2)
        self.assertEqual(4, self.lobby.room())

    def test_a_rush_that_does_not_end(self) -> None:
        """Those who come are given less time; the usual again when half of the seats were free for once."""
        self.assertEqual(0, self.lobby.room())
        self.clock.advance(RUSH)
        for guest in self.guests:
            self.lobby.wait(guest)
        self.clock.advance(PRESSED)
        self.assertEqual(4, self.lobby.room())
        self.lobby.leave(self.guests[0])
        self.lobby.leave(self.guests[1])
        for guest in (*self.guests[2:], self.comes(), self.comes()):
            self.lobby.wait(guest)
        self.clock.advance(PRESSED)
        self.assertEqual(0, self.lobby.room())

    def test_room_of_those_that_are_served(self) -> None:
        """When nobody else is there, it is theirs."""
        for guest in self.guests:
            self.lobby.serve(guest)
        self.assertEqual(0, self.lobby.room())
        self.clock.advance(GRACE)
        self.assertEqual(4, self.lobby.room())

    def test_the_longest_wait_ends(self) -> None:
        """One goes for one that comes, the oldest first; one that waits anew is not old."""
        self.lobby.wait(self.guests[0])
        self.assertEqual([], self.out())
        self.comes()
        self.assertEqual([1], self.out())
        self.comes(prompt=False)
        self.assertEqual([1, 2], self.out())
        self.assertEqual(4, len(self.lobby))

    def test_whoever_is_served_stays_longer(self) -> None:
        """The oldest of the others goes; when there is none but the newcomer, the oldest of those that are served."""
        self.lobby.serve(self.guests[0])
        self.lobby.serve(self.guests[1])
        self.comes()
        self.comes()
        self.assertEqual([2, 3], self.out())
        self.setUp()
        for guest in self.guests:
            self.lobby.serve(guest)
        newcomer = self.comes()
        self.assertEqual(([0], False), (self.out(), newcomer.turned_out))

    def test_no_seats_at_all(self) -> None:
        """Whoever comes has to go."""
        self.lobby = Lobby(0, "gateway", self.clock.seconds)
        self.assertTrue(self.comes().turned_out)

    def test_whoever_was_turned_out_is_nobody(self) -> None:
        """Though it is only on its way out, and something is still done for it."""
        self.comes()
        self.lobby.serve(self.guests[0])
        self.lobby.leave(self.guests[0])
        self.assertEqual(4, len(self.lobby))

    def test_those_that_leave_make_room(self) -> None:
        """Waiting or served."""
        self.lobby.serve(self.guests[0])
        self.lobby.leave(self.guests[0])
        self.lobby.leave(self.guests[1])
        self.comes()
        self.comes()
        self.assertEqual([], self.out())

    def test_what_is_said(self) -> None:
        """Once that there are too many, and once that half of the seats are free."""
        with capturedLogs() as logs:
            crowd = [self.comes() for _ in range(10)]
            for guest in crowd[-4:]:
                self.lobby.leave(guest)
        self.assertEqual([LogLevel.warn, LogLevel.info], [event["log_level"] for event in logs])
