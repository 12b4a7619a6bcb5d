"""Whether the pump can be had, and why not."""

from __future__ import annotations

import select
from typing import Any, cast

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.proxy.pump.library import NoPump, handles, load
from tests.proxy.pump.sockets_case import NO_PUMP, hide_pump


class Loading(SynchronousTestCase):
    """What the pump needs."""

    def reason(self) -> str:
        """Why it cannot be had."""
        return str(self.assertRaises(NoPump, load))

    def test_not_built(self) -> None:
        """No compiler was there."""
        hide_pump(self)
        self.assertEqual("it was not built, for want of a compiler", self.reason())

    def test_no_epoll(self) -> None:
        """Another system than Linux."""
        epoll = select.epoll
        del select.epoll
        self.addCleanup(setattr, select, "epoll", epoll)
        self.assertEqual("this system has no epoll", self.reason())

    def test_another_openssl(self) -> None:
        """A function that is missing is named."""
        self.patch(SSL, "_lib", object())
        self.assertIn("SSL_read", self.reason())

    def test_connections_that_changed(self) -> None:
        """So is a part of a connection that is missing."""

        class Changed:
            _ssl = cast(Any, SSL.Connection(SSL.Context(SSL.TLS_METHOD), None))._ssl

        changed = Changed()
        self.patch(SSL, "Connection", lambda *arguments: changed)
        self.assertIn("_into_ssl", self.reason())

    def test_a_connection_has_three_handles(self) -> None:
        """None of them null."""
        found = handles(SSL.Connection(SSL.Context(SSL.TLS_METHOD), None))
        self.assertEqual((True,) * 3, tuple(map(bool, found)))

    for _each in (test_no_epoll, test_another_openssl, test_connections_that_changed):
        cast(Any, _each).skip = NO_PUMP
