"""Whether an answer is to be JSON or XML."""

from __future__ import annotations

from enum import Enum


class Form(Enum):
    """How a document is written; the value is its media type."""

    JSON = "application/json"
    XML = "application/xml"


def form(accept: str | None) -> Form | None:
    """What ``Accept`` asks for: JSON if it is named, XML if anything goes; None if neither will do (406).

    That JSON has to be named is Eureka's rule: old clients send ``*/*`` or nothing, and read XML only.
    """
    ranges = [each for each in _ranges(accept or "") if each]
    if Form.JSON.value in ranges:
        return Form.JSON
    if not ranges or {Form.XML.value, "application/*", "*/*"} & set(ranges):
        return Form.XML
    return None


def _ranges(accept: str) -> list[str]:
    """The media ranges that are wanted: those of quality 0 are not (RFC 9110 12.5.1)."""
    wanted = []
    for each in accept.lower().split(","):
        name, *parameters = (part.strip() for part in each.split(";"))
        if not any(_is_zero(parameter) for parameter in parameters):
            wanted.append(name)
    return wanted


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and value.strip().rstrip("0") in ("", "0", ".", "0.")


def takes_gzip(accept_encoding: str | None) -> bool:
    """Whether ``Accept-Encoding`` names gzip."""
    return "gzip" in _ranges(accept_encoding or "")
