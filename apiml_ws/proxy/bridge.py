"""The bridge: messages taken apart and put together again, for two legs that agreed on different extensions.

Frames that a reader let pass go in, frames for the other leg come out, in steps: a message is never held whole, whatever its
size, and leaves as fragments when it does not fit one step.  Control frames pass between them.  Each end has its own
half: what comes from a leg goes through a :class:`Decoder` of its extensions, what goes to it through an :class:`Encoder`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Final

from apiml_ws.core.extensions import Deflate
from apiml_ws.core.frames import FIN, RSV1, Opcode, frame
from apiml_ws.core.interfaces import Boundary, Violation
from apiml_ws.core.pieces import Piece, Walker
from apiml_ws.proxy.deflate import STEP, Deflater, Inflater

_INVALID_PAYLOAD: Final = 1007
_TOO_BIG: Final = 1009
#: What a frame costs, in bytes that could be copied meanwhile.
_FRAME_WORK: Final = 256


class Refused(Exception):  # noqa: N818 - what the peer did, no error of ours
    """A peer's message cannot be passed on, and why."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.text)
        self.violation = violation


class Decoder:
    """What comes from a leg as plain payload.

    ``client``: whether a client sends it.  ``max_message`` in bytes of the inflated message, 0 for no limit.
    """

    def __init__(self, extensions: str, client: bool, max_message: int) -> None:
        self._inflater = _inflater(extensions, client)
        self._max_message = max_message
        self._deflated = False
        self._size = 0

    def decode(self, piece: Piece) -> Iterator[bytes]:
        """The plain payload in ``piece`` of a data frame, in bounded steps.

        :raises Refused: it cannot be inflated (1007), or is longer than the limit (1009).
        """
        if piece.begins and piece.first & 0xF != Opcode.CONTINUATION:
            self._deflated = bool(piece.first & RSV1)
            self._size = 0
        for plain in self._plain(piece):
            self._size += len(plain)
            if self._max_message and self._size > self._max_message:
                raise Refused(Violation(_TOO_BIG, f"message longer than {self._max_message} bytes"))
            yield plain

    def _plain(self, piece: Piece) -> Iterator[bytes]:
        if self._inflater is None or not self._deflated:
            yield piece.payload
            return
        try:
            yield from self._inflater.inflate(piece.payload, piece.ends and bool(piece.first & FIN))
        except zlib.error as error:
            raise Refused(Violation(_INVALID_PAYLOAD, "compressed data are invalid")) from error


class Encoder:
    """What goes to a leg: plain payload in, frames out.

    ``client``: whether they go to a client; else they are masked with four bytes of ``random`` each.
    """

    def __init__(self, extensions: str, client: bool, random: Callable[[int], bytes]) -> None:
        self._deflater = _deflater(extensions, client)
        self._random = None if client else random
        self._opcode = 0
        self._held = bytearray()
        #: Where the frames that came out leave the leg; never inside one.
        self.boundary = Boundary.MESSAGE

    @property
    def idle(self) -> bool:
        """Whether no message is under way."""
        return self.boundary is Boundary.MESSAGE and not self._held and not self._opcode

    def begin(self, opcode: int) -> None:
        """A message of this opcode."""
        self._opcode = opcode

    def add(self, plain: bytes) -> bytes:
        """More of the message: a fragment when there is enough for one."""
        self._held += self._deflater.deflate(plain) if self._deflater else plain
        return self._fragment(0) if len(self._held) >= STEP else b""

    def end(self) -> bytes:
        """The last fragment, or the message."""
        if self._deflater:
            self._held += self._deflater.end()
        made = self._fragment(FIN)
        self._opcode = 0
        return made

    def _fragment(self, final: int) -> bytes:
        if self.boundary is Boundary.FRAGMENT:
            made = self.frame(Opcode.CONTINUATION, bytes(self._held), final)
        else:
            made = self.frame(self._opcode, bytes(self._held), final | (RSV1 if self._deflater else 0))
        self._held.clear()
        self.boundary = Boundary.MESSAGE if final else Boundary.FRAGMENT
        return made

    def frame(self, opcode: int, payload: bytes, first: int = FIN) -> bytes:
        """A frame for this leg."""
        return frame(opcode, payload, self._random(4) if self._random else None, first=first)


class Bridge:
    """One direction, from the leg of ``decoder`` to the leg of ``encoder``."""

    def __init__(self, decoder: Decoder, encoder: Encoder) -> None:
        self._decoder = decoder
        self._encoder = encoder
        self._walker = Walker()
        self._control = b""
        self._work: Iterator[tuple[bytes, int]] | None = None

    @property
    def busy(self) -> bool:
        """Whether there is more to be had by :meth:`step`."""
        return self._work is not None

    @property
    def idle(self) -> bool:
        """Whether nothing is under way at all."""
        return self._work is None and self._encoder.idle

    @property
    def boundary(self) -> Boundary:
        """Where the other leg stands."""
        return self._encoder.boundary

    def push(self, frames: bytes) -> None:
        """Frames from the leg, whole or cut inside a payload; after what there is still to do."""
        more = self._recode(frames)
        self._work = more if self._work is None else chain(self._work, more)

    def inherit(self, former: Bridge | None) -> None:
        """Do first what ``former``, to the same leg, has still to do; what it would have refused just ends it."""
        if former is not None and former._work is not None:
            self._work, former._work = _as_far_as_it_goes(former._work), None

    def step(self) -> bytes:
        """Frames for the other leg, of a bounded amount of work; perhaps none.

        :raises Refused: see :meth:`Decoder.decode`; nothing more is to be had then.
        """
        made: list[bytes] = []
        done = 0
        work, self._work = self._work, None
        for frames, worked in work or ():
            made.append(frames)
            # Looking at a frame is work too, be it empty.
            done += worked + _FRAME_WORK
            if done >= STEP:
                self._work = work
                break
        return b"".join(made)

    def _recode(self, frames: bytes) -> Iterator[tuple[bytes, int]]:
        """Frames, each with the plain bytes that were looked at for it."""
        for piece in self._walker.walk(frames):
            if piece.first & 0xF >= Opcode.CLOSE:
                yield self._control_frame(piece), len(piece.payload)
                continue
            if piece.begins and piece.first & 0xF != Opcode.CONTINUATION:
                self._encoder.begin(piece.first & 0xF)
            for plain in self._decoder.decode(piece):
                yield self._encoder.add(plain), len(plain)
            if piece.ends and piece.first & FIN:
                yield self._encoder.end(), 0

    def _control_frame(self, piece: Piece) -> bytes:
        """A ping or pong, whole, however it came."""
        self._control += piece.payload
        if not piece.ends:
            return b""
        payload, self._control = self._control, b""
        return self._encoder.frame(piece.first & 0xF, payload)


def _as_far_as_it_goes(work: Iterator[tuple[bytes, int]]) -> Iterator[tuple[bytes, int]]:
    with suppress(Refused):
        yield from work


def _inflater(extensions: str, client: bool) -> Inflater | None:
    agreed = Deflate.parse(extensions)
    if agreed is None:
        return None
    if client:
        return Inflater(agreed.client_max_window_bits, agreed.client_no_context_takeover)
    return Inflater(agreed.server_max_window_bits, agreed.server_no_context_takeover)


def _deflater(extensions: str, client: bool) -> Deflater | None:
    """None where messages go as they are."""
    agreed = Deflate.parse(extensions)
    if agreed is None:
        return None
    # The client of a leg, be it ours or we ourselves, uses the client's parameters to send.
    if client:
        bits, fresh = agreed.server_max_window_bits, agreed.server_no_context_takeover
    else:
        bits, fresh = agreed.client_max_window_bits, agreed.client_no_context_takeover
    return Deflater(bits, fresh) if Deflater.able(bits) else None
