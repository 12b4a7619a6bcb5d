"""Ids of sessions."""

from __future__ import annotations


def random_id(random: bytes) -> str:
    """The 16 bytes of ``random`` as a UUID of version 4 (RFC 9562 section 5.4), as :mod:`uuid` spells it."""
    digits = random.hex()
    variant = "89ab"[random[8] >> 4 & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
