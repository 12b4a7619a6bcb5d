"""The operators' password file: what ``htpasswd -B`` writes, one ``name:bcrypt hash`` a line.

Only bcrypt is understood.  The older schemes of htpasswd (MD5, SHA-1, crypt) can be searched through by anyone who gets
hold of the file, so a line with one of them lets nobody in and is named as a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bcrypt
from twisted.logger import Logger

#: ``$2y$``, cost, 22 characters of salt, 31 of digest.
_BCRYPT: Final = re.compile(rb"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_LOWEST_COST: Final = 4
_HIGHEST_COST: Final = 17
#: bcrypt looks at no more of a password, and newer versions of the library refuse more.
_SIGNIFICANT: Final = 72

_OTHER_SCHEMES: Final = (
    (b"$apr1$", "MD5"),
    (b"$1$", "MD5"),
    (b"{SHA}", "SHA-1"),
    (b"$5$", "SHA-256 crypt"),
    (b"$6$", "SHA-512 crypt"),
)


class PasswordFileError(Exception):
    """A password file that cannot be used as it is; ``faults`` says why, each with file and line."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


@dataclass(frozen=True, slots=True)
class Passwords:
    """Names and their bcrypt hashes, and what was wrong with the lines that gave none."""

    hashes: Mapping[bytes, bytes]
    faults: tuple[str, ...] = ()

    def hash_of(self, name: bytes) -> tuple[bool, bytes | None]:
        """Whether ``name`` is known, and the hash to check a password against.

        An unknown name gets the dearest hash of the file, so that the answer takes as long as for a known one.
        """
        if name in self.hashes:
            return True, self.hashes[name]
        return False, max(self.hashes.values(), key=_cost, default=None)


def read_passwords(content: bytes, file: str) -> Passwords:
    """Read the content of a password file; ``file`` is its name for the faults.

    Empty lines and lines that begin with ``#`` are skipped, as Apache does.  Of two lines for one name the first counts.
    """
    hashes: dict[bytes, bytes] = {}
    faults: list[str] = []
    for number, raw in enumerate(content.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith(b"#"):
            continue
        name, _, hashed = line.partition(b":")
        fault = _fault(name, hashed)
        if fault:
            faults.append(f"{file}:{number}: {fault}")
        else:
            hashes.setdefault(name, hashed)
    return Passwords(hashes, tuple(faults))


def matches(password: bytes, hashed: bytes) -> bool:
    """Whether ``password`` has that bcrypt hash.  Takes tens of milliseconds or more: for a thread."""
    if b"\0" in password:
        return False
    return bcrypt.checkpw(password[:_SIGNIFICANT], hashed)


class PasswordFile:
    """The password file at a path, read anew whenever it changed."""

    _log = Logger()

    def __init__(self, path: str) -> None:
        """:raises PasswordFileError: it cannot be read, names nobody, or a line of it is wrong."""
        self._path = Path(path)
        try:
            self._seen: tuple[int, int, int] | None = self._signature()
            self._passwords = self._read()
        except OSError as error:
            raise PasswordFileError([f"{path}: {error.strerror}"]) from error
        if self._passwords.faults:
            raise PasswordFileError(self._passwords.faults)
        if not self._passwords.hashes:
            raise PasswordFileError([f"{path}: has no line such as htpasswd -B writes, so nobody could get in"])

    @property
    def current(self) -> Passwords:
        """What the file says now.

        A wrong line that was added since the start is logged, and the others hold.  A file that cannot be read any more
        lets nobody in.
        """
        try:
            signature = self._signature()
            if signature != self._seen:
                self._passwords = self._read()
                self._seen = signature
                self._report()
        except OSError as error:
            self._forget(error)
        return self._passwords

    def _signature(self) -> tuple[int, int, int]:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> Passwords:
        return read_passwords(self._path.read_bytes(), str(self._path))

    def _report(self) -> None:
        self._log.info("Read {file} anew: {count} names.", file=str(self._path), count=len(self._passwords.hashes))
        for fault in self._passwords.faults:
            self._log.error("{fault}", fault=fault)

    def _forget(self, error: OSError) -> None:
        if self._seen is not None:
            self._log.error("{file} cannot be read, nobody gets in: {why}", file=str(self._path), why=error.strerror)
        self._seen = None
        self._passwords = Passwords({})


def _cost(hashed: bytes) -> int:
    return int(hashed[4:6])


def _fault(name: bytes, hashed: bytes) -> str | None:
    if not name or not hashed:
        return "neither empty, nor a comment, nor NAME:HASH"
    found, who = _BCRYPT.fullmatch(hashed), name.decode(errors="replace")
    if found is None:
        return f"the password of {who} is hashed by {_scheme(hashed)}; only bcrypt is allowed"
    if not _LOWEST_COST <= int(found[1]) <= _HIGHEST_COST:
        return f"the bcrypt cost of {who} is {int(found[1])}; {_LOWEST_COST} to {_HIGHEST_COST} are allowed"
    return None


def _scheme(hashed: bytes) -> str:
    return next((name for prefix, name in _OTHER_SCHEMES if hashed.startswith(prefix)), "crypt or not at all")
