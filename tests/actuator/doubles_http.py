"""A twisted.web site without a network: requests in as bytes, answers out as values."""

from __future__ import annotations

import json
from dataclasses import dataclass

from OpenSSL.crypto import X509
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import IResource
from twisted.web.server import Site
from zope.interface import alsoProvides

from tests.certificates import Issued


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> object:
        """The body, parsed."""
        return json.loads(self.body)


class SecureTransport(StringTransport):
    """A transport over which a client showed ``certificate``."""

    def __init__(self, certificate: Issued | None) -> None:
        super().__init__()
        self._certificate = certificate
        alsoProvides(self, ISSLTransport)

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Nothing is delayed here."""

    def getPeerCertificate(self) -> X509 | None:
        """As pyOpenSSL gives it."""
        return None if self._certificate is None else X509.from_cryptography(self._certificate.certificate)


class Exchange:
    """One request to ``root/application...`` on a connection of its own."""

    def __init__(
        self, root: IResource, path: str, method: str = "GET", transport: StringTransport | None = None, **headers: str
    ) -> None:
        self.transport = StringTransport() if transport is None else transport
        self.channel = Site(root, timeout=None, reactor=Clock()).buildProtocol(None)
        assert self.channel is not None
        self.channel.makeConnection(self.transport)
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.channel.dataReceived("\r\n".join([*lines, "", ""]).encode())

    @property
    def answered(self) -> bool:
        """Whether anything came back yet."""
        return bool(self.transport.value())

    @property
    def response(self) -> Response:
        """What came back."""
        head, _, body = self.transport.value().partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        fields = (line.partition(": ") for line in rest)
        return Response(int(first.split(" ")[1]), {name.lower(): value for name, _, value in fields}, body)
