"""A listing on disk."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.registry import Status
from apiml_ws.discovery.backup_file import BackupError, confirm_backup, read_backup, write_backup
from apiml_ws.discovery.registration import Action
from tests.discovery.doubles_registrations import applications_json, instance_json, registration

LISTED = (registration("a", action=Action.ADDED, metadata={"ä": "1"}), registration("b", "OTHER", status=Status.DOWN))


class BackupFileTests(SynchronousTestCase):
    """A file in a folder of its own."""

    def setUp(self) -> None:
        """The folder."""
        self.path = Path(self.mktemp()).absolute() / "registry.json"
        self.path.parent.mkdir(parents=True)

    def why_not(self, limit: int = 10_000) -> str:
        """Why the file is not read."""
        with self.assertRaises(BackupError) as caught:
            read_backup(self.path, limit)
        return str(caught.exception)

    def test_what_is_written_is_read(self) -> None:
        """Every instance comes back as it was, with the time at which that was confirmed."""
        write_backup(self.path, LISTED, 1_000_000_000)
        restored = read_backup(self.path)
        assert restored is not None
        self.assertEqual((restored.registrations, restored.confirmed), (LISTED, 1_000_000_000))
        confirm_backup(self.path, 1_000_000_060)
        restored = read_backup(self.path)
        assert restored is not None
        self.assertEqual(restored.confirmed, 1_000_000_060)

    def test_for_our_eyes_only(self) -> None:
        """The file is its owner's alone, whatever the mask says, and nothing else stays in the folder."""
        self.addCleanup(os.umask, os.umask(0))
        write_backup(self.path, LISTED, 1)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(list(self.path.parent.iterdir()), [self.path])

    def test_replaced_in_one_step(self) -> None:
        """A write that was cut short before leaves the old file as it was, and is no hindrance to the next one."""
        write_backup(self.path, LISTED[:1], 1)
        elsewhere = self.path.with_name("elsewhere")
        elsewhere.write_text("precious")
        self.path.with_name("registry.json.new").symlink_to(elsewhere)
        with self.path.open("rb") as old:
            write_backup(self.path, LISTED, 1)
            self.assertNotIn(b"OTHER", old.read())
        self.assertIn(b"OTHER", self.path.read_bytes())
        self.assertEqual(elsewhere.read_text(), "precious")

    def test_no_file(self) -> None:
        """Nothing was kept yet: no error."""
        self.assertIsNone(read_backup(self.path))

    def test_broken_files(self) -> None:
        """What is none of our files, or of another version, or has nobody that could be dialled, is not used."""
        answer = applications_json(instance_json())
        nobody = applications_json(instance_json(hostName="a b"))
        for content, reason in (
            (b"", "not JSON: JSONDecodeError"),
            (b'{"format": 1, "appl', "not JSON: JSONDecodeError"),
            (b"\xff", "not JSON: UnicodeDecodeError"),
            (b"[" * 9_000, "not JSON: RecursionError"),
            (b"[]", "the file is not an object"),
            (answer, "its format is not 1"),
            (b'{"format": 2,' + answer[1:], "its format is not 1"),
            (b'{"format": 1}', "applications is not an object"),
            (b'{"format": 1,' + nobody[1:], "no usable instance"),
        ):
            self.path.write_bytes(content)
            self.assertEqual(self.why_not(), reason, content[:20])
        self.path.write_bytes(b'{"format": 1,' + answer[1:])
        self.assertIsNotNone(read_backup(self.path))

    def test_bounded(self) -> None:
        """A file that is too long is neither read nor written."""
        write_backup(self.path, LISTED, 1)
        size = self.path.stat().st_size
        self.assertIsNotNone(read_backup(self.path, size))
        self.assertEqual(self.why_not(size - 1), f"it has more than {size - 1} bytes")
        with self.assertRaises(BackupError):
            write_backup(self.path, LISTED, 2, size - 1)
        self.assertEqual(self.path.stat().st_mtime, 1)

    def test_unreadable(self) -> None:
        """What cannot be opened is not used."""
        self.path.mkdir()
        self.assertEqual(self.why_not(), "Is a directory")
