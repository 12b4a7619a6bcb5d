"""The form of a static API definition file: which keys stand where, and what kind of value each has.

As in the reference system a key that is not known makes the whole file unusable, since it is likely a misspelt one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, cast

import yaml


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar."""


@dataclass(frozen=True, slots=True)
class Free:
    """A map of anything."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    item: Form


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map with keys of the operator's own."""

    value: Form


@dataclass(frozen=True, slots=True)
class Keys:
    """A map with these keys, each of which may be missing."""

    keys: Mapping[str, Form]


Form = Text | Free | ListOf | MapOf | Keys

_TEXT: Final = Text()


def _texts(*names: str) -> dict[str, Form]:
    return dict.fromkeys(names, _TEXT)


_ROUTES: Final = ListOf(Keys(_texts("gatewayUrl", "serviceRelativeUrl")))

_API_INFO: Final = Keys(
    _texts("apiId", "gatewayUrl", "version", "swaggerUrl", "documentationUrl", "graphqlUrl", "defaultApi")
    | {"codeSnippet": ListOf(Free())}
)

_SERVICE: Final[dict[str, Form]] = {
    **_texts("serviceId", "title", "description", "catalogUiTileId"),
    **_texts("homePageRelativeUrl", "statusPageRelativeUrl", "healthCheckRelativeUrl"),
    "instanceBaseUrls": ListOf(_TEXT),
    "routes": _ROUTES,
    "routedServices": _ROUTES,
    "apiInfo": ListOf(_API_INFO),
    "authentication": Keys(_texts("scheme", "applid", "headers", "supportsSso")),
    "customMetadata": Free(),
}

_FILE: Final = Keys(
    {
        "services": ListOf(Keys(_SERVICE)),
        "catalogUiTiles": MapOf(Keys(_texts("id", "title", "description", "version"))),
        "additionalServiceMetadata": ListOf(Keys({**_SERVICE, "mode": _TEXT})),
    }
)


class _TextLoader(yaml.SafeLoader):
    """Leaves scalars as they were written, so that version 1.10 stays what it is; only null is null."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


#: What is said of a file that no program can walk through.
TOO_DEEP: Final = "nested too deep, or an alias inside of itself"


class FormError(ValueError):
    """A file that cannot be used at all; the text says why and where."""


def load(text: str) -> Mapping[str, Any]:
    """The file's content.

    :raises FormError: it is no YAML, empty, or has another form than :data:`_FILE`; all mistakes of form are named.
    """
    try:
        document = yaml.load(text, Loader=_TextLoader)  # noqa: S506 - a subclass of SafeLoader
        mistakes = tuple(_mistakes(document, _FILE, ""))
    except yaml.YAMLError as error:
        raise FormError(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise FormError(TOO_DEEP) from error
    if document is None:
        raise FormError("empty")
    if mistakes:
        raise FormError("; ".join(mistakes))
    return cast("Mapping[str, Any]", document)


def _mistakes(value: object, form: Form, where: str) -> Iterator[str]:
    if value is None:
        return
    match form:
        case Text():
            if isinstance(value, (dict, list, bytes, set)):
                yield f"{where} is not a single value"
        case ListOf(item):
            yield from _list_mistakes(value, item, where)
        case Keys(keys):
            yield from _key_mistakes(value, keys, where)
        case MapOf(each):
            yield from _map_mistakes(value, each, where)
        case Free():
            if not isinstance(value, dict):
                yield f"{where} is not a map"


def _list_mistakes(value: object, item: Form, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where} is not a list"
        return
    for index, each in enumerate(value):
        yield from _mistakes(each, item, f"{where}[{index}]")


def _map_mistakes(value: object, form: Form, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is not a map"
        return
    for key, each in value.items():
        yield from _mistakes(each, form, f"{where}.{key}")


def _key_mistakes(value: object, keys: Mapping[str, Form], where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where or 'the file'} is not a map"
        return
    for key, each in value.items():
        path = f"{where}.{key}" if where else str(key)
        if key in keys:
            yield from _mistakes(each, keys[key], path)
        else:
            nearest = get_close_matches(str(key), keys, n=1)
            yield f"{path} is not known" + (f", nearest is {nearest[0]}" if nearest else "")
