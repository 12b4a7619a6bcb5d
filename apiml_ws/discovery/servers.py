"""The registries that are configured, and which of them is asked first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit


@dataclass(frozen=True, slots=True)
class Server:
    """One registry: its base URL without credentials, ending in a slash, and the Basic credentials that its URL held."""

    base: str
    credentials: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Server:
        """The server behind a configured URL such as ``http://eureka:secret@host:10011/eureka/``."""
        parts = urlsplit(url.strip())
        host = parts.netloc.rpartition("@")[2]
        path = parts.path if parts.path.endswith("/") else f"{parts.path}/"
        return cls(urlunsplit((parts.scheme, host, path, "", "")), _credentials(parts))

    def url(self, *segments: str) -> str:
        """The URL of what is below the base; each segment may hold any character."""
        return self.base + "/".join(quote(segment, safe=":") for segment in segments)


def _credentials(parts: SplitResult) -> tuple[str, str] | None:
    if parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")


class Turn:
    """In which order servers are asked: the one that answered last first, then the others as configured, round and round."""

    def __init__(self, urls: Iterable[str]) -> None:
        self._servers = tuple(Server.parse(url) for url in urls)
        self._first = 0

    def order(self) -> tuple[Server, ...]:
        """All servers, the one to begin with first."""
        return self._servers[self._first :] + self._servers[: self._first]

    def answered(self, server: Server) -> None:
        """Begin with ``server`` from now on."""
        self._first = self._servers.index(server)
