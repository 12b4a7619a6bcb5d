"""A port as a service."""

from __future__ import annotations

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import ServerFactory
from twisted.internet.testing import MemoryReactor
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.listening import CannotListen, Listening


class FullReactor(MemoryReactor):
    """A reactor on a machine whose ports are all taken."""

    def listenTCP(self, port: int, factory: object, backlog: int = 50, interface: str = "") -> object:
        """Refuse, as the real one does."""
        raise CannotListenError(interface, port, OSError(98, "Address already in use"))


class ListeningTests(SynchronousTestCase):
    """Over a reactor in memory."""

    def test_it_opens_once_and_says_where(self) -> None:
        """Privileged start opens the port, the start after it does not open a second, the log names the address."""
        reactor = MemoryReactor()
        listening = Listening(reactor, "127.0.0.1", 10010, ServerFactory(), "https", "gateway")
        with capturedLogs() as logs:
            listening.privilegedStartService()
            listening.startService()
        self.assertEqual(len(reactor.tcpServers), 1)
        self.assertEqual([event["port"] for event in logs if "scheme" in event], [listening.port])

    def test_a_start_without_privileges_opens_it_too(self) -> None:
        """startService alone is enough."""
        reactor = MemoryReactor()
        Listening(reactor, "::1", 10010, ServerFactory(), "https", "gateway").startService()
        self.assertEqual(len(reactor.tcpServers), 1)

    def test_a_port_that_is_taken_ends_the_start_and_is_named(self) -> None:
        """The process ends with a sentence that names what, where and why."""
        listening = Listening(FullReactor(), "127.0.0.1", 10010, ServerFactory(), "https", "gateway")
        with self.assertRaises(CannotListen) as caught:
            listening.privilegedStartService()
        self.assertEqual(
            str(caught.exception), "gateway cannot listen on 127.0.0.1:10010: [Errno 98] Address already in use"
        )

    def test_stopping_closes_it_and_may_come_without_a_start(self) -> None:
        """stopService works at any time."""
        listening = Listening(MemoryReactor(), "127.0.0.1", 0, ServerFactory(), "https", "gateway")
        self.successResultOf(listening.stopService())
        listening.startService()
        self.successResultOf(listening.stopService())
