"""A registry's listing as a file: whole or not at all, for our eyes only, and read with suspicion."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from apiml_ws.discovery.registration import Registration
from apiml_ws.discovery.usable import usable
from apiml_ws.discovery.wire import WireError, members, parsed, read_answer
from apiml_ws.discovery.wire_out import applications_body, dumped

#: The version of the format; a file of another one is not read.
FORMAT: Final = 1

#: A file may have this many bytes; a registry of 50,000 instances needs half of it.
SIZE_LIMIT: Final = 64 * 1024 * 1024


class BackupError(ValueError):
    """A file that is not used, or was not written; the text says why."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a file says, and when that was confirmed last, in seconds since 1970."""

    registrations: tuple[Registration, ...]
    confirmed: float


def write_backup(path: Path, registrations: Iterable[Registration], confirmed: float, limit: int = SIZE_LIMIT) -> None:
    """Put ``registrations`` into the file at ``path``, in one step, readable by its owner alone.

    The time of the file is ``confirmed``, seconds since 1970.

    :raises BackupError: they need more than ``limit`` bytes.
    :raises OSError: it cannot be written.
    """
    content = dumped({"format": FORMAT, **applications_body(registrations, 1)})
    if len(content) > limit:
        raise BackupError(f"it would have {len(content)} bytes, more than {limit}")
    fresh = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        fresh.unlink()
    # Created anew, so that nobody else's file and no link is written to.
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    confirm_backup(fresh, confirmed)
    fresh.replace(path)


def confirm_backup(path: Path, confirmed: float) -> None:
    """What is in the file held at ``confirmed``, seconds since 1970.

    :raises OSError: it is not there, or not ours.
    """
    os.utime(path, (confirmed, confirmed))


def read_backup(path: Path, limit: int = SIZE_LIMIT) -> Restored | None:
    """What is in the file at ``path``; None if there is no file.

    :raises BackupError: it is none of ours, of another format, broken, or longer than ``limit`` bytes.
    """
    try:
        with path.open("rb") as file:
            content, confirmed = file.read(limit + 1), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BackupError(error.strerror or str(error)) from error
    if len(content) > limit:
        raise BackupError(f"it has more than {limit} bytes")
    return Restored(_registrations(content), confirmed)


def _registrations(content: bytes) -> tuple[Registration, ...]:
    try:
        found = members(parsed(content), "the file").get("format")
        if found != FORMAT:
            raise BackupError(f"its format is not {FORMAT}")
        registrations = read_answer(content).registrations
    except WireError as error:
        raise BackupError(str(error)) from error
    if not usable(registrations)[0]:
        raise BackupError("no usable instance")
    return registrations
