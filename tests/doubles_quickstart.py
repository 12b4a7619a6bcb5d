"""Parts of the quick start that record what is asked of them."""

from __future__ import annotations

from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred

from apiml_ws.core.directory import Directory
from apiml_ws.quickstart import State
from apiml_ws.sample.authority import CertificateFiles


class Part(Service):
    """A service whose stop lasts until the test ends it."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.title = name
        self.log = log
        self.left: Deferred[None] = Deferred()
        self.stopped: Deferred[None] = Deferred()
        self.directory = Directory(["embedded"], lambda: 0.0)

    def startService(self) -> None:
        """Begin."""
        super().startService()
        self.log.append(f"{self.title} started")

    def leave(self) -> Deferred[None]:
        """Leave the registry."""
        self.log.append(f"{self.title} leaves")
        return self.left

    def stopService(self) -> Deferred[None]:
        """Stop."""
        super().stopService()
        self.log.append(f"{self.title} stops")
        return self.stopped


def state_in(folder: Path) -> State:
    """A state whose files are not there."""
    gateway = CertificateFiles(folder / "gateway.pem", folder / "gateway-key.pem")
    service = CertificateFiles(folder / "service.pem", folder / "service-key.pem")
    return State(folder / "ca.pem", gateway, service, folder / "passwords", "secret")
