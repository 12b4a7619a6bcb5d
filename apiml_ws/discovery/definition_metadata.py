"""The metadata that the reference system makes of a static definition, but for its routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: What the metadata mean, as the reference system says it (its ``version`` key).
METADATA_VERSION: Final = "2.2.0"

_AUTHENTICATION: Final = (("scheme", "scheme"), ("applid", "applid"), ("headers", "headers"), ("supportsSso", "sso"))


def metadata_of(written: Mapping[str, Any], tile_id: str, tile: Mapping[str, Any] | None) -> dict[str, str]:
    """Metadata of a service as its file has it, of the right form, and of its tile in the catalog."""
    found: dict[str, object] = {
        "version": METADATA_VERSION,
        "apiml.service.title": written.get("title"),
        "apiml.service.description": written.get("description"),
    }
    if tile is not None:
        found["apiml.catalog.tile.id"] = tile_id
        found["apiml.catalog.tile.version"] = tile.get("version") or "1.0.0"
        found["apiml.catalog.tile.title"] = tile.get("title")
        found["apiml.catalog.tile.description"] = tile.get("description")
    authentication = written.get("authentication") or {}
    found |= {f"apiml.authentication.{key}": authentication.get(name) for name, key in _AUTHENTICATION}
    for info in written.get("apiInfo") or ():
        found |= _api_info(info or {})
    return {key: str(value) for key, value in found.items() if value is not None}


def _api_info(info: Mapping[str, Any]) -> dict[str, object]:
    gateway_url = str(info.get("gatewayUrl") or "").removeprefix("/").removesuffix("/")
    key = f"apiml.apiInfo.{gateway_url.replace('/', '-')}"
    return {f"{key}.{name}": value for name, value in info.items() if not isinstance(value, list)}


def flattened(custom: Mapping[Any, Any], prefix: str = "") -> tuple[dict[str, str], list[str]]:
    """A nested map as a flat one with dots in its keys, and the keys whose values cannot be written as one text."""
    found: dict[str, str] = {}
    unusable: list[str] = []
    for name, value in custom.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            inner, bad = flattened(value, f"{key}.")
            found |= inner
            unusable += bad
        elif not isinstance(value, list):
            found[key] = _text(value)
        elif any(isinstance(each, (dict, list)) for each in value):
            unusable.append(key)
        else:
            found[key] = ",".join(map(_text, value))
    return found, unusable


def _text(value: object) -> str:
    return "" if value is None else str(value)
