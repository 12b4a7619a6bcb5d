"""The kinds of values that keys of the configuration have: from text to value, or what is allowed instead.

A :class:`Scalar` is one value, a :class:`Many` a list of them.  :func:`interpret` applies a kind to what a source said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import ip_network
from typing import Final
from urllib.parse import urlsplit

#: What a source says of one key: text, a list of texts, or nothing (an empty value).
Said = str | tuple[str, ...] | None

#: The longest time in milliseconds: what epoll can wait for (a C int), about 24 days.
LONGEST_MS: Final = 2**31 - 1
#: The longest interval in seconds of keys that are given in seconds: a day.
LONGEST_INTERVAL: Final = 86400

_FOUND_LIMIT: Final = 100
_USERINFO: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", re.DOTALL)
_FLAGS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class UnfitError(ValueError):
    """What was said is no value of its kind; ``found`` and ``allowed`` are fit to print."""

    def __init__(self, found: str, allowed: str) -> None:
        super().__init__(found, allowed)
        self.found = found
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value.  ``parse`` gets text that is not empty and raises ValueError when it does not fit.

    ``optional``: nothing is allowed too, and gives None.
    """

    allowed: str
    parse: Callable[[str], object]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Many:
    """A list, given as such or as one text with ``separator`` between the items.  Empty items are passed over."""

    item: Scalar
    separator: str = ","
    may_be_empty: bool = True

    @property
    def allowed(self) -> str:
        """What is allowed, for messages."""
        return f"a list ({self.separator} between the items) of {self.item.allowed}"


Kind = Scalar | Many


def interpret(kind: Kind, said: Said) -> object:
    """The value: that of the scalar, None for nothing where that is allowed, or a tuple of the items' values.

    :raises UnfitError: it is not what ``kind`` allows.
    """
    if isinstance(kind, Many):
        return _items(kind, said)
    if isinstance(said, tuple):
        raise UnfitError("a list", kind.allowed)
    if not said:
        if kind.optional:
            return None
        raise UnfitError("nothing", kind.allowed)
    return _one(kind, said, said)


def _items(kind: Many, said: Said) -> tuple[object, ...]:
    texts = said if isinstance(said, tuple) else (said or "").split(kind.separator)
    items = [text.strip() for text in texts if text.strip()]
    if not (items or kind.may_be_empty):
        raise UnfitError("nothing", kind.allowed)
    everything = kind.separator.join(items)
    return tuple(_one(kind.item, item, everything) for item in items)


def _one(kind: Scalar, text: str, everything: str) -> object:
    try:
        return kind.parse(text)
    except ValueError:
        raise UnfitError(shown(text, everything), kind.allowed) from None


def shown(text: str, everything: str = "") -> str:
    """``text`` as it may be printed: credentials of a URL masked, control characters escaped, cut when long.

    ``everything`` is what ``text`` is an item of: when a password holds the separator, an item is a part of it.
    """
    if "@" in text:
        text = _USERINFO.sub(r"\1***@", text)
    elif "@" in everything:
        text = "***"
    return repr(text if len(text) <= _FOUND_LIMIT else f"{text[:_FOUND_LIMIT]}...")


def whole(minimum: int, maximum: int, unit: str = "") -> Scalar:
    """A whole number within bounds, in digits."""
    return _scaled(minimum, maximum, unit, int)


def milliseconds(minimum: int = 1) -> Scalar:
    """A time in milliseconds, above 0 unless ``minimum`` says otherwise; the value is in seconds."""
    return _scaled(minimum, LONGEST_MS, " milliseconds", lambda number: number / 1000)


def seconds() -> Scalar:
    """An interval of whole seconds above 0."""
    return _scaled(1, LONGEST_INTERVAL, " seconds", float)


def _scaled(minimum: int, maximum: int, unit: str, scale: Callable[[int], float]) -> Scalar:
    def parse(text: str) -> float:
        if not (re.fullmatch(r"-?[0-9]{1,18}", text.strip()) and minimum <= int(text) <= maximum):
            raise ValueError
        return scale(int(text))

    return Scalar(f"a whole number from {minimum} to {maximum}{unit}", parse)


def _rate(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text.strip()) or not float(text):
        raise ValueError
    return float(text)


def _flag(text: str) -> bool:
    try:
        return _FLAGS[text.strip().lower()]
    except KeyError:
        raise ValueError from None


def words(values: Mapping[str, object]) -> Scalar:
    """One of a few words, whatever their case; the value is what the word stands for."""
    known = {word.lower(): value for word, value in values.items()}

    def parse(text: str) -> object:
        try:
            return known[text.strip().lower()]
        except KeyError:
            raise ValueError from None

    return Scalar(" or ".join(values), parse)


def members(enumeration: type[Enum]) -> Scalar:
    """One of the values of an enumeration, each a word."""
    return words({str(member.value): member for member in enumeration})


def matching(pattern: str, allowed: str) -> Scalar:
    """Text that a regular expression matches as a whole, without the white space around it."""
    compiled = re.compile(pattern)

    def parse(text: str) -> str:
        if not compiled.fullmatch(text.strip()):
            raise ValueError
        return text.strip()

    return Scalar(allowed, parse)


def _discovery_url(text: str) -> str:
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError
    if parts.query or parts.fragment or not parts.path.endswith("/eureka/"):
        raise ValueError
    return text


RATE: Final = Scalar("a number above 0", _rate)
FLAG: Final = Scalar("true or false", _flag)
PORT: Final = whole(0, 65535)
SIZE: Final = whole(0, 2**53, " bytes, 0 for no limit")
TEXT: Final = Scalar("text", str, optional=True)
PATH: Final = Scalar("the path of a file, relative to the folder of the configuration file", str, optional=True)
FOLDER: Final = Scalar("paths of folders, relative to the folder of the configuration file", str)
HOST: Final = matching(r"[A-Za-z0-9._:-]{1,253}", "an IP address or a host name")
OWN_HOST: Final = replace(HOST, optional=True)
SERVICE_ID: Final = matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "up to 64 letters, digits, dots, dashes, underscores")
#: RFC 6455 section 4.1: a subprotocol is a token of RFC 2616; ``*`` is one too.
TOKEN: Final = matching(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "names of subprotocols, or *")
CIPHER: Final = matching(r"[A-Za-z0-9_+-]+", "names of ciphers, as IANA or OpenSSL spell them")
ORIGIN: Final = matching(r"\*|null|[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@]+", "origins such as https://host:port, or *")
NETWORK: Final = Scalar("networks such as 10.0.0.0/8, or addresses", ip_network)
DISCOVERY_URL: Final = Scalar("http or https URLs with a host that end in /eureka/", _discovery_url)
