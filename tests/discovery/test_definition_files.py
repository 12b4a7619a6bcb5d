"""Folders of definitions: read, and read again."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.directory import Directory
from apiml_ws.core.registry import instance, snapshot
from apiml_ws.discovery import definition_files
from apiml_ws.discovery.definition_files import DefinitionReader


def defined(*service_ids: str) -> str:
    """A file that defines services."""
    return (
        "services: ["
        + ", ".join(f"{{serviceId: {each}, instanceBaseUrls: ['http://h:1']}}" for each in service_ids)
        + "]"
    )


class ReaderTests(SynchronousTestCase):
    """A reader of two folders, which looks every 5 s."""

    def setUp(self) -> None:
        """Two empty folders."""
        self.clock = Clock()
        self.directory = Directory(["eureka", "static"], self.clock.seconds)
        self.one, self.two = Path(self.mktemp()), Path(self.mktemp())
        self.one.mkdir()
        self.two.mkdir()
        self.reader = DefinitionReader([str(self.one), str(self.two)], self.clock, self.directory)
        self.writes = 0

    def tearDown(self) -> None:
        """Nothing is left scheduled."""
        self.reader.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def write(self, path: Path, text: str) -> None:
        """Write a file, with a time of its own, since two writes may fall into one tick."""
        path.write_text(text, encoding="utf-8")
        self.writes += 1
        os.utime(path, (self.writes, self.writes))

    def services(self) -> list[str]:
        """All services."""
        return list(self.directory.snapshot.services)

    def test_read_at_the_start(self) -> None:
        """All files of the right name in all folders are read before the start is over; folders in them are not."""
        self.write(self.one / "b.yml", defined("b"))
        self.write(self.one / "a.yaml", defined("a"))
        self.write(self.two / "c.yml", "\ufeff" + defined("c"))
        self.write(self.one / "no.txt", defined("no"))
        (self.one / "folder.yml").mkdir()
        self.reader.startService()
        self.assertEqual(self.services(), ["a", "b", "c"])

    def test_ready_without_files(self) -> None:
        """Empty folders were read, too."""
        self.reader.startService()
        self.assertTrue(self.directory.ready)

    def test_changes(self) -> None:
        """A file that changes, appears or disappears is noticed at the next look."""
        self.write(self.one / "a.yml", defined("a"))
        self.reader.startService()
        self.write(self.one / "a.yml", defined("b"))
        self.write(self.two / "c.yml", defined("c"))
        self.clock.advance(4)
        self.assertEqual(self.services(), ["a"])
        self.clock.advance(1)
        self.assertEqual(self.services(), ["b", "c"])
        (self.one / "a.yml").unlink()
        self.clock.advance(5)
        self.assertEqual(self.services(), ["c"])

    def test_only_what_changed_is_read(self) -> None:
        """Nothing is read while nothing changes, but the directory is told that it still holds."""
        self.write(self.one / "a.yml", defined("a"))
        self.reader.startService()
        self.patch(definition_files, "read_definitions", self.fail)
        self.clock.advance(5)
        self.assertEqual(self.directory.age("static"), 0)

    def test_broken_file_keeps_what_it_said(self) -> None:
        """A file that breaks is named in the log once and keeps its services; repaired it counts again."""
        self.write(self.one / "a.yml", defined("a"))
        self.write(self.one / "b.yml", defined("b"))
        self.reader.startService()
        for broken in ("services: [{serviceid: a}]", ""):
            with capturedLogs() as events:
                self.write(self.one / "a.yml", broken)
                self.clock.pump([5, 5])
            self.assertEqual(self.services(), ["a", "b"])
            (problem,) = (event["problem"] for event in events)
            self.assertIn(str(self.one / "a.yml"), problem)
        self.write(self.one / "a.yml", defined("c"))
        self.clock.advance(5)
        self.assertEqual(self.services(), ["c", "b"])

    def test_files_that_cannot_be_read(self) -> None:
        """What is not UTF-8, too long or not to be opened is named, and the other files count."""
        (self.one / "a.yml").write_bytes(b"\xff")
        (self.one / "b.yml").write_bytes(b" " * (definition_files.FILE_LIMIT + 1))
        self.write(self.one / "c.yml", defined("c"))
        self.write(self.one / "d.yml", defined("d"))
        opened = open

        def denied(path: str, *rest: Any, **more: Any) -> object:
            if str(path).endswith("d.yml"):
                raise PermissionError(13, "Permission denied")
            return opened(path, *rest, **more)

        # Root may open any file, whatever its mode.
        self.patch(builtins, "open", denied)
        with capturedLogs() as events:
            self.reader.startService()
        self.assertEqual(self.services(), ["c"])
        problems = sorted(event["problem"] for event in events)
        for problem, word in zip(problems, ("not UTF-8", "longer than", "Permission denied"), strict=True):
            self.assertIn("ZWEAD701E", problem)
            self.assertIn(word, problem)

    def test_missing_folder(self) -> None:
        """A folder that is not there is named once; if it was there before, its services stay."""
        self.write(self.one / "a.yml", defined("a"))
        self.two.rmdir()
        with capturedLogs() as events:
            self.reader.startService()
            self.clock.pump([5, 5])
        self.assertIn("ZWEAD700W", events[0]["problem"])
        self.assertEqual(len(events), 1)
        self.one.rename(f"{self.one}.away")
        self.two.mkdir()
        self.write(self.two / "b.yml", defined("b"))
        self.clock.advance(5)
        self.assertEqual(self.services(), ["a", "b"])

    def test_unreadable_folder(self) -> None:
        """A folder that may not be read is another problem."""

        def denied(folder: str) -> object:
            raise PermissionError(13, "Permission denied")

        self.patch(os, "scandir", denied)
        with capturedLogs() as events:
            self.reader.startService()
        self.assertIn("ZWEAD703E", events[0]["problem"])
        self.assertIn("Permission denied", events[0]["problem"])

    def test_additional_metadata(self) -> None:
        """What a file adds to a service holds for instances of other sources, and is taken away with the file."""
        dynamic = snapshot([instance("dynamic", "1", "h", 1, secure=False, metadata={"a": "own"})])
        addition = "additionalServiceMetadata: [{serviceId: Dynamic, customMetadata: {a: other, b: added}}]"
        self.write(self.one / "a.yml", addition)
        self.reader.startService()
        self.directory.update("eureka", dynamic)
        metadata = self.directory.snapshot.services["dynamic"].metadata
        self.assertEqual((metadata["a"], metadata["b"]), ("own", "added"))
        (self.one / "a.yml").unlink()
        self.clock.advance(5)
        self.assertEqual(self.directory.snapshot, dynamic)

    def test_two_additions_to_one_service(self) -> None:
        """The last one counts, and the log says so."""
        for name, value in (("a.yml", "1"), ("b.yml", "2")):
            addition = f"additionalServiceMetadata: [{{serviceId: dynamic, customMetadata: {{a: {value}}}}}]"
            self.write(self.one / name, addition)
        with capturedLogs() as events:
            self.reader.startService()
        self.directory.update("eureka", snapshot([instance("dynamic", "1", "h", 1, secure=False)]))
        self.assertEqual(self.directory.snapshot.services["dynamic"].metadata["a"], "2")
        self.assertEqual([event["service"] for event in events], ["dynamic"])

    def test_stopped(self) -> None:
        """A reader that was stopped looks no more, and what it read stays."""
        self.write(self.one / "a.yml", defined("a"))
        self.reader.startService()
        self.reader.stopService()
        (self.one / "a.yml").unlink()
        self.clock.advance(10)
        self.assertEqual(self.services(), ["a"])
