"""Something that keeps an instance registered, over HTTP in memory, and what it asks for."""

from __future__ import annotations

from typing import cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.discovery.calls import Calls, HttpClient
from apiml_ws.discovery.lease import LeaseKeeper
from apiml_ws.discovery.registration import LeaseInfo
from tests.discovery.doubles_registrations import registration

REGISTER = "POST /eureka/apps/SVC"
INSTANCE = "/eureka/apps/SVC/localhost:svc:9101"
RENEW = f"PUT {INSTANCE}?status=UP&lastDirtyTimestamp=5000"
UNDO = f"DELETE {INSTANCE}/status?value=UP"
WITHDRAW = f"PUT {INSTANCE}/status?value=OUT_OF_SERVICE"
CANCEL = f"DELETE {INSTANCE}"


class LeaseTestCase(SynchronousTestCase):
    """A registration that is renewed every 30 s, made at 5000 ms."""

    def setUp(self) -> None:
        """A clock that stands."""
        self.clock = Clock()

    def started(self, http: object, *urls: str) -> LeaseKeeper:
        """A keeper that began."""
        calls = Calls(cast(HttpClient, http), self.clock)
        lease = LeaseInfo(renewal_interval=30)
        keeper = LeaseKeeper(
            registration(lease=lease),
            urls or ("http://one/eureka/",),
            calls,
            self.clock,
            lambda: 5000 + int(self.clock.seconds()),
            random=lambda: 0.0,
        )
        keeper.startService()
        return keeper

    def stop(self, keeper: LeaseKeeper) -> None:
        """Stop it, and see that nothing is left."""
        stopped = keeper.stopService()
        self.clock.advance(0)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])
