"""Folders of static API definitions, read at the start and again whenever a file in them changes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from apiml_ws.core.directory import Directory
from apiml_ws.core.registry import Snapshot, snapshot
from apiml_ws.discovery.additional import Additional, amended
from apiml_ws.discovery.definitions import Definitions, read_definitions, unreadable

#: Names of definition files end so; the reference system reads the first kind only.
SUFFIXES: Final = (".yml", ".yaml")

#: Bytes of a definition file.
FILE_LIMIT: Final = 4 * 1024 * 1024

#: What changes when a file does: time of modification, size, inode.
Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _File:
    """A file as it was read last; ``good`` is what it said when it could be read last."""

    stamp: Stamp
    good: Definitions = field(default_factory=Definitions)


class DefinitionReader(Service):
    """Keeps ``directory`` at what the files in ``folders`` define, under the name ``source``.

    The folders are looked at every ``interval`` seconds.  A file that breaks, and a folder that cannot be read, keep what
    they last said; a file that is gone defines nothing.
    """

    _log = Logger()

    def __init__(
        self,
        folders: Iterable[str],
        clock: IReactorTime,
        directory: Directory,
        source: str = "static",
        interval: float = 5.0,
    ) -> None:
        self._folders: dict[str, dict[str, _File]] = {folder: {} for folder in folders}
        self._directory = directory
        self._source = source
        self._interval = interval
        self._missing: set[str] = set()
        self._additional: tuple[Additional, ...] = ()
        self._looking = LoopingCall(self._look)
        self._looking.clock = clock
        self._read_once = False

    def startService(self) -> None:
        """Read everything before anything else starts."""
        super().startService()
        self._directory.amend(self._amend)
        self._looking.start(self._interval)

    def stopService(self) -> Deferred[object] | None:
        """Look no more; what was read stays."""
        super().stopService()
        if self._looking.running:
            self._looking.stop()
        return None

    def _look(self) -> None:
        changed = [self._read_folder(folder, files) for folder, files in self._folders.items()]
        if any(changed) or not self._read_once:
            self._read_once = True
            self._publish()
        else:
            self._directory.confirm(self._source)

    def _read_folder(self, folder: str, files: dict[str, _File]) -> bool:
        """Read what is new in ``folder``; whether anything was."""
        stamps = self._stamps(folder)
        if stamps is None:
            return False
        gone = files.keys() - stamps.keys()
        for path in gone:
            del files[path]
        changed = [path for path, stamp in stamps.items() if path not in files or files[path].stamp != stamp]
        for path in changed:
            self._read_file(path, files.setdefault(path, _File(stamps[path])), stamps[path])
        return bool(gone or changed)

    def _stamps(self, folder: str) -> dict[str, Stamp] | None:
        """The definition files of ``folder`` by name; None, and a line of log the first time, if it cannot be read."""
        try:
            found = dict(_definition_files(folder))
        except OSError as error:
            if folder not in self._missing:
                self._missing.add(folder)
                self._log.warn("{problem}", problem=_folder_problem(folder, error))
            return None
        self._missing.discard(folder)
        return found

    def _read_file(self, path: str, file: _File, stamp: Stamp) -> None:
        definitions = _read(path)
        file.stamp = stamp
        if definitions.readable:
            file.good = definitions
        for problem in definitions.problems:
            self._log.warn("{problem}", problem=problem)

    def _publish(self) -> None:
        good = [(path, self._folders[folder][path].good) for folder in self._folders for path in self._sorted(folder)]
        self._additional = tuple(self._last_of_each((path, one) for path, each in good for one in each.additional))
        # First what is added, then what it is added to: the update publishes both.
        self._directory.update(self._source, snapshot(one for _, each in good for one in each.instances))

    def _sorted(self, folder: str) -> list[str]:
        return sorted(self._folders[folder])

    def _last_of_each(self, additions: Iterable[tuple[str, Additional]]) -> Iterable[Additional]:
        found: dict[str, Additional] = {}
        for path, addition in additions:
            if addition.service_id in found:
                self._log.warn(
                    "Additional service metadata of {service} in processing file {file} were replaced for duplicities",
                    service=addition.service_id,
                    file=path,
                )
            found[addition.service_id] = addition
        return found.values()

    def _amend(self, union: Snapshot) -> Snapshot:
        return amended(union, self._additional)


def _definition_files(folder: str) -> Iterator[tuple[str, Stamp]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIXES) and entry.is_file():
                status = entry.stat()
                yield entry.path, (status.st_mtime_ns, status.st_size, status.st_ino)


def _folder_problem(folder: str, error: OSError) -> str:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return f"ZWEAD700W Static API definition directory '{folder}' is not a directory or does not exist"
    return f"ZWEAD703E Static API definition directory '{folder}' cannot be read: {error.strerror}"


def _read(path: str) -> Definitions:
    try:
        with open(path, "rb") as file:
            content = file.read(FILE_LIMIT + 1)
        if len(content) > FILE_LIMIT:
            return unreadable(path, f"longer than {FILE_LIMIT} bytes")
        return read_definitions(content.decode("utf-8-sig"), path)
    except UnicodeDecodeError:
        return unreadable(path, "not UTF-8")
    except OSError as error:
        return unreadable(path, error.strerror or type(error).__name__)
