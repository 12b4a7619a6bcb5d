"""Services that go in good order, over both relays and real sockets, with TLS and without."""

from __future__ import annotations

from tests.proxy.pump import sockets_retiring as suite
from tests.proxy.pump.sockets_case import Native, Plain, Portable, Tls


class PortableRetiring(Portable, Plain, suite.Retiring):
    """See the suite."""


class PortableRetiringTls(Portable, Tls, suite.Retiring):
    """See the suite."""


class NativeRetiring(Native, Plain, suite.Retiring):
    """See the suite."""


class NativeRetiringTls(Native, Tls, suite.Retiring):
    """See the suite."""
