"""New keys in the middle of a session, over each relay."""

from __future__ import annotations

from tests.e2e import key_updates_suite as suite
from tests.proxy.pump.sockets_case import NO_PUMP


class PortableKeyUpdates(suite.KeyUpdates):
    """Over the portable relay."""

    kind = "portable"


class NativeKeyUpdates(suite.KeyUpdates):
    """Over the native relay."""

    kind = "native"
    skip = NO_PUMP
