"""How many sessions there may be."""

from __future__ import annotations

from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.places import Place, Places


class PlacesTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.core.places.Places`."""

    def setUp(self) -> None:
        """A hundred places, as many sessions as a test says."""
        self.sessions = 0
        self.places = Places(100, lambda: self.sessions)

    def keep(self) -> Place:
        """A place; there is one."""
        place = self.places.keep()
        assert place is not None
        return place

    def test_those_on_the_way_in_count(self) -> None:
        """A place is kept until whoever it is for has a session, which counts itself, or has none after all."""
        self.sessions = 98
        first, second = self.keep(), self.keep()
        self.assertIsNone(self.places.keep())
        self.sessions += 1
        first.let_go()
        self.assertIsNone(self.places.keep())
        second.let_go()
        second.let_go()
        self.keep()
        self.assertIsNone(self.places.keep())

    def test_what_is_said(self) -> None:
        """Once that there is no room, and once that there is again, however many come and go between."""
        with capturedLogs() as logs:
            for self.sessions in (100, 99, 100, 96, 100):
                self.places.keep()
                self.places.look()
            self.sessions = 90
            self.places.look()
            self.places.look()
        self.assertEqual([LogLevel.warn, LogLevel.info], [event["log_level"] for event in logs])

    def test_few_places(self) -> None:
        """Where a twentieth is less than one place, it takes one; where there is no place at all, it is never over."""
        for count, free, said in ((3, 2, 2), (0, 0, 1)):
            self.sessions = count
            self.places = Places(count, lambda: self.sessions)
            with capturedLogs() as logs:
                self.places.keep()
                self.places.look()
                self.sessions = free
                self.places.look()
            self.assertEqual(said, len(logs))
