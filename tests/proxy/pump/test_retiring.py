"""Services that go in good order, over both relays and real sockets, with TLS and without."""

from __future__ import annotations

from tests.proxy.pump.sockets_case import Native, Plain, Portable, Tls
from tests.proxy.pump.sockets_retiring import Retiring


class PortableRetiring(Portable, Plain, Retiring):
    """See the suite."""


class PortableRetiringTls(Portable, Tls, Retiring):
    """See the suite."""


class NativeRetiring(Native, Plain, Retiring):
    """See the suite."""


class NativeRetiringTls(Native, Tls, Retiring):
    """See the suite."""
