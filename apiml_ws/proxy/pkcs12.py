"""PKCS12 stores with any number of key entries (RFC 7292), as Java's keytool makes them.

``cryptography`` checks the store's integrity and reads its certificates, but of several keys it gives the first only.
The others are found here: the outer structure of a store is plain DER, in which each key stands encrypted by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key, pkcs12
from cryptography.x509 import Certificate

_OCTETS, _SET = 0x04, 0x31
_DATA: Final = bytes.fromhex("2a864886f70d010701")  # 1.2.840.113549.1.7.1, content that is not encrypted as a whole
_KEY_BAG: Final = bytes.fromhex("2a864886f70d010c0a0101")  # 1.2.840.113549.1.12.10.1.1
_SHROUDED_KEY_BAG: Final = bytes.fromhex("2a864886f70d010c0a0102")  # 1.2.840.113549.1.12.10.1.2
_FRIENDLY_NAME: Final = bytes.fromhex("2a864886f70d010914")  # 1.2.840.113549.1.9.20


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A private key and what it is called; "" when it has no name."""

    alias: str
    key: PrivateKeyTypes


@dataclass(frozen=True, slots=True)
class Store:
    """All of a store: its keys, and its certificates whether they go with a key or not."""

    keys: tuple[KeyEntry, ...]
    certificates: tuple[Certificate, ...]


def read_store(data: bytes, password: bytes | None) -> Store:
    """Read a PKCS12 store.

    :raises ValueError: it is no such store, or the password is wrong.
    """
    known = pkcs12.load_pkcs12(data, password)
    own = () if known.cert is None else (known.cert,)
    certificates = tuple(each.certificate for each in (*own, *known.additional_certs))
    return Store(_keys(data, password) or _first_key(known), certificates)


def _first_key(known: pkcs12.PKCS12KeyAndCertificates) -> tuple[KeyEntry, ...]:
    """What there is when the keys do not stand in the open."""
    if known.key is None:
        return ()
    name = known.cert.friendly_name if known.cert is not None else None
    return (KeyEntry((name or b"").decode("utf-8", "replace"), known.key),)


def _keys(data: bytes, password: bytes | None) -> tuple[KeyEntry, ...]:
    try:
        bags = [bag for content in _plain_contents(data) for _, bag in _elements(content)]
        return tuple(entry for bag in bags if (entry := _key_entry(bag, password)) is not None)
    except (ValueError, TypeError):
        return ()


def _plain_contents(data: bytes) -> Iterator[bytes]:
    """The ``SafeContents`` that are not encrypted as a whole."""
    _, (_, safe), *_ = _elements(_only(data)[1])
    for _, content in _elements(_only(_octets(safe))[1]):
        if _only(content)[1] == _DATA:
            yield _only(_octets(content))[1]


def _key_entry(bag: bytes, password: bytes | None) -> KeyEntry | None:
    """The key in a ``SafeBag``: its kind, ``[0]`` its value, and a set of attributes."""
    kind, (_, value), *rest = _elements(bag)
    if kind[1] == _SHROUDED_KEY_BAG:
        return KeyEntry(_alias(rest), load_der_private_key(value, password))
    return KeyEntry(_alias(rest), load_der_private_key(value, None)) if kind[1] == _KEY_BAG else None


def _alias(rest: list[tuple[int, bytes]]) -> str:
    for _, attribute in (each for tag, content in rest if tag == _SET for each in _elements(content)):
        (_, kind), (_, values) = _elements(attribute)
        if kind == _FRIENDLY_NAME:
            return _only(values)[1].decode("utf-16-be")
    return ""


def _octets(content_info: bytes) -> bytes:
    """The octets in a ``ContentInfo``: an object identifier, then ``[0]`` with them."""
    _, (_, explicit) = _elements(content_info)
    tag, octets = _only(explicit)
    if tag != _OCTETS:
        raise ValueError("not an octet string")
    return octets


def _only(data: bytes) -> tuple[int, bytes]:
    """The first element, where there is to be one.

    :raises ValueError: there is none.
    """
    for element in _elements(data):
        return element
    raise ValueError("empty")


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each DER element in ``data``.

    :raises ValueError: a length that DER does not have, or that is longer than the data.
    """
    position = 0
    while position < len(data):
        start, length = _length(data, position + 1)
        if start + length > len(data):
            raise ValueError("truncated")
        yield data[position], data[start : start + length]
        position = start + length


def _length(data: bytes, position: int) -> tuple[int, int]:
    """Where the content of an element begins whose length stands at ``position``, and how long it is."""
    first = int.from_bytes(data[position : position + 1], "big")
    if first < 0x80:
        return position + 1, first
    start = position + 1 + (first & 0x7F)
    if first == 0x80 or start > len(data):
        raise ValueError("indefinite or truncated length")
    return start, int.from_bytes(data[position + 1 : start], "big")
