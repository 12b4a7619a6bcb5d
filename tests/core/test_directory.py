"""The union of what the sources last said."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.directory import Directory
from apiml_ws.core.registry import EMPTY, Snapshot, snapshot, union
from tests.core.doubles_registry import an_instance

ONE = snapshot([an_instance("one")])
TWO = snapshot([an_instance("two")])


class DirectoryTests(SynchronousTestCase):
    """A directory with two sources."""

    def setUp(self) -> None:
        """A clock, a directory and somebody who listens."""
        self.clock = Clock()
        self.directory = Directory(["eureka", "static"], self.clock.seconds)
        self.heard: list[Snapshot] = []
        self.directory.subscribe(self.heard.append)

    def test_before_anything_was_read(self) -> None:
        """Nothing is known, no source has an age, and the gateway is not ready."""
        self.assertEqual((self.directory.snapshot, self.directory.ready), (EMPTY, False))
        self.assertEqual(self.directory.sources, ("eureka", "static"))
        self.assertEqual([self.directory.age(source) for source in self.directory.sources], [None, None])

    def test_ready_with_one_source(self) -> None:
        """One source that was read is enough, even if it was empty."""
        self.directory.update("static", EMPTY)
        self.assertTrue(self.directory.ready)
        self.assertEqual(self.heard, [])

    def test_union(self) -> None:
        """Services of all sources are there, and listeners hear of each change."""
        self.directory.update("static", TWO)
        self.directory.update("eureka", ONE)
        self.assertEqual(list(self.directory.snapshot.services), ["one", "two"])
        self.assertEqual([sorted(snap.services) for snap in self.heard], [["two"], ["one", "two"]])

    def test_source_replaces_what_it_said(self) -> None:
        """A service that its source does not name any more is gone; those of other sources stay."""
        self.directory.update("eureka", ONE)
        self.directory.update("static", TWO)
        self.directory.update("eureka", EMPTY)
        self.assertEqual(list(self.directory.snapshot.services), ["two"])

    def test_same_again(self) -> None:
        """An update that changes nothing is not told, and keeps the very snapshot."""
        self.directory.update("eureka", ONE)
        before = self.directory.snapshot
        self.directory.update("eureka", snapshot([an_instance("one")]))
        self.assertEqual(len(self.heard), 1)
        self.assertIs(self.directory.snapshot, before)

    def test_age(self) -> None:
        """The age of a source counts from when it was last read or confirmed."""
        self.directory.update("eureka", ONE)
        self.clock.advance(5)
        self.assertEqual((self.directory.age("eureka"), self.directory.age("static")), (5, None))
        self.directory.confirm("eureka")
        self.clock.advance(1)
        self.assertEqual(self.directory.age("eureka"), 1)

    def test_restored(self) -> None:
        """What a source said before the start stands in for it, with its age, until the source is read or confirms it."""
        self.directory.restore("eureka", ONE, 90)
        self.assertEqual((self.directory.ready, self.heard), (True, [ONE]))
        self.clock.advance(5)
        self.assertEqual((self.directory.age("eureka"), self.directory.restored("eureka")), (95, True))
        self.directory.confirm("eureka")
        self.assertEqual((self.directory.age("eureka"), self.directory.restored("eureka")), (0, False))
        self.directory.restore("eureka", ONE, 90)
        self.directory.update("eureka", TWO)
        self.assertFalse(self.directory.restored("eureka"))

    def test_when_ready(self) -> None:
        """Who waits is told once, at the first read, empty as it may be; who asks later, at once."""
        told: list[str] = []
        self.directory.when_ready(lambda: told.append("early"))
        self.directory.confirm("static")
        self.assertEqual(told, [])
        self.directory.update("static", EMPTY)
        self.directory.update("eureka", ONE)
        self.assertEqual(told, ["early"])
        self.directory.when_ready(lambda: told.append("late"))
        self.assertEqual(told, ["early", "late"])

    def test_confirming_is_no_change(self) -> None:
        """A confirmed source says nothing new."""
        self.directory.confirm("static")
        self.assertEqual((self.heard, self.directory.ready), ([], False))

    def test_listener_subscribes_another(self) -> None:
        """Who subscribes while a change is told hears of the next one."""
        late: list[Snapshot] = []
        self.directory.subscribe(lambda _: self.directory.subscribe(late.append))
        self.directory.update("eureka", ONE)
        self.assertEqual(late, [])
        self.directory.update("static", TWO)
        self.assertEqual(late, [self.directory.snapshot])

    def test_amendment(self) -> None:
        """What an operator adds holds over the union, whoever it came from, and is what listeners hear."""
        self.directory.amend(lambda snap: union([snap, TWO]) if snap.services else snap)
        self.directory.update("static", EMPTY)
        self.directory.update("eureka", ONE)
        self.assertEqual(list(self.directory.snapshot.services), ["one", "two"])
        self.assertEqual(self.heard, [self.directory.snapshot])
