"""``apiml-ws check``: says everything that is wrong with a configuration, without starting anything."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from apiml_ws.config_file import load_config
from apiml_ws.console import Command, Console, Exit
from apiml_ws.core.config import Config
from apiml_ws.core.config_problem import ConfigError


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", required=True, help="the configuration, YAML")
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="as the gateway would get it; wins over environment and file; may be repeated",
    )


def _run(options: Namespace, console: Console) -> Exit:
    errors, warnings = examine(options, console)
    for kind, lines in (("error", errors), ("warning", warnings)):
        for line in lines:
            console.complain(f"{kind}: {line}")
    console.say(f"{options.config}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    return Exit.FAILED if errors else Exit.DONE


def examine(options: Namespace, console: Console) -> tuple[list[str], list[str]]:
    """The errors and the warnings; files that the configuration names are opened only when the rest is right."""
    try:
        config = load_config(options.config, console.environment, options.set)
    except ConfigError as error:
        return _texts(error.errors), _texts(error.warnings)
    # Imported here, so that help and mistakes in the file do not wait for OpenSSL and Twisted to load.
    from apiml_ws.config_faults import config_faults

    return list(config_faults(config)), [*_texts(config.warnings), *_definition_faults(config)]


def _texts(problems: Iterable[object]) -> list[str]:
    return [str(problem) for problem in problems]


def _definition_faults(config: Config) -> list[str]:
    """What is wrong with static definitions: warnings, since the gateway starts without them and reads them again."""
    from apiml_ws.discovery.definition_files import SUFFIXES
    from apiml_ws.discovery.definitions import read_definitions

    faults: list[str] = []
    for folder in config.definition_directories:
        for path in sorted(Path(folder).glob("*")):
            if path.name.endswith(SUFFIXES):
                try:
                    faults += read_definitions(path.read_text(encoding="utf-8-sig"), str(path)).problems
                except (OSError, UnicodeDecodeError) as error:
                    faults.append(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}")
    return faults


def _count(lines: list[str], what: str) -> str:
    return f"{len(lines) or 'no'} {what}{'' if len(lines) == 1 else 's'}"


#: The command.
COMMAND: Final = Command(
    "check",
    "validate a configuration without starting anything",
    "Reads the configuration as the gateway would, environment and --set included, opens the certificates, keys,\n"
    "password file and static definitions that it names, and prints every error and warning with its place.\n\n"
    "Exit status: 0 when the gateway would start with it, though perhaps with warnings; 1 when there are errors.",
    _arguments,
    _run,
)
