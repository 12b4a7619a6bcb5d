"""The configuration from a file on this machine: what the pure reader needs of the world is looked up here."""

from __future__ import annotations

import os.path
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from apiml_ws.core.config import Config
from apiml_ws.core.config_problem import ConfigError, Problem
from apiml_ws.core.config_reader import read_config


def load_config(file: str, environment: Mapping[str, str], overrides: Sequence[str] = ()) -> Config:
    """Read ``file``; what ``environment`` says wins over it, and ``overrides`` (``KEY=VALUE``) over both.

    :raises ConfigError: the file cannot be read, or something is wrong with what is said.
    """
    return read_config(
        _text(file),
        file,
        environment,
        overrides,
        os.path.exists,
        hostname=socket.gethostname(),
        base=os.path.dirname(os.path.abspath(file)),
    )


def _text(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([_unreadable(file, error.strerror or "it cannot be read")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([_unreadable(file, f"bytes that are no UTF-8 at offset {error.start}")]) from error


def _unreadable(file: str, found: str) -> Problem:
    return Problem(file, None, "(file)", found, "a file of YAML in UTF-8")
