"""The embedded Eureka-compatible registry: its leases, its place in the directory, and its site.

The gateway reads it directly: what a service registers is routed on in the next turn of the reactor.  It is the truth
about itself: a last service that leaves, leaves an empty registry, whereas a remote registry that lists nothing is not
believed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.web import server
from twisted.web.resource import IResource, Resource

from apiml_ws.core.directory import Directory
from apiml_ws.core.registry import snapshot
from apiml_ws.discovery.embedded_resource import BODY_LIMIT, Credentials, RegistryResource
from apiml_ws.discovery.leases import Leases
from apiml_ws.discovery.usable import Omissions, usable

#: Seconds between two looks for leases that ended.
EXPIRY_INTERVAL: Final = 1.0

#: How many times :data:`BODY_LIMIT` of a body are read, to be thrown away, before its connection is dropped.
PATIENCE: Final = 8


class EmbeddedRegistry(Service):
    """Keeps leases, ends them by ``clock``, and keeps ``directory`` at what they say, under the name ``source``.

    ``milliseconds`` gives the time since 1970 for what is told of leases.
    """

    _log = Logger()

    def __init__(
        self,
        directory: Directory,
        clock: IReactorTime,
        milliseconds: Callable[[], int],
        source: str = "embedded",
    ) -> None:
        self.leases = Leases(clock.seconds, milliseconds, self._changed)
        self._directory = directory
        self._clock = clock
        self._source = source
        self._omissions = Omissions(source)
        self._publishing: IDelayedCall | None = None
        self._expiring = LoopingCall(self._expire)
        self._expiring.clock = clock

    def startService(self) -> None:
        """Publish, empty as it may be, and begin to look for leases that ended."""
        super().startService()
        self._publish()
        self._expiring.start(EXPIRY_INTERVAL, now=False)

    def stopService(self) -> Deferred[object] | None:
        """Nothing is scheduled from now; what was registered is forgotten with the process."""
        super().stopService()
        if self._expiring.running:
            self._expiring.stop()
        if self._publishing is not None:
            self._publishing.cancel()
            self._publishing = None
        return None

    def _expire(self) -> None:
        for gone in self.leases.expire():
            self._log.info("Lease of {instance} of {service} ended", instance=gone.key, service=gone.app.lower())
        self._directory.confirm(self._source)

    def _changed(self) -> None:
        """Many changes of one turn are published once."""
        if self.running and self._publishing is None:
            self._publishing = self._clock.callLater(0, self._publish)

    def _publish(self) -> None:
        self._publishing = None
        instances, left_out = usable(self.leases)
        self._omissions.note(left_out)
        self._directory.update(self._source, snapshot(instances))


class BoundedRequest(server.Request):
    """A request whose body is kept only up to :data:`BODY_LIMIT`; a longer one is answered with 413."""

    _room = BODY_LIMIT

    def handleContentChunk(self, data: bytes) -> None:
        """Part of the body came."""
        self._room -= len(data)
        if self._room >= 0:
            super().handleContentChunk(data)
        elif self._room < -PATIENCE * BODY_LIMIT and self.channel is not None:
            self.channel.forceAbortClient()

    def render(self, resrc: IResource) -> None:
        """Answer without saying what software that is."""
        self.responseHeaders.removeHeader(b"server")
        super().render(resrc)

    def process(self) -> None:
        """The body is complete."""
        if self._room >= 0:
            super().process()
            return
        self.setResponseCode(413)
        self.setHeader(b"Connection", b"close")
        self.finish()


class RegistrySite(server.Site):
    """The registry's own site; requests are not logged one by one, since each client sends two a minute."""

    noisy = False

    def log(self, request: object) -> None:
        """Nothing."""


def embedded_site(
    registry: EmbeddedRegistry, reactor: IReactorTime, credentials: Credentials | None = None
) -> server.Site:
    """What to listen with, with or without TLS, for the registry at ``/eureka`` and ``/eureka/v2``.

    ``credentials`` are asked for by HTTP Basic if given.
    """
    root = Resource()
    root.putChild(b"eureka", RegistryResource(registry.leases, credentials))
    return RegistrySite(root, requestFactory=BoundedRequest, reactor=reactor)
