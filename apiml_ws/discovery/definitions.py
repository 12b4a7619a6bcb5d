"""Zowe static API definitions: services that do not register themselves, as an operator writes them down in YAML.

Source of the rules: the discovery service of the reference system, whose messages are kept with their numbers.  A file
with a mistake of form gives nothing; of the others a service or a URL with a mistake is left out alone.  Done better:
base path and relative URL are joined by one slash whatever they begin and end with; the IP address of a host is not
looked up; a list of single values in ``customMetadata`` becomes one value with commas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from apiml_ws.core.registry import Instance, InvalidInstanceError, instance, invalid_routes
from apiml_ws.discovery.additional import Additional
from apiml_ws.discovery.definition_metadata import flattened, metadata_of
from apiml_ws.discovery.definition_schema import TOO_DEEP, FormError, load
from apiml_ws.discovery.usable import invalid_settings

#: A service as the file has it; its form was checked.
Written = Mapping[str, Any]

_MODES: Final = {"UPDATE": False, "FORCE_UPDATE": True}


@dataclass(frozen=True, slots=True)
class Definitions:
    """What one file says.  ``problems`` are whole messages; not ``readable``: nothing of the file could be used."""

    instances: tuple[Instance, ...] = ()
    additional: tuple[Additional, ...] = ()
    problems: tuple[str, ...] = ()
    readable: bool = True


def read_definitions(text: str, file: str) -> Definitions:
    """What ``text`` defines; ``file`` is named in its problems."""
    try:
        document = load(text)
        return _read(document, file)
    except FormError as error:
        return unreadable(file, str(error))
    except RecursionError:
        return unreadable(file, TOO_DEEP)


def _read(document: Mapping[str, Any], file: str) -> Definitions:
    reader = _Reader(file, document.get("catalogUiTiles") or {})
    instances = tuple(one for each in _listed(document, "services") for one in reader.instances(each))
    added = tuple(one for each in _listed(document, "additionalServiceMetadata") for one in reader.additional(each))
    return Definitions(instances, added, tuple(reader.problems))


def unreadable(file: str, reason: str) -> Definitions:
    """What becomes of a file that cannot be read or has not the form of a definition."""
    return Definitions((), (), (f"ZWEAD701E Error loading static API definition file '{file}': {reason}",), False)


def _listed(document: Mapping[str, Any], key: str) -> Sequence[Written]:
    return [each or {} for each in document.get(key) or ()]


class _DetailError(Exception):
    """Why an instance is not made: the detail of a ZWEAD702W."""


class _Reader:
    """Reads the services of one file and collects what is wrong with them."""

    def __init__(self, file: str, tiles: Mapping[str, Any]) -> None:
        self._file = file
        self._tiles = tiles
        self.problems: list[str] = []

    def _complain(self, detail: object) -> None:
        self.problems.append(f"ZWEAD702W Unable to process static API definition data: '{self._file}' - '{detail}'")

    def instances(self, written: Written) -> Iterator[Instance]:
        """One instance for each base URL."""
        service_id = str(written.get("serviceId") or "")
        urls = written.get("instanceBaseUrls")
        if not service_id:
            self._complain(f"ServiceId is not defined in the file '{self._file}'. The instance will not be created.")
        elif not urls:
            self._complain(
                f"The instanceBaseUrls parameter of {service_id} is not defined. The instance will not be created."
            )
        else:
            common = self._metadata(written, service_id)
            for url in urls:
                yield from self._instance(written, service_id, url, common)

    def _instance(
        self, written: Written, service_id: str, url: str | None, common: Mapping[str, str]
    ) -> Iterator[Instance]:
        try:
            parts = _base(url, service_id)
            metadata = MappingProxyType({**_routes(written, parts.path), **common})
            yield _made(service_id, parts, metadata)
        except _DetailError as fault:
            self._complain(fault)
        else:
            for detail in invalid_routes(metadata):
                self._complain(f"The {detail} of {service_id} is invalid. The route will not be created.")
            self._complain_of_settings(service_id, metadata)

    def _complain_of_settings(self, service_id: str, metadata: Mapping[str, str]) -> None:
        for detail in invalid_settings(metadata):
            self._complain(f"The service {service_id} has {detail}. It will be ignored.")

    def additional(self, written: Written) -> Iterator[Additional]:
        """What is added to the instances of a service."""
        service_id, mode = str(written.get("serviceId") or ""), str(written.get("mode") or "UPDATE")
        if not service_id:
            self._complain(f"ServiceId is not defined in the file '{self._file}'. The instance will not be created.")
        elif mode not in _MODES:
            self._complain(f"The mode {mode} of {service_id} is not one of {', '.join(_MODES)}.")
        else:
            metadata = {**_routes(written, None), **self._metadata(written, service_id)}
            self._complain_of_settings(service_id, metadata)
            yield Additional(service_id.lower(), MappingProxyType(metadata), _MODES[mode])

    def _metadata(self, written: Written, service_id: str) -> Mapping[str, str]:
        tile_id = written.get("catalogUiTileId")
        tile = self._tiles.get(tile_id) if tile_id else None
        if tile_id and tile is None:
            self._complain(
                f"The API Catalog UI tile ID {tile_id} is invalid. "
                f"The service {service_id} will not have API Catalog UI tile"
            )
        custom, unusable = flattened(written.get("customMetadata") or {})
        for key in unusable:
            self._complain(f"The customMetadata {key} of {service_id} is a list of other things than single values.")
        return {**metadata_of(written, str(tile_id), tile), **custom}


def _base(url: str | None, service_id: str) -> SplitResult:
    if not url:
        raise _DetailError(
            f"One of the instanceBaseUrl of {service_id} is not defined. The instance will not be created."
        )
    try:
        parts = urlsplit(str(url).strip())
        port = parts.port
    except ValueError as error:
        raise _malformed(url, service_id, str(error)) from error
    if parts.scheme not in ("http", "https"):
        raise _malformed(url, service_id, "Invalid protocol")
    if not parts.hostname:
        raise _DetailError(
            f"The URL {url} does not contain a hostname. The instance of {service_id} will not be created"
        )
    if port is None:
        raise _DetailError(
            f"The URL {url} does not contain a port number. The instance of {service_id} will not be created"
        )
    return parts


def _malformed(url: str, service_id: str, cause: str) -> _DetailError:
    return _DetailError(f"The URL {url} is malformed. The instance of {service_id} will not be created: {cause}")


def _made(service_id: str, parts: SplitResult, metadata: Mapping[str, str]) -> Instance:
    host, port = parts.hostname or "", parts.port or 0
    instance_id = f"STATIC-{host}:{service_id}:{port}"
    try:
        return instance(service_id, instance_id, host, port, secure=parts.scheme == "https", metadata=metadata)
    except InvalidInstanceError as error:
        raise _malformed(parts.geturl(), service_id, str(error)) from error


def _routes(written: Written, base_path: str | None) -> dict[str, str]:
    """The routes as metadata; without a base path only their gateway URLs."""
    found: dict[str, str] = {}
    for route in written.get("routes") or written.get("routedServices") or ():
        gateway_url = str((route or {}).get("gatewayUrl") or "").removeprefix("/").removesuffix("/")
        key = f"apiml.routes.{gateway_url.replace('/', '-')}"
        found[f"{key}.gatewayUrl"] = gateway_url
        if base_path is not None:
            found[f"{key}.serviceUrl"] = _joined(base_path, str((route or {}).get("serviceRelativeUrl") or ""))
    return found


def _joined(base_path: str, relative: str) -> str:
    return f"{base_path.removesuffix('/')}/{relative.removeprefix('/')}" if relative else base_path or "/"
