"""The command line of the client that talks line by line."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from threading import Event

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from txaio import tx
from zope.interface.verify import verifyObject

from apiml_ws.sample import talk
from apiml_ws.sample.sessions import Sessions
from apiml_ws.sample.site import sample_site
from apiml_ws.sample.talker import TalkerFactory
from tests.certificates import authority
from tests.sample.doubles_connection import Link


class Street:
    """An endpoint that leads to the sample service in memory, or nowhere."""

    def __init__(self, clock: Clock, open_: bool = True) -> None:
        self.site = sample_site(Sessions(clock), {}, clock)  # type: ignore[arg-type]  # the part of a reactor that is needed
        self.open = open_
        self.links: list[Link] = []

    def connect(self, factory: TalkerFactory) -> Deferred[object]:
        """Connect at once."""
        if not self.open:
            return fail(Refused())
        talker = factory.buildProtocol(None)
        self.links.append(Link(self.site, talker))
        return succeed(talker)


class Reactor(MemoryReactorClock):
    """A reactor that makes the calls of threads at once."""

    def callFromThread(self, function: Callable[..., object], *args: object) -> None:
        """Make the call."""
        function(*args)


class CommandLineTests(SynchronousTestCase):
    """:func:`talk.parsed`."""

    def test_the_sample_services_user_is_the_default(self) -> None:
        """So that the line to paste is short; the authority is taken if it is there."""
        self.patch(talk, "DEFAULT_ROOT", Path("/none/ca.pem"))
        options = talk.parsed(["ws://localhost/x"])
        self.assertEqual((options.user, options.ca, options.subprotocol), ("user:pass", None, []))

    def test_the_authority_of_the_quick_start_is_trusted_if_it_is_there(self) -> None:
        """In the folder that it was started in."""
        root = Path(self.mktemp())
        root.write_bytes(authority().pem)
        self.patch(talk, "DEFAULT_ROOT", root)
        self.assertEqual(talk.parsed(["wss://localhost/x"]).ca, root)
        self.assertEqual(talk.parsed(["wss://localhost/x", "--ca", "/other"]).ca, Path("/other"))

    def test_an_address_that_is_none_is_an_error(self) -> None:
        """Said with the address."""
        said = StringIO()
        self.patch(sys, "stderr", said)
        self.assertRaises(SystemExit, talk.parsed, ["http://localhost/x"])
        self.assertIn("http://localhost/x", said.getvalue())


class EndpointTests(SynchronousTestCase):
    """:func:`talk.endpoint`."""

    def options(self, url: str, ca: Path | None = None) -> Namespace:
        return Namespace(url=url, ca=ca, user="user:pass", subprotocol=[])

    def test_plain_and_secure_addresses_have_endpoints(self) -> None:
        """With the system's roots, or the authority that is named."""
        root = Path(self.mktemp())
        root.write_bytes(authority().pem)
        for options in (self.options("ws://a/x"), self.options("wss://a/x"), self.options("wss://a/x", root)):
            verifyObject(IStreamClientEndpoint, talk.endpoint(MemoryReactorClock(), options))

    def test_a_missing_authority_is_an_error(self) -> None:
        """Nobody would be trusted."""
        with self.assertRaises(OSError):
            talk.endpoint(MemoryReactorClock(), self.options("wss://a/x", Path("/none")))


class SessionTests(SynchronousTestCase):
    """:func:`talk.session`."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.patch(tx.config, "loop", self.reactor)
        self.out, self.err = StringIO(), StringIO()
        self.patch(sys, "stdout", self.out)
        self.patch(sys, "stderr", self.err)

    def hold(self, street: Street, path: str, *inputs: bytes) -> Deferred[None]:
        """A session whose standard input is ``inputs``."""
        self.patch(talk, "endpoint", lambda *_: street)
        url = f"ws://localhost/discoverableclient/ws/{path}"
        options = Namespace(url=url, ca=None, user="user:pass", subprotocol=[])
        rest = [*inputs, b""]
        held = Deferred.fromCoroutine(talk.session(self.reactor, options, lambda: rest.pop(0), lambda read: read()))
        for link in street.links:
            link.flush()
        return held

    def test_what_is_piped_in_is_answered(self) -> None:
        """``echo hello`` prints HELLO."""
        self.successResultOf(self.hold(Street(self.reactor), "uppercase", b"hello\n"))
        self.assertEqual((self.out.getvalue(), self.err.getvalue()), ("HELLO\n", ""))

    def test_a_session_that_is_refused_has_status_1(self) -> None:
        """And says why."""
        failure = self.failureResultOf(self.hold(Street(self.reactor), "bad", b"hello\n"), SystemExit)
        self.assertEqual(failure.value.code, 1)
        self.assertIn("404", self.err.getvalue())

    def test_an_address_where_nobody_is_is_told(self) -> None:
        """In a sentence, which ``react`` prints with status 1."""
        failure = self.failureResultOf(self.hold(Street(self.reactor, open_=False), "uppercase"), SystemExit)
        self.assertIn("cannot connect to ws://localhost/discoverableclient/ws/uppercase", str(failure.value.code))

    def test_the_input_is_read_aside(self) -> None:
        """By a thread that does not keep the process."""
        ran = Event()
        talk._in_thread(ran.set)
        self.assertTrue(ran.wait(10))

    def test_the_command_begins_a_session(self) -> None:
        """With standard input."""
        street = Street(self.reactor, open_=False)
        self.patch(talk, "endpoint", lambda *_: street)
        options = Namespace(url="ws://localhost/x", ca=None, user="user:pass", subprotocol=[])
        self.failureResultOf(talk._started(self.reactor, options), SystemExit)
