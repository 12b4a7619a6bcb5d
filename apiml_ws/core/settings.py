"""What holds for one session: the operator's word and the metadata of the service brought together.

    SessionSettings(limits, connect_timeout, max_idle_timeout, propagation, propagation_timeout, drain, compression)
    settings_for(config: WebSocketConfig, metadata: Mapping[str, str]) -> SessionSettings
    nonsense(metadata: Mapping[str, str]) -> tuple[str, ...]          keys whose values are ignored, for the log

Keys are ``apiml.ws.*``; times are milliseconds there and seconds here.  Of two numbers the lower one holds, 0 meaning no
limit; of two words the service's, except that an operator's ``never`` is final.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from apiml_ws.core.config import Compression, Drain, Propagation, WebSocketConfig
from apiml_ws.core.interfaces import Limits

#: Metadata whose settings are remembered; of all services, or of those that were asked for last.
_REMEMBERED: Final = 1000
_PREFIX: Final = "apiml.ws."
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_SIZES: Final = ("maxMessageSize", "maxFrameSize")
_TIMES: Final = ("maxIdleTimeout", "connectTimeout", "asyncWriteTimeout", "propagationTimeout")
_COMPRESSION: Final = {"true": True, "always": True, "false": False, "never": False}
_WORDS: Final = {
    "propagation": frozenset(word.value for word in Propagation),
    "drain": frozenset(word.value for word in Drain),
    "compression": frozenset(_COMPRESSION),
    "origin": frozenset(("pass", "service", "remove")),
}


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """The rules of one session; times in seconds.

    ``compression``: whether permessage-deflate may be agreed with the client before the service was asked.
    """

    limits: Limits = field(default_factory=Limits)
    connect_timeout: float = 45.0
    max_idle_timeout: float = 3600.0
    propagation: Propagation = Propagation.AUTO
    propagation_timeout: float = 30.0
    drain: Drain = Drain.KEEP
    compression: bool = False

    @property
    def takeover(self) -> bool:
        """Whether a compression context may be kept over messages: only ``always`` asks the ends to do without."""
        return self.propagation is not Propagation.ALWAYS


def settings_for(config: WebSocketConfig, metadata: Mapping[str, str]) -> SessionSettings:
    """The settings of a session with the service of ``metadata``; values that make no sense there count as absent."""
    return SessionSettings(
        limits=_limits(config, metadata),
        connect_timeout=_seconds(metadata, "connectTimeout", config.connect_timeout),
        max_idle_timeout=_seconds(metadata, "maxIdleTimeout", config.max_idle_timeout),
        propagation=_propagation(config, metadata),
        propagation_timeout=_seconds(metadata, "propagationTimeout", config.propagation_timeout),
        drain=Drain(_word(metadata, "drain") or config.drain.value),
        compression=_compression(config, metadata),
    )


class Settings:
    """The same for one ``config``, remembered by the metadata itself, which a registry's next answer replaces."""

    def __init__(self, config: WebSocketConfig) -> None:
        self._config = config
        self._known: OrderedDict[int, tuple[Mapping[str, str], SessionSettings]] = OrderedDict()

    def of(self, metadata: Mapping[str, str]) -> SessionSettings:
        """See :func:`settings_for`; ``metadata`` must not change."""
        known = self._known.get(id(metadata))
        if known is None:
            known = self._known[id(metadata)] = (metadata, settings_for(self._config, metadata))
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return known[1]


def nonsense(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The ``apiml.ws.*`` keys of ``metadata`` that are ignored, sorted: unknown ones, and values that make no sense."""
    names = (key.removeprefix(_PREFIX) for key in metadata if key.startswith(_PREFIX))
    return tuple(sorted(_PREFIX + name for name in names if not _understood(metadata, name)))


def _understood(metadata: Mapping[str, str], name: str) -> bool:
    if name in _WORDS:
        return _word(metadata, name) is not None
    return name in (*_SIZES, *_TIMES) and _number(metadata, name) is not None


def _limits(config: WebSocketConfig, metadata: Mapping[str, str]) -> Limits:
    return Limits(
        max_message_size=int(_lower(_number(metadata, "maxMessageSize"), config.max_message_size)),
        max_frame_size=int(_lower(_number(metadata, "maxFrameSize"), config.max_frame_size)),
        close_timeout=config.close_timeout,
        async_write_timeout=_seconds(metadata, "asyncWriteTimeout", config.async_write_timeout),
    )


def _propagation(config: WebSocketConfig, metadata: Mapping[str, str]) -> Propagation:
    if config.propagation is Propagation.NEVER:
        return Propagation.NEVER
    return Propagation(_word(metadata, "propagation") or config.propagation.value)


def _compression(config: WebSocketConfig, metadata: Mapping[str, str]) -> bool:
    if config.compression is Compression.NEVER:
        return False
    word = _word(metadata, "compression")
    return config.compression is Compression.ALWAYS if word is None else _COMPRESSION[word]


def _word(metadata: Mapping[str, str], name: str) -> str | None:
    word = metadata.get(_PREFIX + name, "").strip().lower()
    return word if word in _WORDS[name] else None


def _number(metadata: Mapping[str, str], name: str) -> int | None:
    text = metadata.get(_PREFIX + name, "").strip()
    return int(text) if _NUMBER.fullmatch(text) else None


def _seconds(metadata: Mapping[str, str], name: str, ours: float) -> float:
    milliseconds = _number(metadata, name)
    return _lower(None if milliseconds is None else milliseconds / 1000, ours)


def _lower(theirs: float | None, ours: float) -> float:
    """The stricter of the two, 0 being none."""
    return min((limit for limit in (theirs, ours) if limit), default=0)
