"""Cipher suites by their two spellings: IANA's, as Java and Zowe write them, and OpenSSL's.

Suites of TLS 1.3 have one spelling and are configured apart from those of TLS 1.2 (RFC 8446 appendix B.4); names of
TLS 1.2 suites follow the pattern of RFC 5246 appendix C, which OpenSSL shortens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_TLS13 = re.compile(r"TLS_(?!.*_WITH_)[A-Z0-9_]+")
_BLOCK = re.compile(
    r"TLS_(?:(?P<exchange>ECDHE|DHE)_)?(?P<proof>RSA|ECDSA|DSS)_WITH_"
    r"(?P<cipher>AES|ARIA|CAMELLIA)_(?P<bits>128|256)_(?P<mode>CBC|GCM|CCM)(?P<short>_8)?(?:_(?P<digest>SHA\d*))?"
)
_STREAM = re.compile(r"TLS_(?P<exchange>ECDHE|DHE)_(?P<proof>RSA|ECDSA)_WITH_CHACHA20_POLY1305(?:_SHA256)?")


class Suites(NamedTuple):
    """Suites as OpenSSL spells them, in the order of preference, by the version of TLS that they belong to."""

    tls12: tuple[str, ...]
    tls13: tuple[str, ...]


def suites(names: Iterable[str]) -> Suites:
    """Sort ``names``, of either spelling, by version; each translated, none judged."""
    translated = [openssl_name(name) for name in names]
    return Suites(
        tuple(name for name in translated if not _TLS13.fullmatch(name)),
        tuple(name for name in translated if _TLS13.fullmatch(name)),
    )


def openssl_name(name: str) -> str:
    """OpenSSL's spelling of a suite: ``ECDHE-RSA-AES128-GCM-SHA256`` for ``TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256``.

    What is no IANA name of a suite that certificates are used with comes back in upper case and is otherwise as it was.
    """
    spelled = name.strip().upper()
    if match := _STREAM.fullmatch(spelled):
        return f"{match['exchange']}-{match['proof']}-CHACHA20-POLY1305"
    if match := _BLOCK.fullmatch(spelled):
        return "-".join(part for part in (*_agreement(match), _algorithm(match), *_integrity(match)) if part)
    return spelled


def _agreement(match: re.Match[str]) -> tuple[str | None, ...]:
    """The key exchange; OpenSSL leaves RSA out where it does both, and after ECDHE when the cipher is ARIA."""
    exchange, proof = match["exchange"], match["proof"]
    if exchange is None:
        return ()
    silent = (exchange, proof, match["cipher"]) == ("ECDHE", "RSA", "ARIA")
    return (exchange, None if silent else proof)


def _algorithm(match: re.Match[str]) -> str:
    return f"{match['cipher']}{match['bits']}"


def _integrity(match: re.Match[str]) -> tuple[str | None, ...]:
    if match["mode"] == "CCM":
        return ("CCM8" if match["short"] else "CCM",)
    return ("GCM" if match["mode"] == "GCM" else None, match["digest"])
