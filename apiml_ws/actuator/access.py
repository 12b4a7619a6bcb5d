"""Who may see what is under ``/application``: HTTP Basic against the password file, or a trusted client certificate.

A certificate that reached us was verified by TLS: one that is not trusted fails the handshake.  So its presence is
enough here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.cred.checkers import ANONYMOUS, ICredentialsChecker
from twisted.cred.credentials import ICredentials, IUsernamePassword, UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, DeferredSemaphore, fail, succeed
from twisted.web.resource import IResource
from zope.interface import Interface, implementer

from apiml_ws.actuator.passwords import PasswordFile, matches

#: Who is let in, as twisted.cred names it: bytes, or the empty tuple for nobody in particular.
Avatar = bytes | tuple[()]


class DeferToThread(Protocol):
    """``twisted.internet.threads.deferToThread``, or a stand-in that calls at once."""

    def __call__(self, f: Callable[[bytes, bytes], bool], password: bytes, hashed: bytes, /) -> Deferred[bool]:
        """Call ``f(password, hashed)`` elsewhere."""


class ITrustedCertificate(ICredentials):
    """A client certificate that TLS verified."""


@implementer(ITrustedCertificate)
class TrustedCertificate:
    """The connection that a request came over has one."""


@implementer(ICredentialsChecker)
class CertificateChecker:
    """Lets in whoever TLS let in."""

    credentialInterfaces = (ITrustedCertificate,)

    def requestAvatarId(self, credentials: TrustedCertificate) -> Deferred[Avatar]:
        """Nobody in particular: what the certificate says makes no difference."""
        return succeed(ANONYMOUS)


@implementer(ICredentialsChecker)
class PasswordChecker:
    """Compares with the password file, in a thread, two at a time: bcrypt is slow on purpose."""

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, passwords: PasswordFile, defer_to_thread: DeferToThread) -> None:
        self._passwords = passwords
        self._defer_to_thread = defer_to_thread
        self._turns = DeferredSemaphore(2)

    def requestAvatarId(self, credentials: UsernamePassword) -> Deferred[Avatar]:
        """The name; fails with UnauthorizedLogin, after the same work whether or not the name is known."""
        name, password = credentials.username, credentials.password
        known, hashed = self._passwords.current.hash_of(name)
        if hashed is None:
            return fail(UnauthorizedLogin("the password file names nobody"))
        checked: Deferred[bool] = self._turns.run(self._defer_to_thread, matches, password, hashed)
        return checked.addCallback(lambda right: _avatar(name, known and right))


def _avatar(name: bytes, admitted: bool) -> Avatar:
    if not admitted:
        raise UnauthorizedLogin("wrong name or password")
    return name


@implementer(IRealm)
class OperatorsRealm:
    """Every operator sees the same: there are no roles."""

    def __init__(self, protected: IResource) -> None:
        self._protected = protected

    def requestAvatar(
        self, avatarId: Avatar, mind: object, *interfaces: type[Interface]
    ) -> tuple[type[Interface], IResource, Callable[[], None]]:
        """The protected resource.

        :raises NotImplementedError: ``interfaces`` does not ask for a resource, as IRealm demands.
        """
        if IResource not in interfaces:
            raise NotImplementedError(interfaces)
        return IResource, self._protected, lambda: None


def operators_portal(protected: IResource, passwords: PasswordFile | None, defer_to_thread: DeferToThread) -> Portal:
    """The way in to ``protected``; without a password file only certificates open it."""
    portal = Portal(OperatorsRealm(protected), [CertificateChecker()])
    if passwords is not None:
        portal.registerChecker(PasswordChecker(passwords, defer_to_thread))
    return portal
