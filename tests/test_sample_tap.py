"""The ``discoverableclient`` command."""

from __future__ import annotations

from pathlib import Path

from twisted.internet import reactor as global_reactor
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws import sample_tap
from apiml_ws.sample_service import SampleService, SampleSettings
from apiml_ws.sample_tap import Options, sample, settings
from tests.doubles_service import MemoryReactor


class SampleTapTestCase(SynchronousTestCase):
    """A state folder of the test's own, and no signal's disposition touched."""

    def setUp(self) -> None:
        self.state = self.mktemp()
        self.installed: list[object] = []
        self.patch(sample_tap, "Signals", lambda reactor: self)
        self.patch(sample_tap, "use_monotonic_clock", self.installed.append)

    def install(self) -> None:
        """What stands for the dispositions of signals."""
        self.installed.append("signals")

    def parsed(self, *arguments: str) -> Options:
        options = Options()
        options.parseOptions(["--state", self.state, *arguments])
        return options

    def settings(self, *arguments: str) -> SampleSettings:
        return settings(self.parsed(*arguments))


class OptionTests(SampleTapTestCase):
    """What options mean."""

    def test_without_options_it_registers_at_the_quick_start(self) -> None:
        """Over TLS by the development authority, on any free port of this machine."""
        found = self.settings()
        self.assertEqual((found.address, found.port, found.hostname), ("127.0.0.1", 0, "localhost"))
        self.assertEqual(found.registries, ("https://localhost:10011/eureka/",))
        self.assertEqual((found.tls.enabled, found.tls.trust_store), (True, f"{self.state}/ca.pem"))
        self.assertTrue(Path(f"{self.state}/discoverableclient-key.pem").exists())
        self.assertEqual((found.renewal, found.duration), (5, 15))

    def test_everything_can_be_said(self) -> None:
        """Several registries, metadata, certificates of one's own."""
        found = self.settings(
            *("--address", "0.0.0.0", "--port", "10012", "--hostname", "h", "--instance-id", "i", "--renewal", "2"),
            *("--registry", "http://a/eureka/", "--registry", "https://b/eureka/", "--metadata", "k=v=w"),
            *("--certificate", "c", "--key", "k", "--ca", "t"),
        )
        self.assertEqual((found.address, found.port, found.hostname, found.instance_id), ("0.0.0.0", 10012, "h", "i"))
        self.assertEqual(found.registries, ("http://a/eureka/", "https://b/eureka/"))
        self.assertEqual((found.metadata, found.duration), ({"k": "v=w"}, 6))
        self.assertEqual((found.tls.certificate, found.tls.private_key, found.tls.trust_store), ("c", "k", "t"))
        self.assertFalse(Path(self.state).exists())

    def test_no_authority_is_made_where_none_is_needed(self) -> None:
        """Plain, with a plain registry or none."""
        for said in (["--registry", "http://a/eureka/"], ["--unregistered"]):
            found = self.settings("--no-tls", *said)
            self.assertEqual((found.tls.enabled, found.tls.certificate), (False, None))
        self.assertFalse(Path(self.state).exists())
        self.assertEqual(self.settings("--no-tls", "--unregistered").registries, ())

    def test_another_authority_may_be_trusted(self) -> None:
        """With the certificate of the development authority."""
        self.assertEqual(self.settings("--ca", "other.pem").tls.trust_store, "other.pem")

    def test_what_makes_no_sense_is_an_error(self) -> None:
        """In a sentence."""
        for wrong in (
            ["--certificate", "c"],
            ["--port", "65536"],
            ["--port", "x"],
            ["--renewal", "0"],
            ["--registry", "localhost:10011"],
            ["--metadata", "novalue"],
            ["--metadata", "=v"],
        ):
            self.assertRaises(UsageError, self.parsed, *wrong)


class ServiceTests(SampleTapTestCase):
    """What the command makes."""

    def test_it_makes_an_instance(self) -> None:
        """With the clock and the dispositions that it needs."""
        reactor = MemoryReactor()
        self.assertIsInstance(sample(self.parsed(), reactor), SampleService)
        self.assertEqual(self.installed, [reactor, "signals"])

    def test_it_runs_on_twistds_reactor(self) -> None:
        """As the plugin asks."""
        sample_tap.makeService(self.parsed())
        self.assertEqual(self.installed[0], global_reactor)

    def test_what_is_wrong_ends_the_process(self) -> None:
        """A certificate that is not there, a folder that cannot be made."""
        for wrong in (["--certificate", "/none", "--key", "/none"], ["--state", "/proc/none"]):
            with self.assertRaises(SystemExit) as caught:
                sample(self.parsed(*wrong), MemoryReactor())
            self.assertIn("/", str(caught.exception.code))
