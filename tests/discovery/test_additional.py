"""Metadata that an operator adds."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.registry import instance, snapshot
from apiml_ws.discovery.additional import Additional, amended

ROUTED = {"apiml.routes.r.gatewayUrl": "ws/v1", "apiml.routes.r.serviceUrl": "/old"}
BEFORE = snapshot(
    [
        instance("svc", "1", "host", 1, secure=False, metadata=ROUTED),
        instance("svc", "2", "host", 2, secure=False),
        instance("other", "3", "host", 3, secure=False),
    ]
)


class AmendedTests(SynchronousTestCase):
    """A snapshot of two services."""

    def test_missing_keys_are_added(self) -> None:
        """Without force only what an instance does not say itself is added, instance by instance."""
        after = amended(BEFORE, [Additional("svc", {"apiml.routes.r.serviceUrl": "/new", "a": "1"})])
        service = after.services["svc"]
        self.assertEqual([each.metadata.get("a") for each in service.instances], ["1", "1"])
        self.assertEqual(service.metadata["a"], "1")
        self.assertEqual(service.routes["ws/v1"].service_url, "/old")
        self.assertEqual(service.instances[1].metadata["apiml.routes.r.serviceUrl"], "/new")

    def test_forced_keys_win(self) -> None:
        """With force the operator's word counts, for routes too."""
        after = amended(BEFORE, [Additional("svc", {"apiml.routes.r.serviceUrl": "/new"}, force=True)])
        self.assertEqual(after.services["svc"].routes["ws/v1"].service_url, "/new")

    def test_others_stay(self) -> None:
        """Services that nothing is said of are the same; unknown ones are not made up."""
        after = amended(BEFORE, [Additional("unknown", {"a": "1"})])
        self.assertEqual(after, BEFORE)
