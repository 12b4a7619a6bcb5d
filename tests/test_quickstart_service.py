"""The quick start's parts together."""

from __future__ import annotations

import socket
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config import Config, EmbeddedConfig, EurekaConfig, TlsConfig
from apiml_ws.core.registry import Instance, Service, Snapshot, Status
from apiml_ws.quickstart_service import QuickStart, free_port, sample_settings, taken, welcome, with_ports
from tests.doubles_quickstart import Part, state_in

STATE = state_in(Path("/work/state"))


def snapshot(*statuses: Status) -> Snapshot:
    """A registry that knows the sample service with one instance for each status."""
    instances = tuple(
        Instance("discoverableclient", f"i{number}", "localhost", 1, secure=True, status=status)
        for number, status in enumerate(statuses)
    )
    service = Service("discoverableclient", instances)
    return Snapshot(MappingProxyType({"discoverableclient": service}))


class QuickStartTests(SynchronousTestCase):
    """:class:`QuickStart`."""

    def setUp(self) -> None:
        self.log: list[str] = []
        self.said: list[str] = []
        self.gateway = Part("gateway", self.log)
        self.samples = [Part("first", self.log), Part("second", self.log)]
        samples: Any = self.samples
        gateway: Any = self.gateway
        self.all = QuickStart(gateway, samples, "welcome", self.said.append)
        self.all.startService()

    def known(self, *statuses: Status) -> None:
        self.gateway.directory.update("embedded", snapshot(*statuses))

    def test_the_gateway_starts_first(self) -> None:
        """With its registry, where the services register."""
        self.assertEqual(self.log, ["gateway started", "first started", "second started"])

    def test_it_says_what_to_try_when_it_can_be_tried(self) -> None:
        """Once, when every instance can get sessions."""
        self.gateway.directory.update("embedded", Snapshot())
        self.known(Status.UP)
        self.known(Status.UP, Status.STARTING)
        self.assertEqual(self.said, [])
        self.known(Status.UP, Status.UP)
        self.known(Status.UP, Status.DOWN)
        self.known(Status.UP, Status.UP)
        self.assertEqual(self.said, ["welcome"])

    def test_it_stops_from_the_outside_in(self) -> None:
        """The services leave while the registry is there, the gateway ends the sessions, then the services go."""
        self.log.clear()
        stopped = self.all.stopService()
        self.assertEqual(self.log, ["first leaves", "second leaves"])
        for sample in self.samples:
            sample.left.callback(None)
        self.assertEqual(self.log[2:], ["gateway stops"])
        self.gateway.stopped.callback(None)
        self.assertEqual(self.log[3:], ["first stops", "second stops"])
        self.assertNoResult(stopped)
        for sample in self.samples:
            sample.stopped.callback(None)
        self.successResultOf(stopped)
        self.assertFalse(self.all.running)


class PortTests(SynchronousTestCase):
    """Ports that can be printed, and are free."""

    def test_a_port_of_0_becomes_a_real_one(self) -> None:
        """Each its own, and the registry's is where the services register."""
        ports = count(1000)
        config = with_ports(Config(port=0, embedded=EmbeddedConfig(port=0)), lambda: next(ports))
        self.assertEqual({config.port, config.embedded.port}, {1000, 1001})
        self.assertEqual(config.eureka.urls, (f"https://localhost:{config.embedded.port}/eureka/",))

    def test_ports_that_were_chosen_stay(self) -> None:
        """And its own registry is there, whatever else is configured."""
        config = with_ports(Config(eureka=EurekaConfig(urls=("http://elsewhere/eureka/",))), self.fail)
        self.assertEqual((config.port, config.embedded.port, config.embedded.enabled), (10010, 10011, True))
        self.assertEqual(config.eureka.urls, ("https://localhost:10011/eureka/",))

    def test_the_registrys_credentials_are_used(self) -> None:
        """Whatever characters they have; plain HTTP when the gateway serves that."""
        embedded = EmbeddedConfig(userid="a:b", password="p@/")
        config = with_ports(Config(tls=TlsConfig(enabled=False), embedded=embedded), self.fail)
        self.assertEqual(config.eureka.urls, ("http://a%3Ab:p%40%2F@localhost:10011/eureka/",))

    def test_a_free_port_is_free(self) -> None:
        """For as long as nobody else takes it."""
        config = Config(address="127.0.0.1", port=free_port(), embedded=EmbeddedConfig(address="::1", port=free_port()))
        self.assertEqual([problem for problem in taken(config) if "gateway" in problem], [])

    def test_a_port_that_is_taken_is_told_with_the_way_round(self) -> None:
        """Which key says another one."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            embedded = EmbeddedConfig(port=port)
            found = taken(Config(address="127.0.0.1", port=free_port(), embedded=embedded))
        self.assertEqual(len(found), 1)
        self.assertIn(f"the registry cannot listen on 127.0.0.1:{port}: ", found[0])
        self.assertIn("--set apiml.discovery.embedded.port=0", found[0])


class WordsTests(SynchronousTestCase):
    """What is handed to the services, and said to the user."""

    def config(self, **changes: Any) -> Config:
        return with_ports(replace(Config(), **changes), self.fail)

    def test_services_register_at_the_registry_over_tls(self) -> None:
        """With the lease times of the configuration."""
        times = EurekaConfig(renewal_interval=5.0, lease_duration=15.0)
        found = sample_settings(self.config(eureka=times), STATE)
        self.assertEqual((found.port, found.renewal, found.duration), (0, 5, 15))
        self.assertEqual(found.registries, ("https://localhost:10011/eureka/",))
        self.assertEqual(
            (found.tls.certificate, found.tls.trust_store), ("/work/state/service.pem", "/work/state/ca.pem")
        )

    def test_the_welcome_names_all_that_can_be_tried(self) -> None:
        """Addresses, and lines to paste, with paths as short as they can be."""
        text = welcome(self.config(), STATE, "/work/.venv/bin/python", Path("/work"))
        for wanted in (
            "wss://localhost:10010/ws/v1/discoverableclient/uppercase\n",
            "wss://localhost:10010/discoverableclient/ws/v1/uppercase",
            "https://localhost:10010/application/websockets   (admin:secret)",
            "https://localhost:10011/eureka/apps",
            "  .venv/bin/python -m apiml_ws.sample.talk --ca state/ca.pem wss://localhost:10010/ws/v1/discoverableclient/upper",
            "  curl --cacert state/ca.pem --user admin:secret https://localhost:10010/application/websockets\n",
            "Ctrl-C",
        ):
            self.assertIn(wanted, text)

    def test_the_welcome_is_fit_for_a_shell_anywhere(self) -> None:
        """Full paths from other folders, quoted where they need it; plain addresses where TLS is off."""
        state = state_in(Path("/my state"))
        text = welcome(self.config(tls=TlsConfig(enabled=False)), state, "/usr/bin/python3", Path("/work"))
        self.assertIn("  /usr/bin/python3 -m apiml_ws.sample.talk --ca '/my state/ca.pem' ws://localhost:10010/", text)
        self.assertIn("http://localhost:10010/application/health", text)
