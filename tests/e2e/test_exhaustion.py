"""A gateway that is asked for more than it has descriptors for, over each relay."""

from __future__ import annotations

from tests.e2e import exhaustion_suite as suite
from tests.proxy.pump.sockets_case import NO_PUMP


class PortableExhaustion(suite.Exhaustion):
    """Over the portable relay, with TLS."""

    kind = "portable"
    secure = True


class NativeExhaustion(suite.Exhaustion):
    """Over the native relay, without TLS."""

    kind = "native"
    skip = NO_PUMP
