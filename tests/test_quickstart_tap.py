"""The ``apiml-ws-quickstart`` command."""

from __future__ import annotations

import socket
import sys
from io import StringIO
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws import quickstart, quickstart_tap
from apiml_ws.core.config import Config
from apiml_ws.proxy.key_material import TlsError
from apiml_ws.quickstart_service import QuickStart
from apiml_ws.quickstart_tap import Options, makeService, quick_start
from tests.doubles_quickstart import Part
from tests.doubles_service import MemoryReactor


class QuickStartTapTests(SynchronousTestCase):
    """What the command makes, with a gateway that only records its configuration."""

    def setUp(self) -> None:
        self.state = self.mktemp()
        self.configurations: list[Config] = []
        self.reactors: list[object] = []
        self.errors = StringIO()
        self.patch(quickstart, "_COST", 4)
        self.patch(quickstart_tap, "gateway", self.gateway)
        self.patch(sys, "stderr", self.errors)

    def gateway(self, config: Config, reactor: Any) -> Part:
        """What stands for the gateway."""
        self.configurations.append(config)
        self.reactors.append(reactor)
        return Part("gateway", [])

    def options(self, *arguments: str) -> Options:
        options = Options()
        ports = ["--set", "server.port=0", "--set", "apiml.discovery.embedded.port=0"]
        options.parseOptions(["--state", self.state, *ports, *arguments])
        return options

    def refused(self, options: Options) -> str:
        """What is said before the process ends with status 1."""
        with self.assertRaises(SystemExit) as caught:
            quick_start(options, MemoryReactor())
        code = caught.exception.code
        return self.errors.getvalue() if code == 1 else str(code)

    def test_it_makes_everything_from_the_quick_starts_configuration(self) -> None:
        """With certificates from the state folder, on the loopback alone."""
        made = quick_start(self.options(), MemoryReactor())
        self.assertIsInstance(made, QuickStart)
        self.assertEqual(len(made.services), 3)
        (config,) = self.configurations
        self.assertEqual((config.address, config.embedded.address), ("127.0.0.1", "127.0.0.1"))
        self.assertEqual((config.eureka.urls, config.eureka.register), ((), True))
        self.assertTrue(str(config.tls.certificate).endswith(f"{self.state}/gateway.pem"))
        self.assertTrue(str(config.password_file).endswith(f"{self.state}/passwords"))

    def test_overrides_win(self) -> None:
        """Over the file, and over where the state is."""
        quick_start(self.options("--set", "server.webSocket.maxMessageSize=7"), MemoryReactor())
        self.assertEqual(self.configurations[0].web_socket.max_message_size, 7)

    def test_it_runs_on_twistds_reactor(self) -> None:
        """As the plugin asks."""
        makeService(self.options())
        self.assertEqual(self.reactors, [global_reactor])

    def test_a_state_folder_that_cannot_be_made_is_told(self) -> None:
        """By its name."""
        self.assertIn("/proc/none", self.refused(self.options("--state", "/proc/none")))

    def test_a_wrong_configuration_is_told(self) -> None:
        """As the gateway tells it."""
        self.assertIn("server.prt", self.refused(self.options("--set", "server.prt=1")))

    def test_a_port_that_is_taken_is_told(self) -> None:
        """Before anything is started."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            said = self.refused(self.options("--set", f"server.port={port}"))
        self.assertIn(f"the gateway cannot listen on 127.0.0.1:{port}", said)
        self.assertEqual(self.configurations, [])

    def test_a_certificate_that_cannot_be_used_is_told(self) -> None:
        """Of the services as of the gateway."""

        def broken(*_: object) -> None:
            raise TlsError("certificate", "x.pem", "is broken")

        self.patch(quickstart_tap, "SampleService", broken)
        self.assertIn("server.ssl.certificate: x.pem: is broken", self.refused(self.options()))

    def test_it_speaks_to_the_terminal(self) -> None:
        """Not to the log that twistd puts in place of the standard output; without a terminal it is silent."""
        terminal = StringIO()
        self.patch(sys, "__stdout__", terminal)
        quickstart_tap._say("hello\n")
        self.assertEqual(terminal.getvalue(), "hello\n")
        self.patch(sys, "__stdout__", None)
        quickstart_tap._say("hello\n")
