"""twistd's ``apiml-ws-quickstart`` command: a gateway to try, on this machine alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar, Final

from twisted.application.service import IService
from twisted.python import usage

import apiml_ws
from apiml_ws.core.config import Config
from apiml_ws.proxy.key_material import TlsError
from apiml_ws.quickstart import State, prepare
from apiml_ws.quickstart_service import (
    INSTANCES,
    QuickStart,
    free_port,
    gateways_own,
    sample_settings,
    taken,
    welcome,
    with_ports,
)
from apiml_ws.sample_service import SampleService
from apiml_ws.tap import gateway, load, refusal

#: The quick start's configuration in a checkout of the project.
CONFIGURATION: Final = Path(apiml_ws.__file__).parent.parent / "etc" / "quickstart.yml"


class Options(usage.Options):
    """``[--state FOLDER] [--config FILE] [--set KEY=VALUE]...``."""

    synopsis = "[options]"
    longdesc = (
        "The gateway, a registry and two instances of a sample service that register there, on this machine alone."
    )
    optParameters: ClassVar[list[list[Any]]] = [
        ["state", "s", ".state", "Where certificates and passwords are kept; made on first use."],
        ["config", "c", str(CONFIGURATION), "The configuration, YAML."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.overrides: list[str] = []

    def opt_set(self, override: str) -> None:
        """KEY=VALUE: wins over the file; may be repeated. Port 0 is any free one."""
        self.overrides.append(override)


def makeService(options: Options) -> IService:
    """All of it, ready to start; what is wrong ends the process with status 1."""
    from twisted.internet import reactor

    return quick_start(options, reactor)


def quick_start(options: Options, reactor: Any) -> QuickStart:
    """The quick start on ``reactor``."""
    try:
        state = prepare(Path(options["state"]))
    except OSError as error:
        raise SystemExit(f"apiml-ws-quickstart: {options['state']} cannot be used: {error}") from error
    config = with_ports(load(options["config"], [*state.overrides(), *options.overrides]), free_port)
    if problems := taken(config):
        raise refusal(*problems)
    parent = gateway(gateways_own(config), reactor)
    return QuickStart(
        parent, _samples(config, state, reactor), welcome(config, state, sys.executable, Path.cwd()), _say
    )


def _samples(config: Config, state: State, reactor: Any) -> list[SampleService]:
    try:
        return [SampleService(sample_settings(config, state), reactor) for _ in range(INSTANCES)]
    except TlsError as error:
        raise SystemExit(f"apiml-ws-quickstart: {error}") from error


def _say(text: str) -> None:
    """To the terminal itself: what is written to ``sys.stdout`` under twistd becomes part of the log."""
    terminal = sys.__stdout__
    if terminal is not None:
        terminal.write(text)
        terminal.flush()
