"""From a file's text, the environment and the command line to one valid :class:`Config`, or to all that is wrong.

Of a key that several sources give, ``--set`` wins over the environment and the environment over the file; what loses
must be valid too.  Relative paths, wherever they are given, are relative to the folder of the configuration file.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from apiml_ws.core.config import Config, EmbeddedConfig, EurekaConfig, TlsConfig, WebSocketConfig
from apiml_ws.core.config_checks import CHECKS, Check, verification
from apiml_ws.core.config_keys import BY_SPELLING, BY_VARIABLE, KEYS, SECTIONS, Key, Missing, nearest
from apiml_ws.core.config_problem import ConfigError, Problem, Source, problem
from apiml_ws.core.config_values import UnfitError, interpret
from apiml_ws.core.config_yaml import Given, read_yaml

#: Whether a file or folder of this path is there.
Exists = Callable[[str], bool]


def read_config(
    text: str,
    file: str,
    environment: Mapping[str, str],
    overrides: Sequence[str],
    exists: Exists,
    *,
    hostname: str = "localhost",
    base: str = "",
) -> Config:
    """The configuration that ``text`` (YAML), ``environment`` and ``overrides`` (``KEY=VALUE``) make together.

    :param file: the name of the file for messages.
    :param exists: says whether a path is there; it is asked about resolved paths.
    :param hostname: the machine's name, for when ``apiml.service.hostname`` is not given.
    :param base: the folder that relative paths are relative to: that of the configuration file.
    :raises ConfigError: something is wrong; the error has everything that is.
    """
    reading = _Reading(file, exists, base)
    givens, broken = read_yaml(text, file)
    reading.errors += broken
    reading.take(givens)
    reading.take(_from_environment(environment))
    reading.take(reading.from_overrides(overrides))
    reading.look_for_files()
    # A file that is no YAML says nothing, so what it lacks is not worth a word.
    return reading.config(hostname, checks=() if broken and not givens else CHECKS)


def _from_environment(environment: Mapping[str, str]) -> list[Given]:
    return [
        Given(BY_VARIABLE[name].name, value, Source(f"environment {name}"))
        for name, value in sorted(environment.items())
        if name in BY_VARIABLE
    ]


class _Reading:
    """What was read so far: the values of keys, where each was given, and what is wrong."""

    def __init__(self, file: str, exists: Exists, base: str) -> None:
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self._file = file
        self._exists = exists
        self._base = base
        self._values: dict[str, object] = {}
        self._sources: dict[str, Source] = {}
        self._faulty: set[str] = set()

    def from_overrides(self, overrides: Iterable[str]) -> list[Given]:
        """What ``--set`` says; of one that is repeated, the last counts."""
        last: dict[str, Given] = {}
        for override in overrides:
            name, equals, value = override.partition("=")
            if equals:
                last[name.strip()] = Given(name.strip(), value, Source("--set"))
            else:
                self.errors.append(Problem("--set", None, name, "no =", "KEY=VALUE"))
        return list(last.values())

    def take(self, givens: Iterable[Given]) -> None:
        """All that one source gives; it replaces what sources before it gave."""
        taken: dict[str, Given] = {}
        for given in givens:
            key = BY_SPELLING.get(given.name)
            if key is None:
                self._unknown(given)
            elif key.name in taken:
                self._again(key, given, taken[key.name])
            else:
                taken[key.name] = given
                self._value(key, given)

    def _unknown(self, given: Given) -> None:
        if given.name not in SECTIONS:
            found, allowed = "a key that is not known", f"{nearest(given.name)} is the nearest that is"
        elif given.said:
            found, allowed = "a value", "a section with keys below it"
        else:
            return
        self.errors.append(problem(given.source, given.name, found, allowed))

    def _again(self, key: Key, given: Given, first: Given) -> None:
        found = f"the key again, given as {first.name} at {first.source}"
        self._fault(key, problem(given.source, given.name, found, f"{key.name} once"))

    def _value(self, key: Key, given: Given) -> None:
        try:
            value = interpret(key.kind, given.said)
        except UnfitError as error:
            self._fault(key, problem(given.source, given.name, error.found, error.allowed))
        else:
            self._values[key.name] = value if key.missing is Missing.NO_PATH else self._resolved(value)
            self._sources[key.name] = given.source

    def _fault(self, key: Key, fault: Problem) -> None:
        self.errors.append(fault)
        self._faulty.add(key.name)

    def _resolved(self, value: object) -> object:
        if isinstance(value, tuple):
            return tuple(map(self._resolved, value))
        return os.path.normpath(os.path.join(self._base, value)) if isinstance(value, str) else value

    def look_for_files(self) -> None:
        """Report every path that is given and not there."""
        for key in KEYS:
            if key.missing is not Missing.NO_PATH and (value := self._values.get(key.name)):
                for path in value if isinstance(value, tuple) else (value,):
                    self._look_for(key, path)

    def _look_for(self, key: Key, path: str) -> None:
        created = key.missing is Missing.CREATED
        needed = os.path.dirname(path) if created else path
        if self._exists(needed):
            return
        problems = self.warnings if key.missing is Missing.WARNING else self.errors
        allowed = {Missing.ERROR: "a file that is", Missing.WARNING: "a folder that is"}
        problems.append(
            problem(
                self._sources[key.name],
                key.name,
                f"{needed!r}, which is not there",
                allowed.get(key.missing, "a file in a folder that is"),
            )
        )

    def config(self, hostname: str, checks: Iterable[Check]) -> Config:
        """The whole, if nothing is wrong.

        :raises ConfigError: something is.
        """
        config = self._built(hostname)
        for check in checks:
            if self._faulty.isdisjoint(check.keys) and check.broken(config):
                (self.warnings if check.warning else self.errors).append(self._blamed(check))
        if self.errors:
            raise ConfigError(self.errors, self.warnings)
        places = {key: str(source) for key, source in self._sources.items()}
        return self._built(hostname, warnings=tuple(self.warnings), places=MappingProxyType(places))

    def _blamed(self, check: Check) -> Problem:
        name = next((name for name in check.keys if name in self._sources), check.keys[0])
        return problem(self._sources.get(name, Source(self._file)), name, check.found, check.allowed)

    def _built(self, hostname: str, **more: Any) -> Config:
        fields: dict[str, dict[str, Any]] = {"": {"hostname": hostname}}
        for key in KEYS:
            if (value := self._values.get(key.name)) is not None:
                section, _, name = key.field.rpartition(".")
                fields.setdefault(section, {})[name] = value
        flags = {"verify": True, "nonstrict": False, **fields.get("verification", {})}
        return Config(
            tls=TlsConfig(**fields.get("tls", {})),
            web_socket=WebSocketConfig(**fields.get("web_socket", {})),
            eureka=EurekaConfig(**fields.get("eureka", {})),
            embedded=EmbeddedConfig(**fields.get("embedded", {})),
            verification=verification(**flags),
            **fields[""],
            **more,
        )
