"""What is asked of the kernel for every connection, so that peers that vanished are found and small frames sent at once."""

from __future__ import annotations

import socket
import struct
from typing import Final

#: Milliseconds in which a peer whose machine is there acknowledges what was sent.
UNACKNOWLEDGED: Final = 30_000

#: Keep-alive finds a peer whose machine is gone while nothing is sent, the user timeout while something is.
_WANTED: Final = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 15),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 5),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", UNACKNOWLEDGED),
    (socket.IPPROTO_TCP, "TCP_NODELAY", 1),
)
#: struct linger: on, and no second of it.
_AT_ONCE: Final = struct.pack("ii", 1, 0)
#: Those that this system has.
OPTIONS: Final = tuple((level, getattr(socket, name), value) for level, name, value in _WANTED if hasattr(socket, name))


def set_options(sock: socket.socket) -> None:
    """15 s of silence, then 3 probes 5 s apart; 30 s for what was sent to be acknowledged.

    What a listening socket has of these, the connections that it accepts have too (Linux and BSD).
    """
    for option in OPTIONS:
        sock.setsockopt(*option)


def reset_on_close(sock: socket.socket) -> None:
    """Have ``sock`` end at once when it is closed, with an RST, and leave nothing in the kernel."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
