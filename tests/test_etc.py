"""The files in ``etc/`` are what the code understands."""

from __future__ import annotations

import re
import shlex
from configparser import ConfigParser
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.config_file import load_config
from apiml_ws.core.config import Config
from apiml_ws.core.config_keys import BY_SPELLING, KEYS
from apiml_ws.core.config_problem import ConfigError
from apiml_ws.core.config_reader import read_config
from apiml_ws.core.config_values import interpret
from apiml_ws.core.config_yaml import read_yaml
from apiml_ws.discovery.definitions import Definitions, read_definitions

ETC = Path(__file__).parent.parent / "etc"


def config_of(name: str) -> Config:
    """The configuration that the file ``name`` makes where all that it names is there."""
    return read_config((ETC / name).read_text(), name, {}, [], lambda _path: True, base=str(ETC))


class Quickstart(SynchronousTestCase):
    """``quickstart.yml``."""

    def test_right_without_a_warning(self) -> None:
        """The first thing that anybody sees is clean."""
        self.assertEqual(config_of("quickstart.yml").warnings, ())

    def test_reachable_from_this_machine_alone(self) -> None:
        """Gateway and registry listen on loopback; the gateway asks its own registry."""
        config = config_of("quickstart.yml")
        self.assertEqual((config.address, config.port), ("127.0.0.1", 10010))
        self.assertEqual((config.embedded.enabled, config.embedded.address), (True, "127.0.0.1"))
        self.assertEqual(config.eureka.urls, (f"https://localhost:{config.embedded.port}/eureka/",))

    def test_files_are_those_of_the_state_folder(self) -> None:
        """It is beside this folder, where git ignores it."""
        config, state = config_of("quickstart.yml"), ETC.parent / ".state"
        files = (config.tls.certificate, config.tls.private_key, config.tls.trust_store, config.password_file)
        names = ("gateway.pem", "gateway-key.pem", "ca.pem", "passwords")
        self.assertEqual(files, tuple(str(state / name) for name in names))


class Production(SynchronousTestCase):
    """``gateway.yml``."""

    def test_right_without_a_warning(self) -> None:
        """Where the files are."""
        self.assertEqual(config_of("gateway.yml").warnings, ())

    def test_missing_files_are_the_only_errors(self) -> None:
        """As it stands, without its files, it is refused for these alone."""
        error: ConfigError = self.assertRaises(ConfigError, load_config, str(ETC / "gateway.yml"), {})
        self.assertTrue(all("which is not there" in each.found for each in error.errors))

    def test_every_key_is_explained_with_its_default(self) -> None:
        """With the comments taken off the keys, each is there once, and those that were comments have their defaults."""
        commented = re.compile(r"^( *)#(?=\w)", re.MULTILINE)
        text = (ETC / "gateway.yml").read_text()
        givens, problems = read_yaml(commented.sub(r"\1", text), "gateway.yml")
        chosen = {given.name for given in read_yaml(text, "gateway.yml")[0] if given.said is not None}
        self.assertEqual(problems, [])
        self.assertEqual(sorted(given.name for given in givens), sorted(key.name for key in KEYS))
        for given in givens:
            kind, default = BY_SPELLING[given.name].kind, BY_SPELLING[given.name].default
            if given.name not in chosen:
                self.assertEqual(interpret(kind, given.said), interpret(kind, default), given.name)


class Unit(SynchronousTestCase):
    """``apiml-ws.service``."""

    def setUp(self) -> None:
        self.unit = ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",), delimiters=("=",))
        self.unit.optionxform = str  # type: ignore[assignment,method-assign]  # documented way to keep the case
        self.unit.read_string((ETC / "apiml-ws.service").read_text())
        self.service = self.unit["Service"]

    def test_sections(self) -> None:
        """A unit that can be enabled."""
        self.assertEqual(self.unit.sections(), ["Unit", "Service", "Install"])

    def test_readiness_is_told_by_the_gateway(self) -> None:
        """Only its main process is believed."""
        self.assertEqual((self.service["Type"], self.service["NotifyAccess"]), ("notify", "main"))

    def test_what_is_checked_is_what_is_run(self) -> None:
        """The same file, by the two commands of one installation; in the foreground, without a pid file."""
        check, run = shlex.split(self.service["ExecStartPre"]), shlex.split(self.service["ExecStart"])
        self.assertEqual(check[1:3], ["check", "--config"])
        self.assertEqual(run[1:], ["--nodaemon", "--pidfile=", "apiml-ws", *check[2:]])
        self.assertEqual(Path(check[0]).parent, Path(run[0]).parent)

    def test_time_and_descriptors_suffice(self) -> None:
        """systemd waits longer than the gateway does; thousands of sessions have two descriptors each."""
        self.assertGreater(float(self.service["TimeoutStopSec"]), Config().web_socket.stop_timeout)
        self.assertGreaterEqual(int(self.service["LimitNOFILE"]), 100_000)

    def test_relay_threads_may_go_first(self) -> None:
        """By as many steps of nice as they do unless told otherwise, and by the calls that it takes."""
        self.assertEqual(-int(self.service["LimitNICE"]), Config().relay_precedence)
        self.assertEqual(self.service["SystemCallFilter"].split(), ["prlimit64", "setpriority", "sched_setattr"])

    def test_backup_of_the_registry_can_be_written(self) -> None:
        """The production configuration keeps it in the folder that the unit makes."""
        folder = Path("/var/lib") / self.service["StateDirectory"]
        self.assertEqual(Path(str(config_of("gateway.yml").eureka.backup_file)).parent, folder)

    def test_hardened(self) -> None:
        """No rights beyond files and network."""
        self.assertEqual(self.service["CapabilityBoundingSet"], "")
        self.assertEqual((self.service["NoNewPrivileges"], self.service["ProtectSystem"]), ("yes", "strict"))
        self.assertIn("AF_UNIX", self.service["RestrictAddressFamilies"])


class StaticDefinitions(SynchronousTestCase):
    """``definitions/``."""

    def definitions(self, name: str) -> Definitions:
        """What the file ``name`` defines."""
        return read_definitions((ETC / "definitions" / name).read_text(), name)

    def test_all_are_understood(self) -> None:
        """Every file, without a complaint."""
        names = sorted(path.name for path in (ETC / "definitions").iterdir())
        self.assertEqual(names, ["additional.yml", "echo.yml"])
        for name in names:
            self.assertEqual(self.definitions(name).problems, (), name)

    def test_service(self) -> None:
        """Two instances of a service with one route, and settings of its own."""
        first, second = self.definitions("echo.yml").instances
        self.assertEqual([each.address for each in (first, second)], [f"wss://echo{n}.example:8443" for n in (1, 2)])
        self.assertEqual(first.metadata["apiml.routes.ws-v1.serviceUrl"], "/echo/ws")
        self.assertEqual(first.metadata["apiml.ws.compression"], "true")

    def test_additional_metadata(self) -> None:
        """Settings for a service that registers itself."""
        (additional,) = self.definitions("additional.yml").additional
        self.assertEqual((additional.service_id, additional.force), ("terminal", False))
        self.assertEqual(additional.metadata["apiml.ws.propagation"], "never")
