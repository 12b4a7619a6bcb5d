"""twistd's ``apiml-ws`` command: its options, and the composition root.

This, and the taps beside it, are the only places that name the global reactor.
"""

from __future__ import annotations

import os
import sys
from typing import Any, ClassVar

from twisted.application.service import IService
from twisted.python import usage

from apiml_ws.actuator.passwords import PasswordFileError
from apiml_ws.config_faults import config_faults
from apiml_ws.config_file import load_config
from apiml_ws.core.config import Config
from apiml_ws.core.config_problem import ConfigError
from apiml_ws.descriptors import open_descriptors, raise_limit
from apiml_ws.garbage import look_seldom
from apiml_ws.gateway_service import GatewayService
from apiml_ws.monotonic import use_monotonic_clock
from apiml_ws.proxy.key_material import TlsError
from apiml_ws.proxy.pump.library import NoPump
from apiml_ws.signals import Signals


class Options(usage.Options):
    """``--config FILE [--set KEY=VALUE]...``."""

    synopsis = "--config FILE [--set KEY=VALUE]..."
    longdesc = "A WebSocket API gateway for the services of a Eureka registry."
    optParameters: ClassVar[list[list[Any]]] = [["config", "c", None, "The configuration, YAML."]]

    def __init__(self) -> None:
        super().__init__()
        self.overrides: list[str] = []

    def opt_set(self, override: str) -> None:
        """KEY=VALUE: wins over the environment and the file; may be repeated."""
        self.overrides.append(override)


def makeService(options: Options) -> IService:
    """The gateway, ready to start.  What is wrong is printed as a whole, and the process ends with status 1."""
    from twisted.internet import reactor

    return gateway(load(options["config"], options.overrides), reactor)


def load(file: str | None, overrides: list[str]) -> Config:
    """The configuration in ``file``; all that is wrong with it ends the process."""
    if file is None:
        # Not a UsageError: after one, twistd before Twisted 26.10 ends with status 0.
        raise refusal("--config FILE is needed; twistd apiml-ws --help says more")
    try:
        config = load_config(file, os.environ, overrides)
    except ConfigError as error:
        raise refusal(*map(str, error.errors)) from error
    if faults := config_faults(config):
        raise refusal(*faults)
    return config


def gateway(config: Config, reactor: Any) -> GatewayService:
    """The gateway on ``reactor``, with the clock and the dispositions of signals that it needs."""
    use_monotonic_clock(reactor)
    Signals(reactor).install()
    look_seldom(reactor)
    try:
        return GatewayService(config, reactor, os.environ, raise_limit(), open_descriptors())
    except (TlsError, PasswordFileError) as error:
        raise refusal(str(error)) from error
    except NoPump as error:
        raise refusal(f"server.relay.kind: native: {error}") from error


def refusal(*lines: str) -> SystemExit:
    """What ends the process with status 1 after it said why."""
    for line in lines:
        print(f"apiml-ws: {line}", file=sys.stderr)  # noqa: T201 - no log is open yet
    return SystemExit(1)
