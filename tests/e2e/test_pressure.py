"""Readers that are slow, and sessions that flood, over each relay."""

from __future__ import annotations

from tests.e2e import pressure_suite as suite
from tests.proxy.pump.sockets_case import NO_PUMP


class PortableSlowReaders(suite.SlowReaders):
    """Over the portable relay."""

    kind = "portable"


class PortableSlowReadersTls(suite.SlowReaders):
    """Over the portable relay, with TLS."""

    kind = "portable"
    secure = True


class NativeSlowReaders(suite.SlowReaders):
    """Over the native relay."""

    kind = "native"
    skip = NO_PUMP


class NativeSlowReadersTls(suite.SlowReaders):
    """Over the native relay, with TLS."""

    kind = "native"
    secure = True
    skip = NO_PUMP


class PortableFloods(suite.Floods):
    """Over the portable relay."""

    kind = "portable"


class NativeFloods(suite.Floods):
    """Over the native relay."""

    kind = "native"
    skip = NO_PUMP
