"""The registries that are configured, and which of them is asked first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

#: Seconds after which the preferred server is tried again, once another one took its place.
RETURN_INTERVAL: Final = 300.0


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
    """In which order servers are asked: the one that answered last first, then the others as configured, round and round.

    The first one that is configured is preferred: when another one has taken its place, it is asked first again every
    :data:`RETURN_INTERVAL` seconds of ``seconds``, a monotonic clock.
    """

    def __init__(self, urls: Iterable[str], seconds: Callable[[], float]) -> None:
        self._servers = tuple(Server.parse(url) for url in urls)
        self._seconds = seconds
        self._first = 0
        self._away_since = 0.0

    def order(self) -> tuple[Server, ...]:
        """All servers, the one to begin with first."""
        begun = self._servers[self._first :] + self._servers[: self._first]
        if not self._first or self._seconds() - self._away_since < RETURN_INTERVAL:
            return begun
        self._away_since = self._seconds()
        preferred = self._servers[0]
        return (preferred, *(each for each in begun if each is not preferred))

    def answered(self, server: Server) -> None:
        """Begin with ``server`` from now on."""
        first = self._servers.index(server)
        if first and not self._first:
            self._away_since = self._seconds()
        self._first = first
