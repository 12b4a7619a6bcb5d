"""How many descriptors there may be, and are."""

from __future__ import annotations

import os
import resource

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.descriptors import open_descriptors, raise_limit


class LimitTests(SynchronousTestCase):
    """The limit of open files."""

    def setUp(self) -> None:
        """A system that remembers what was set; see :meth:`set`."""
        self.allowed = True
        self.told: list[object] = []
        self.patch(resource, "getrlimit", lambda which: (1024, 524288))
        self.patch(resource, "setrlimit", self.set)

    def set(self, which: int, limits: tuple[int, int]) -> None:
        """What setrlimit does."""
        if not self.allowed:
            raise ValueError("not allowed")
        self.told.append((which, limits))

    def test_it_is_raised_as_far_as_it_goes(self) -> None:
        """The soft one becomes the hard one."""
        self.assertEqual(524288, raise_limit())
        self.assertEqual([(resource.RLIMIT_NOFILE, (524288, 524288))], self.told)

    def test_it_stays_where_it_cannot_be_changed(self) -> None:
        """As under a filter of system calls."""
        self.allowed = False
        self.assertEqual(1024, raise_limit())


class OpenTests(SynchronousTestCase):
    """How many are open."""

    def test_they_are_counted(self) -> None:
        """One more file is one more."""
        before = open_descriptors()
        with open(os.devnull):
            self.assertEqual(before + 1, open_descriptors())

    def test_a_system_that_does_not_show_them(self) -> None:
        """It is a guess then."""

        def nothing(folder: str) -> list[str]:
            raise FileNotFoundError(folder)

        self.patch(os, "listdir", nothing)
        self.assertEqual(32, open_descriptors())
