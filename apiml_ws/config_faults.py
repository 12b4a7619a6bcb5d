"""What keeps a valid configuration from being used: the files that it names are opened, and OpenSSL is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from apiml_ws.actuator.passwords import PasswordFile, PasswordFileError
from apiml_ws.core.config import Config
from apiml_ws.proxy.tls import problems

_PASSWORDS: Final = "management.security.passwordFile"


def config_faults(config: Config) -> tuple[str, ...]:
    """Every fault: where its key was given, the key, and what is wrong."""
    return tuple(f"{config.places[key]}: {fault}" if key in config.places else fault for key, fault in _faults(config))


def _faults(config: Config) -> Iterator[tuple[str, str]]:
    """The keys with their faults, in which the keys are named."""
    for problem in problems(config.tls, config.verification):
        yield f"server.ssl.{problem.key}", str(problem)
    if config.password_file is not None:
        try:
            PasswordFile(config.password_file)
        except PasswordFileError as error:
            yield from ((_PASSWORDS, f"{_PASSWORDS}: {fault}") for fault in error.faults)
