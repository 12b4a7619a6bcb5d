"""``/application``: the operators' view of a running gateway, over HTTP.

``health`` and ``info`` are open; everything else, what does not exist included, is for operators.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.cred.credentials import ICredentials
from twisted.cred.error import LoginFailed
from twisted.cred.portal import Portal
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime, ISSLTransport
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.guard import BasicCredentialFactory
from twisted.web.http import INTERNAL_SERVER_ERROR, OK, UNAUTHORIZED
from twisted.web.resource import IResource, Resource, getChildForRequest
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import Interface

from apiml_ws.actuator.access import DeferToThread, TrustedCertificate, operators_portal
from apiml_ws.actuator.documents import Document, path, respond
from apiml_ws.actuator.listing import Listing
from apiml_ws.actuator.passwords import PasswordFile
from apiml_ws.actuator.views import DirectoryView, RelayChoice, SessionsView, health, info, links, listed
from apiml_ws.core.messages import error_body

#: Seconds that a wrong password waits for its answer.
PENALTY: Final = 1.0

#: What the portal gives: the interface, the resource, and how to log out.
Avatar = tuple[type[Interface], object, Callable[[], None]]

_CHALLENGE: Final = b'Basic realm="apiml-ws", charset="UTF-8"'


def application_resource(
    *,
    sessions: SessionsView,
    directory: DirectoryView,
    relay: RelayChoice,
    passwords: PasswordFile | None,
    clock: IReactorTime,
    defer_to_thread: DeferToThread,
) -> IResource:
    """The resource to put at ``/application``.

    Without ``passwords`` only clients with a trusted certificate get in; ``defer_to_thread`` runs bcrypt.
    """
    protected = Document(lambda: (OK, links("/application", ("health", "info", "websockets"))))
    protected.putChild(b"websockets", Listing(lambda: listed(sessions), clock))
    application = Application(Guard(operators_portal(protected, passwords, defer_to_thread), clock))
    application.putChild(b"health", Document(lambda: health(sessions, directory)))
    application.putChild(b"info", Document(lambda: (OK, info(relay))))
    return application


class Application(Resource):
    """Sends to ``guard`` whatever is not one of its own, open children."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    def getChild(self, path: bytes, request: Request) -> Resource:
        """The guard, which is to find the path once it knows who asks."""
        request.postpath = [path, *(request.postpath or ())]
        request.prepath = (request.prepath or [])[:-1]
        return self._guard

    def render(self, request: Request) -> int:
        """The index is guarded as well."""
        return self._guard.render(request)


class Guard(Resource):
    """Asks who it is, and goes on with the resource that the portal gives to them."""

    isLeaf = True
    _log = Logger()

    def __init__(self, portal: Portal, clock: IReactorTime) -> None:
        super().__init__()
        self._portal = portal
        self._clock = clock
        self._basic = BasicCredentialFactory(b"apiml-ws")

    def render(self, request: Request) -> int:
        """Answers later; a client that goes away takes its login with it."""
        answer = maybeDeferred(self._login, request)
        answer.addCallback(self._show, request)
        answer.addErrback(self._refuse, request)
        answer.addErrback(self._fail, request)
        request.notifyFinish().addErrback(lambda _gone: answer.cancel())
        return NOT_DONE_YET

    def _login(self, request: Request) -> Deferred[Avatar]:
        return self._portal.login(self._credentials(request), None, IResource)

    def _credentials(self, request: Request) -> ICredentials:
        if shows_certificate(request):
            return TrustedCertificate()
        scheme, _, given = (request.getHeader(b"authorization") or b"").partition(b" ")
        if scheme.lower() != b"basic":
            raise NoCredentials
        credentials: ICredentials = self._basic.decode(given.strip(), request)
        return credentials

    def _show(self, avatar: Avatar, request: Request) -> None:
        request.render(getChildForRequest(avatar[1], request))

    def _refuse(self, failure: Failure, request: Request) -> Deferred[None] | None:
        failure.trap(LoginFailed)
        if failure.check(NoCredentials):
            request.render(Unauthorized("ZWEAG105E"))
            return None
        self._log.warn(
            "Refused {client} at {path}: wrong credentials.", client=request.getClientAddress(), path=path(request)
        )
        return deferLater(self._clock, PENALTY, request.render, Unauthorized("ZWEAG120E"))

    def _fail(self, failure: Failure, request: Request) -> None:
        if failure.check(CancelledError) is None:
            self._log.failure("{path} could not be answered", failure, path=path(request))
            request.render(Broken())


class NoCredentials(LoginFailed):
    """A request that says nothing of who sends it."""


class Unauthorized(Resource):
    """401: who are you, or you are not who you say."""

    isLeaf = True

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def render(self, request: Request) -> bytes:
        """The challenge, with the reason."""
        request.setHeader(b"www-authenticate", _CHALLENGE)
        return respond(request, UNAUTHORIZED, error_body(self._key, path(request)))


class Broken(Resource):
    """500: our fault."""

    isLeaf = True

    def render(self, request: Request) -> bytes:
        """No details: they are in the log."""
        return respond(request, INTERNAL_SERVER_ERROR, error_body("ZWEAO500E"))


def shows_certificate(request: Request) -> bool:
    """Whether the request came over TLS from a client with a certificate, which then was verified."""
    transport = request.transport
    return ISSLTransport.providedBy(transport) and transport.getPeerCertificate() is not None
