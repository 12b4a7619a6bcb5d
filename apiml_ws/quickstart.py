"""The quick start: ``python -m apiml_ws.quickstart --state .state`` runs all of it in the foreground.

What it needs is made in the state folder on first use, and kept there: a development authority with certificates, and
a password for the operator ``admin``.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import bcrypt

from apiml_ws.sample.authority import CertificateFiles, DevelopmentAuthority, write_private

OPERATOR: Final = "admin"

#: bcrypt's cost; each step doubles the time that a login takes, 10 is about 50 ms.
_COST: Final = 10


@dataclass(frozen=True, slots=True)
class State:
    """What is in the state folder: absolute paths, and the operator's password."""

    root: Path
    gateway: CertificateFiles
    service: CertificateFiles
    passwords: Path
    password: str

    def overrides(self) -> list[str]:
        """As a configuration says it, in the form of ``--set``."""
        return [
            f"server.ssl.certificate={self.gateway.certificate}",
            f"server.ssl.privateKey={self.gateway.key}",
            f"server.ssl.trustStore={self.root}",
            f"management.security.passwordFile={self.passwords}",
        ]


def prepare(folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> State:
    """Make in ``folder`` whatever is not there, or does not hold any more.

    :raises OSError: the folder cannot be read or written.
    """
    folder = folder.absolute()
    authority = DevelopmentAuthority(folder, now)
    root = authority.root()
    password = _password(folder / "admin-password")
    _let_in(folder / "passwords", password)
    gateway, service = (authority.certificate_for(stem) for stem in ("gateway", "discoverableclient"))
    return State(root, gateway, service, folder / "passwords", password)


def _password(file: Path) -> str:
    """The operator's password, made at random on first use."""
    known = file.read_text().strip() if file.exists() else ""
    if known:
        return known
    password = secrets.token_urlsafe(12)
    write_private(file, f"{password}\n".encode())
    return password


def _let_in(file: Path, password: str) -> None:
    """See to it that the htpasswd file ``file`` knows the operator by ``password``; its other lines stay."""
    lines = file.read_text().splitlines() if file.exists() else []
    mine = [line for line in lines if line.startswith(f"{OPERATOR}:")]
    if len(mine) == 1 and _fits(mine[0].partition(":")[2], password):
        return
    digest = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_COST)).decode()
    lines = [*(line for line in lines if line not in mine), f"{OPERATOR}:{digest}"]
    write_private(file, "".join(f"{line}\n" for line in lines).encode())


def _fits(digest: str, password: str) -> bool:
    try:
        return bcrypt.checkpw(password.encode(), digest.encode())
    except ValueError:
        return False


def command_line(arguments: list[str]) -> list[str]:
    """The command of twistd that the quick start is."""
    return ["twistd", "--nodaemon", "--pidfile=", "apiml-ws-quickstart", *arguments]


def main(arguments: list[str]) -> None:
    """Run it; comes back when it was stopped.

    :raises SystemExit: something is wrong, and was said.
    """
    from twisted.scripts.twistd import run

    sys.argv = command_line(arguments)
    run()


if __name__ == "__main__":  # pragma: no cover - the one line that a test cannot import
    main(sys.argv[1:])
