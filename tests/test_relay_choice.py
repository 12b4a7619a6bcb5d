"""Which relay serves, and what is said about it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config import Config, RelayKind
from apiml_ws.proxy.poller import NestedEpoll
from apiml_ws.proxy.pump.library import NoPump
from apiml_ws.proxy.pump.relay import NativeRelays
from apiml_ws.proxy.relay import PortableRelays
from apiml_ws.relay_choice import Relays, choose_relays
from tests.proxy.pump.doubles_sockets import Loop
from tests.proxy.pump.sockets_case import NO_PUMP, hide_pump


class Choosing(SynchronousTestCase):
    """``server.relay.kind`` and what this machine can."""

    def choose(self, kind: RelayKind, threads: int = 3) -> Relays:
        """What is chosen."""
        loop = Loop()
        return choose_relays(Config(relay_kind=kind, relay_threads=threads), loop, NestedEpoll(loop), loop)

    def without_pump(self) -> None:
        """As on a machine without a compiler."""
        hide_pump(self)

    def test_native_where_it_can_be(self) -> None:
        """With as many threads as are asked for; ending it before it began is no error."""
        relays = self.choose(RelayKind.AUTO)
        assert isinstance(relays.maker, NativeRelays)
        self.assertFalse(relays.maker.at_once)
        self.assertEqual(("native", "server.relay.kind is auto; 3 threads"), (relays.choice.kind, relays.choice.reason))
        relays.stop()

    def test_threads_begin_when_told(self) -> None:
        """Before any session, and once: later there may be no descriptors for them."""
        relays = self.choose(RelayKind.NATIVE)
        assert isinstance(relays.maker, NativeRelays)
        threads = relays.maker.threads
        self.assertEqual(-1, threads.fileno())
        relays.begin()
        descriptor = threads.fileno()
        self.assertGreater(descriptor, 0)
        relays.begin()
        self.assertEqual(descriptor, threads.fileno())
        relays.stop()
        self.assertEqual(-1, threads.fileno())

    def test_portable_where_it_cannot(self) -> None:
        """And why."""
        self.without_pump()
        relays = self.choose(RelayKind.AUTO)
        self.assertIs(PortableRelays, type(relays.maker))
        self.assertEqual("portable", relays.choice.kind)
        self.assertEqual(
            "server.relay.kind is auto, and the native one cannot be had: it was not built, for want of a compiler",
            relays.choice.reason,
        )
        relays.stop()

    def test_portable_by_will(self) -> None:
        """Whatever the machine can."""
        relays = self.choose(RelayKind.PORTABLE)
        self.assertEqual("server.relay.kind is portable", relays.choice.reason)

    def test_native_or_nothing(self) -> None:
        """Who insists hears why it cannot be."""
        self.without_pump()
        self.assertRaises(NoPump, self.choose, RelayKind.NATIVE)

    for _each in (test_native_where_it_can_be, test_threads_begin_when_told):
        _each.skip = NO_PUMP  # type: ignore[attr-defined]
