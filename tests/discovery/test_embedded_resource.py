"""The embedded registry on the web."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Mapping

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.directory import Directory
from apiml_ws.discovery.embedded import EmbeddedRegistry
from apiml_ws.discovery.embedded_resource import RegistryResource
from apiml_ws.discovery.leases import Leases
from tests.discovery import registry_behaviour
from tests.discovery.doubles_asking import Asker
from tests.discovery.doubles_registrations import registration
from tests.discovery.registry_behaviour import Answered


class EmbeddedBehaviourTests(registry_behaviour.RegistryBehaviour):
    """The embedded registry does what Eureka does, with leases that end after one duration."""

    lease_factor = 1.0
    lease_extra = 1.0

    def setUp(self) -> None:
        """An empty registry, whose clock stands."""
        super().setUp()
        self.clock = Clock()
        directory = Directory(["embedded"], self.clock.seconds)
        self.registry = EmbeddedRegistry(
            directory, self.clock, lambda: 1795487779771 + int(self.clock.seconds() * 1000)
        )
        self.registry.startService()
        self.addCleanup(self.registry.stopService)
        self._asker = Asker(self, RegistryResource(self.registry.leases))

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """Ask in memory."""
        return self._asker.ask(method, path, body, headers)

    def pass_time(self, seconds: float) -> None:
        """Advance the clock, second by second."""
        self.clock.pump([1.0] * int(seconds))

    def test_unknown_instance_has_no_body(self) -> None:
        """404 has no body, which a Java client would take for the instance."""
        for method in ("GET", "PUT", "DELETE"):
            self.assertEqual(self.ask(method, self.path).body, b"")

    def test_version_two(self) -> None:
        """The same is served below v2."""
        self.register()
        self.assertEqual(self.ask("GET", f"/v2{self.path}").status, 200)
        self.assertEqual(len(self.listed("/v2/apps/")), 1)

    def test_what_is_wrong_with_a_registration(self) -> None:
        """A bad registration is told what is missing."""
        self.assertEqual(self.post(self.sent(hostName="")).body, b"Missing hostname")
        self.assertEqual(self.post({"app": None}).body, b'{"error": "cannot parse request body"}')

    def test_allowed_methods(self) -> None:
        """405 says what is allowed."""
        self.assertEqual(self.ask("DELETE", "/apps").headers["allow"], "GET")

    def test_bad_values_are_the_senders_mistake(self) -> None:
        """A status or timestamp that is none is 400."""
        self.register()
        self.assertEqual(self.ask("PUT", f"{self.path}?lastDirtyTimestamp=x").status, 400)
        self.assertEqual(self.ask("PUT", f"{self.path}/status?value=x").status, 400)
        self.assertEqual(self.ask("DELETE", f"{self.path}/status?value=x").status, 400)


class ResourceTests(SynchronousTestCase):
    """What is the web's alone."""

    def setUp(self) -> None:
        """A registry with one instance."""
        self.leases = Leases(lambda: 0.0, lambda: 1)
        self.leases.register(registration())
        self.asker = Asker(self, RegistryResource(self.leases))

    def test_gzip(self) -> None:
        """Lists are compressed for those who ask for it; single instances are not, as with Netflix's server."""
        headers = {"Accept-Encoding": "gzip;q=1.0, deflate"}
        for path in ("/apps", "/apps/", "/apps/delta"):
            answered = self.asker.ask("GET", path, headers=headers)
            self.assertIn("applications", json.loads(gzip.decompress(answered.body)), path)
            self.assertEqual(answered.headers["content-encoding"], "gzip")
        self.assertNotIn("content-encoding", self.asker.ask("GET", "/apps/SVC", headers=headers).headers)

    def test_gzip_refused(self) -> None:
        """A client that refuses gzip gets none."""
        answered = self.asker.ask("GET", "/apps", headers={"Accept-Encoding": "gzip;q=0"})
        self.assertNotIn("content-encoding", answered.headers)

    def test_credentials(self) -> None:
        """With credentials configured, nobody gets in with others or without."""
        asker = Asker(self, RegistryResource(self.leases, ("eureka", "pässword")))
        for sent in (None, "eureka:wrong", "wrong:pässword", "eureka:", ":"):
            headers = {} if sent is None else {"Authorization": f"Basic {b64encode(sent.encode()).decode()}"}
            answered = asker.ask("GET", "/apps", headers=headers)
            self.assertEqual((answered.status, answered.body), (401, b""), sent)
            self.assertIn("Basic", answered.headers["www-authenticate"])
        right = b64encode("eureka:pässword".encode()).decode()
        self.assertEqual(asker.ask("GET", "/apps", headers={"Authorization": f"Basic {right}"}).status, 200)

    def test_head_tells_the_length(self) -> None:
        """HEAD tells the length of what GET gives."""
        length = len(self.asker.ask("GET", "/apps").body)
        self.assertEqual(self.asker.ask("HEAD", "/apps").headers["content-length"], str(length))

    def test_empty_answers_are_no_html(self) -> None:
        """An answer without a body claims no kind of content."""
        self.assertNotIn("content-type", self.asker.ask("PUT", "/apps/SVC/localhost:svc:9101").headers)
