"""Writes the first inputs of the fuzzers into ``corpus``; what they find on their own goes beside them by hand."""

from __future__ import annotations

from pathlib import Path

from apiml_ws.core.frames import FIN, Opcode, frame

_CORPUS = Path(__file__).parent / "corpus"
_KEY = b"\x11\x22\x33\x44"
_CLIENT, _SERVICE = 0, 1
_SEND, _RECEIVE, _RECALL, _END = 0, 3 << 1, 4 << 1, 5 << 1


def step(what: int, side: int, data: bytes = b"", amount: int | None = None) -> bytes:
    """One step of ``fuzz_pump.c``."""
    return bytes((what | side, len(data) if amount is None else amount)) + data


def streams(key: bytes | None) -> dict[str, bytes]:
    """What one end may say."""
    return {
        "text": frame(Opcode.TEXT, b"hello", key),
        "fragments": frame(Opcode.TEXT, b"a", key, first=0) + frame(Opcode.CONTINUATION, b"b", key),
        "ping": frame(Opcode.TEXT, b"a", key, first=0) + frame(Opcode.PING, b"p", key),
        "medium": frame(Opcode.BINARY, b"m" * 150, key),
        "close": frame(Opcode.TEXT, b"x", key) + frame(Opcode.CLOSE, b"\x03\xe8", key),
        "compressed": frame(Opcode.TEXT, b"z", key, first=FIN | 0x40),
    }


def main() -> None:
    """Write them all."""
    for settings in (0, 1, 3, 13):
        for name, stream in streams(_KEY if settings & 1 else None).items():
            (_CORPUS / "walker" / f"{name}-{settings}").write_bytes(bytes((settings,)) + stream)
    for settings in range(4):
        for name, up in streams(_KEY).items():
            down = streams(None)[name]
            steps = (
                step(_SEND, _CLIENT, up[:3]) + step(_SEND, _CLIENT, up[3:]) + step(_SEND, _SERVICE, down),
                step(_RECEIVE, _SERVICE, amount=9) + step(_RECALL, _CLIENT) + step(_SEND, _CLIENT, up),
                step(_RECEIVE, _CLIENT, amount=9) + step(_END, _SERVICE, amount=1) + step(_END, _CLIENT, amount=0),
            )
            (_CORPUS / "pump" / f"{name}-{settings}").write_bytes(bytes((settings,)) + b"".join(steps))


if __name__ == "__main__":
    main()
