"""What an instance says of its status: when it changes, when it leaves, and when it is back from a sudden end."""

from __future__ import annotations

import json

from twisted.internet.error import ConnectError
from twisted.logger import capturedLogs

from apiml_ws.core.registry import Status
from apiml_ws.discovery.calls import Calls
from apiml_ws.discovery.entry import Within
from apiml_ws.discovery.lease import LeaseKeeper
from apiml_ws.discovery.leases import Leases
from tests.discovery.doubles_lease_case import CANCEL, REGISTER, RENEW, UNDO, WITHDRAW, LeaseTestCase
from tests.discovery.doubles_registrations import registration
from tests.discovery.doubles_web import BrokenClient, Scripted, ScriptedRegistry


class StatusTests(LeaseTestCase):
    """What the instance says of itself while it starts and stops."""

    def status_of(self, registry: ScriptedRegistry) -> list[tuple[str, str]]:
        """Status and timestamp of all registrations."""
        bodies = [json.loads(asked.body)["instance"] for asked in registry.asked if asked.method == "POST"]
        return [(body["status"], body["lastDirtyTimestamp"]) for body in bodies]

    def test_another_status(self) -> None:
        """It registers again at once, with a newer timestamp, which the renewals have from then on."""
        registry = ScriptedRegistry(Scripted(200))
        keeper = self.started(registry.client)
        keeper.say(Status.DOWN)
        self.assertEqual(self.status_of(registry), [("UP", "5000"), ("DOWN", "5001")])
        keeper.say(Status.DOWN)
        self.clock.advance(30)
        self.assertEqual(
            registry.lines, [REGISTER, UNDO, REGISTER, RENEW.replace("UP", "DOWN").replace("5000", "5001")]
        )
        self.stop(keeper)

    def test_another_status_while_registering(self) -> None:
        """What is said while a registration is under way is registered as soon as that is done."""
        registry = ScriptedRegistry(Scripted(hang=True), Scripted(200))
        keeper = self.started(registry.client)
        keeper.say(Status.DOWN)
        self.assertFalse(keeper.registered)
        registry.finish_hanging()
        self.assertEqual(self.status_of(registry), [("UP", "5000"), ("DOWN", "5001")])
        self.assertTrue(keeper.registered)
        self.stop(keeper)

    def test_another_status_with_nobody_to_hear_it(self) -> None:
        """A registry that is down is not asked more often for it."""
        client = BrokenClient(lambda: ConnectError("refused"))
        keeper = self.started(client)
        keeper.say(Status.DOWN)
        self.assertEqual(client.requests, 2)
        self.clock.advance(1.9)
        self.assertEqual(client.requests, 2)
        self.stop(keeper)

    def test_withdrawn(self) -> None:
        """The status is put over the registration, then the lease is renewed as before until it is cancelled."""
        registry = ScriptedRegistry(Scripted(200))
        keeper = self.started(registry.client)
        withdrawn = keeper.withdraw()
        self.assertNoResult(withdrawn)
        self.clock.advance(0)
        self.successResultOf(withdrawn)
        self.clock.advance(30)
        self.stop(keeper)
        renewal = RENEW.replace("UP", "OUT_OF_SERVICE")
        self.assertEqual(registry.lines, [REGISTER, UNDO, WITHDRAW, renewal, CANCEL])

    def test_forgotten_while_withdrawn(self) -> None:
        """A registry that forgot it gets it as out of service."""
        registry = ScriptedRegistry(Scripted(204), Scripted(200), Scripted(200), Scripted(404), Scripted(204))
        keeper = self.started(registry.client)
        keeper.withdraw()
        self.clock.advance(30)
        self.assertEqual(self.status_of(registry), [("UP", "5000"), ("OUT_OF_SERVICE", "5000")])
        self.stop(keeper)

    def test_withdrawn_while_registering(self) -> None:
        """A registration that arrives after the withdrawal is followed by one that is out of service."""
        registry = ScriptedRegistry(Scripted(hang=True), Scripted(404), Scripted(200))
        keeper = self.started(registry.client)
        keeper.withdraw()
        registry.finish_hanging()
        self.assertEqual(registry.lines, [REGISTER, WITHDRAW, UNDO, REGISTER])
        self.assertEqual(self.status_of(registry)[-1], ("OUT_OF_SERVICE", "5000"))
        self.stop(keeper)

    def test_withdrawn_while_an_override_is_undone(self) -> None:
        """The undoing may come after the withdrawal, so the instance is registered as out of service as well."""
        registry = ScriptedRegistry(Scripted(204), Scripted(hang=True), Scripted(200))
        keeper = self.started(registry.client)
        keeper.withdraw()
        registry.finish_hanging()
        self.assertEqual(registry.lines, [REGISTER, UNDO, WITHDRAW, REGISTER])
        self.assertEqual(self.status_of(registry)[-1], ("OUT_OF_SERVICE", "5000"))
        self.stop(keeper)

    def test_withdrawal_without_an_answer(self) -> None:
        """A registry that does not answer is waited for 2 s."""
        registry = ScriptedRegistry(Scripted(204), Scripted(200), Scripted(hang=True))
        keeper = self.started(registry.client)
        withdrawn = keeper.withdraw()
        self.clock.advance(1.9)
        self.assertNoResult(withdrawn)
        with capturedLogs() as events:
            self.clock.pump([0.1, 0])
        self.successResultOf(withdrawn)
        said = [(event["failed"], event["reason"]) for event in events]
        self.assertEqual(said, [("was not withdrawn", "no answer in 2 s")])
        registry.hanging.clear()
        registry.answers[:] = [Scripted(200)]
        self.stop(keeper)

    def test_withdrawn_before_it_was_registered(self) -> None:
        """There is nothing to withdraw."""
        registry = ScriptedRegistry(Scripted(204))
        keeper = LeaseKeeper(registration(), ["http://one/"], Calls(registry.client, self.clock), self.clock, lambda: 1)
        self.successResultOf(keeper.withdraw())
        self.assertEqual(registry.asked, [])

    def test_override_of_a_former_life(self) -> None:
        """An override that a killed process left behind is undone by the first registration, and not by later ones."""
        leases = Leases(self.clock.seconds, lambda: 1)
        leases.register(registration())
        leases.override("SVC", "localhost:svc:9101", Status.OUT_OF_SERVICE)
        keeper = LeaseKeeper(
            registration(), ["embedded:"], Within(leases), self.clock, lambda: 5000, random=lambda: 0.0
        )
        keeper.startService()
        self.assertEqual([each.status for each in leases], [Status.UP])
        leases.override("SVC", "localhost:svc:9101", Status.OUT_OF_SERVICE)
        keeper.say(Status.STARTING)
        keeper.say(Status.UP)
        self.assertEqual([each.status for each in leases], [Status.OUT_OF_SERVICE])
        self.stop(keeper)
        self.assertEqual(tuple(leases), ())

    def test_override_that_cannot_be_undone(self) -> None:
        """A server that answers, but does not undo it, keeps the registration; one that does not answer is asked again."""
        registry = ScriptedRegistry(Scripted(204), Scripted(500), Scripted(200))
        keeper = self.started(registry.client)
        self.assertTrue(keeper.registered)
        self.clock.advance(30)
        self.assertEqual(registry.lines, [REGISTER, UNDO, RENEW])
        self.stop(keeper)
        registry = ScriptedRegistry(Scripted(204), Scripted(hang=True), Scripted(200))
        keeper = self.started(registry.client)
        self.clock.pump([10, 1])
        self.assertEqual([line.split()[0] for line in registry.lines], ["POST", "DELETE", "PUT", "DELETE"])
        registry.hanging.clear()
        self.stop(keeper)
