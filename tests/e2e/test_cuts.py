"""A gateway whose connections are cut, over each relay."""

from __future__ import annotations

from tests.e2e import cuts_suite as suite
from tests.proxy.pump.sockets_case import NO_PUMP


class PortableCuts(suite.Cuts):
    """Over the portable relay."""

    kind = "portable"


class PortableCutsTls(suite.Cuts):
    """Over the portable relay, with TLS."""

    kind = "portable"
    secure = True


class NativeCuts(suite.Cuts):
    """Over the native relay."""

    kind = "native"
    skip = NO_PUMP


class NativeCutsTls(suite.Cuts):
    """Over the native relay, with TLS."""

    kind = "native"
    secure = True
    skip = NO_PUMP
