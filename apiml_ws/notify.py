"""Tells systemd how the service is, for units of ``Type=notify`` (sd_notify(3))."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Final

from twisted.logger import Logger

#: Start-up is done.
READY: Final = "READY=1"
#: The service is about to stop.
STOPPING: Final = "STOPPING=1"

_log = Logger()


def notify(environment: Mapping[str, str], state: str) -> bool:
    """Send ``state`` to the socket that ``NOTIFY_SOCKET`` of ``environment`` names; whether it went out.

    Without the variable nobody wants to know.  A service manager that cannot be told is logged and nothing else: the
    sessions matter more.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as sender:
            # A leading @ stands for the zero byte of Linux's abstract names.
            sender.sendto(state.encode(), f"\0{address[1:]}" if address[0] == "@" else address)
    except OSError as error:
        _log.warn("The service manager could not be told {state}: {why}", state=state, why=error.strerror or str(error))
        return False
    return True
