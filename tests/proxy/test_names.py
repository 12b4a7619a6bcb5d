"""Tests of the look-up of host names."""

from __future__ import annotations

import socket
from typing import Any, cast

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IResolutionReceiver
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from apiml_ws.proxy.names import LIFETIME, Address, Names

V4: Address = (socket.AF_INET, "192.0.2.1")
V6: Address = (socket.AF_INET6, "2001:db8::1")


class Resolver:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, str]] = []

    def resolveHostName(self, receiver: Any, host: str, *rest: object) -> None:
        """See IHostnameResolver."""
        verifyObject(IResolutionReceiver, receiver)
        self.asked.append((receiver, host))
        receiver.resolutionBegan(None)

    def answer(self, *addresses: object) -> None:
        """Answer the last question."""
        receiver, _ = self.asked[-1]
        for address in addresses:
            receiver.addressResolved(address)
        receiver.resolutionComplete()


class NamesTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.proxy.names.Names`."""

    def setUp(self) -> None:
        """A resolver that does not answer by itself."""
        self.clock = Clock()
        self.resolver = Resolver()
        self.names = Names(cast(Any, self.resolver), self.clock)
        self.found: list[tuple[Address, ...]] = []

    def test_addresses_are_not_looked_up(self) -> None:
        """Either family, at once."""
        for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
            self.assertIsNone(self.names.look_up(host, self.found.append))
            self.assertEqual(self.found.pop(), ((family, host),))
        self.assertEqual(self.resolver.asked, [])

    def test_names_are_looked_up(self) -> None:
        """What is found is told in its order, each address once, and nothing that is no address of IP."""
        self.assertIsNotNone(self.names.look_up("service.test", self.found.append))
        self.assertEqual(self.found, [])
        v6, v4 = IPv6Address("TCP", V6[1], 0), IPv4Address("TCP", V4[1], 0)
        self.resolver.answer(v6, UNIXAddress(None), v4, v4)
        self.assertEqual(self.found, [(V6, V4)])

    def test_a_crowd_asks_once(self) -> None:
        """Whoever asks while the answer is under way, or shortly after it came, gets the same."""
        for _ in range(3):
            self.names.look_up("service.test", self.found.append)
        self.resolver.answer(IPv4Address("TCP", V4[1], 0))
        self.names.look_up("service.test", self.found.append)
        self.assertEqual((self.found, len(self.resolver.asked)), ([(V4,)] * 4, 1))
        self.clock.advance(LIFETIME)
        self.names.look_up("service.test", self.found.append)
        self.assertEqual((len(self.found), len(self.resolver.asked)), (4, 2))

    def test_what_is_not_found_is_asked_for_again(self) -> None:
        """A host may be known a moment later."""
        for times in (1, 2):
            self.names.look_up("service.test", self.found.append)
            self.resolver.answer()
            self.assertEqual((self.found.pop(), len(self.resolver.asked)), ((), times))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """Who gave up hears nothing, others do; to give up twice, or afterwards, is nothing."""
        first = self.names.look_up("service.test", self.found.append)
        self.names.look_up("service.test", self.found.append)
        assert first is not None
        first.cancel()
        first.cancel()
        self.resolver.answer(IPv4Address("TCP", V4[1], 0))
        self.assertEqual(self.found, [(V4,)])
        first.cancel()

    def test_what_is_no_name(self) -> None:
        """A resolver is not asked for it."""
        for host in ("a..b", "a" * 64, ""):
            self.assertIsNone(self.names.look_up(host, self.found.append))
            self.assertEqual(self.found.pop(), ())
        self.assertEqual(self.resolver.asked, [])
