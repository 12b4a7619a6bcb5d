"""Eureka's XML: what its server answers to all who do not ask for JSON, and what old clients register with.

It is the JSON in other words: a list becomes elements of the same name, ``@class`` and ``@enabled`` become attributes,
``$`` the element's text.  Only metadata keys can be no XML names; XStream's escapes stand for what is not allowed in one
(``__`` for an underscore, ``_-`` for a dollar, ``_.002f`` for any other character).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import escape, quoteattr

from apiml_ws.discovery.wire import WireError

#: Elements may be nested this deep; an instance needs four levels.
MAX_DEPTH: Final = 32

_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_NAME: Final = re.compile(r"[^A-Za-z0-9.\-]")
_NOT_AT_START: Final = re.compile(r"[0-9.\-]")
_ESCAPED: Final = re.compile(r"__|_-|_\.([0-9a-fA-F]{4})")


def to_xml(document: Mapping[str, object]) -> bytes:
    """The one member of ``document`` (made by :mod:`apiml_ws.discovery.wire_out`) as an XML document without a header."""
    ((name, value),) = document.items()
    parts: list[str] = []
    _write(parts, name, value)
    return "".join(parts).encode()


def _write(parts: list[str], name: str, value: object) -> None:
    if isinstance(value, list):
        for each in value:
            _write(parts, name, each)
    elif isinstance(value, dict):
        _write_members(parts, name, value)
    else:
        parts.append(f"<{name}>{escape(_allowed(str(value)))}</{name}>")


def _write_members(parts: list[str], name: str, value: Mapping[str, object]) -> None:
    attributes = {key for key in value if key.startswith("@") and (name != "metadata" or key == "@class")}
    written = "".join(f" {key[1:]}={quoteattr(_allowed(str(value[key])))}" for key in value if key in attributes)
    parts.append(f"<{name}{written}>")
    for key, each in value.items():
        if key == "$" and name != "metadata":
            parts.append(escape(str(each)))
        elif key not in attributes:
            _write(parts, _element(name, key), each)
    parts.append(f"</{name}>")


def _element(parent: str, key: str) -> str:
    if parent == "metadata":
        return escaped_name(key)
    return "overriddenstatus" if key == "overriddenStatus" else key


def _allowed(value: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", value)


def escaped_name(key: str) -> str:
    """A metadata key as an XML name."""
    name = _NOT_IN_NAME.sub(_escape, key)
    return _NOT_AT_START.sub(_escape, name[:1]) + name[1:] if name else "_.0000"


def _escape(match: re.Match[str]) -> str:
    found = match.group()
    units = found.encode("utf-16-be", "surrogatepass").hex()
    code_units = "".join(f"_.{units[at : at + 4]}" for at in range(0, len(units), 4))
    return {"_": "__", "$": "_-"}.get(found, code_units)


def plain_name(name: str) -> str:
    """The metadata key that stands in an XML name."""
    key = _ESCAPED.sub(_plain, name)
    return key.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")


def _plain(match: re.Match[str]) -> str:
    return {"__": "_", "_-": "$"}.get(match.group()) or chr(int(match.group(1), 16))


def from_xml(body: bytes) -> dict[str, object]:
    """An instance that was registered in XML, as the JSON object that says the same: ``{"instance": {…}}``.

    :raises WireError: it is no XML, or has a document type (which nobody needs, and with which entities come).
    """
    reader = _Reader()
    parser = ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = reader.document_type
    try:
        parser.Parse(body, True)
    except (ExpatError, ValueError, LookupError) as error:
        raise WireError(f"not XML: {error}") from error
    return reader.document


class _Reader:
    """Builds JSON's objects from the parser's events: an element is an object if it has children or attributes."""

    def __init__(self) -> None:
        self.document: dict[str, object] = {}
        self._open: list[dict[str, object]] = [self.document]
        self._texts: list[list[str]] = [[]]
        self._names: list[str] = [""]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; in metadata its name is a key."""
        if len(self._open) > MAX_DEPTH:
            raise WireError("XML nested too deep")
        self._names.append(plain_name(name) if self._names[-1] == "metadata" else name)
        self._open.append({f"@{key}": value for key, value in attributes.items()})
        self._texts.append([])

    def characters(self, data: str) -> None:
        """Text, whole or in parts."""
        self._texts[-1].append(data)

    def end(self, _name: str) -> None:
        """An element ends and becomes a member of the one around it."""
        name, value, content = self._names.pop(), self._open.pop(), "".join(self._texts.pop()).strip()
        depth = len(self._open)
        whole = bool(value) or depth == 1 or (depth == 2 and name == "metadata")
        if value and content:
            value["$"] = content
        self._open[-1][name] = value if whole else content

    def document_type(self, *_declaration: object) -> None:
        """Refused."""
        raise WireError("XML with a document type")
