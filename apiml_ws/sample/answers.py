"""What the sample service says, by the name of the path: pure functions from a message to its answer.

The reference system's tests expect these answers to the letter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

#: Fields of a handshake, the values of one name together, as ``twisted.web`` gives them.
Fields = Iterable[tuple[bytes, Sequence[bytes]]]


@dataclass(frozen=True, slots=True)
class Message:
    """What came, and the header of the handshake that its session began with."""

    payload: bytes
    binary: bool = False
    fields: Fields = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A message to send, and whether the session ends with it."""

    payload: bytes
    binary: bool = False
    last: bool = False


#: What a path says to a message.
Answering = Callable[[Message], Answer]


def uppercase(message: Message) -> Answer:
    """The text in upper case; ``bye`` in whatever case ends the session. Of binary messages only ASCII letters change."""
    payload = message.payload
    said = payload.upper() if message.binary else payload.decode("utf-8").upper().encode("utf-8")
    return Answer(said, message.binary, last=said == b"BYE")


def header(message: Message) -> Answer:
    """The handshake's header as ``[name:"value", "value", name:"value"]``, whatever was asked; ``bye`` ends the session."""
    fields = message.fields
    parts = (f"{_text(name).lower()}:" + ", ".join(f'"{_text(value)}"' for value in values) for name, values in fields)
    return Answer(f"[{', '.join(parts)}]".encode(), last=message.payload == b"bye")


def echo(message: Message) -> Answer:
    """The same message back."""
    return Answer(message.payload, message.binary)


#: By the last segment of the path.
ANSWERS: Final[Mapping[bytes, Answering]] = MappingProxyType(
    {b"uppercase": uppercase, b"header": header, b"echo": echo}
)


def _text(field: bytes) -> str:
    return field.decode("utf-8", "replace")
