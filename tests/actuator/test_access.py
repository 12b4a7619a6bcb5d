"""Tests of :mod:`apiml_ws.actuator.access`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin, UnhandledCredentials
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import IResource, Resource
from zope.interface.verify import verifyObject

from apiml_ws.actuator.access import (
    CertificateChecker,
    ITrustedCertificate,
    OperatorsRealm,
    PasswordChecker,
    TrustedCertificate,
    operators_portal,
)
from apiml_ws.actuator.passwords import PasswordFile
from tests.actuator.test_passwords import hashed


class Threads:
    """A thread pool whose calls are made when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], bool], Deferred[bool]]] = []

    def __call__(self, f: Callable[[bytes, bytes], bool], password: bytes, hash_: bytes, /) -> Deferred[bool]:
        """Keep the call."""
        result: Deferred[bool] = Deferred()
        self.waiting.append((lambda: f(password, hash_), result))
        return result

    def work(self) -> None:
        """Make the oldest call."""
        call, result = self.waiting.pop(0)
        result.callback(call())


class Passwords(SynchronousTestCase):
    """Names and passwords."""

    def setUp(self) -> None:
        """A file with ada in it."""
        self.path = Path(self.mktemp())
        self.path.write_bytes(b"ada:" + hashed("secret"))
        self.threads = Threads()
        self.checker = PasswordChecker(PasswordFile(str(self.path)), self.threads)

    def ask(self, name: bytes, password: bytes) -> Deferred[bytes | tuple[()]]:
        """Begin a check."""
        return self.checker.requestAvatarId(UsernamePassword(name, password))

    def test_interfaces(self) -> None:
        """The checkers and the realm are what twisted.cred asks for."""
        verifyObject(ICredentialsChecker, self.checker)
        verifyObject(ICredentialsChecker, CertificateChecker())
        verifyObject(IRealm, OperatorsRealm(Resource()))
        verifyObject(ITrustedCertificate, TrustedCertificate())

    def test_the_right_password(self) -> None:
        """The right password gives the name, once the thread is done."""
        login = self.ask(b"ada", b"secret")
        self.assertNoResult(login)
        self.threads.work()
        self.assertEqual(self.successResultOf(login), b"ada")

    def test_a_wrong_password(self) -> None:
        """A wrong password is refused."""
        login = self.ask(b"ada", b"wrong")
        self.threads.work()
        self.failureResultOf(login, UnauthorizedLogin)

    def test_an_unknown_name_works_as_hard(self) -> None:
        """An unknown name takes a thread as well, and is refused even with a password that somebody has."""
        login = self.ask(b"eve", b"secret")
        self.assertNoResult(login)
        self.threads.work()
        self.failureResultOf(login, UnauthorizedLogin)

    def test_two_at_a_time(self) -> None:
        """A third check waits for one of two, so that guessing does not fill the thread pool."""
        logins = [self.ask(b"ada", b"secret") for _ in range(3)]
        self.assertEqual(len(self.threads.waiting), 2)
        self.threads.work()
        self.assertEqual(len(self.threads.waiting), 2)
        self.threads.work()
        self.threads.work()
        self.assertEqual([self.successResultOf(login) for login in logins], [b"ada"] * 3)

    def test_a_file_that_is_gone(self) -> None:
        """When the file cannot be read nobody gets in."""
        self.path.unlink()
        self.failureResultOf(self.ask(b"ada", b"secret"), UnauthorizedLogin)
        self.flushLoggedErrors()


class Portals(SynchronousTestCase):
    """The way in."""

    def test_a_certificate(self) -> None:
        """A verified certificate opens it, without a password file too."""
        protected = Resource()
        portal = operators_portal(protected, None, Threads())
        interface, avatar, logout = self.successResultOf(portal.login(TrustedCertificate(), None, IResource))
        logout()
        self.assertEqual((interface, avatar), (IResource, protected))

    def test_no_password_file(self) -> None:
        """Without a password file no password is right."""
        portal = operators_portal(Resource(), None, Threads())
        login = portal.login(UsernamePassword(b"ada", b"secret"), None, IResource)
        self.failureResultOf(login, UnhandledCredentials)

    def test_only_resources(self) -> None:
        """The realm has nothing but a resource to give."""
        self.assertRaises(NotImplementedError, OperatorsRealm(Resource()).requestAvatar, b"ada", None)
