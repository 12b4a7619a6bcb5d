"""Both relays over real sockets, with TLS and without."""

from __future__ import annotations

from tests.proxy.pump import sockets_case as case
from tests.proxy.pump import sockets_suite as suite


class PortableCarrying(case.Portable, case.Plain, suite.Carrying):
    """See the suite."""


class PortableCarryingTls(case.Portable, case.Tls, suite.Carrying):
    """See the suite."""


class NativeCarrying(case.Native, case.Plain, suite.Carrying):
    """See the suite."""


class NativeCarryingTls(case.Native, case.Tls, suite.Carrying):
    """See the suite."""


class PortableEnding(case.Portable, case.Plain, suite.Ending):
    """See the suite."""


class PortableEndingTls(case.Portable, case.Tls, suite.Ending):
    """See the suite."""


class NativeEnding(case.Native, case.Plain, suite.Ending):
    """See the suite."""


class NativeEndingTls(case.Native, case.Tls, suite.Ending):
    """See the suite."""


class PortableMoving(case.Portable, case.Plain, suite.Moving):
    """See the suite."""


class PortableMovingTls(case.Portable, case.Tls, suite.Moving):
    """See the suite."""


class NativeMoving(case.Native, case.Plain, suite.Moving):
    """See the suite."""


class NativeMovingTls(case.Native, case.Tls, suite.Moving):
    """See the suite."""
