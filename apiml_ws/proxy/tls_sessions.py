"""Sessions of TLS with services, to go on with when the same service is dialled again (RFC 8446 section 2.2).

A handshake that goes on with a session needs no certificates and no signature, on either side.  A service that knows the
session no more, or is another one meanwhile, just begins anew.  So does OpenSSL after a connection that was cut.
"""

from __future__ import annotations

from typing import Final

from OpenSSL.SSL import Connection, Session

#: Services that are remembered, those that were dialled last.  A session holds the service's certificate: some kilobytes.
_MOST: Final = 256

#: Host and port of a service.
Where = tuple[str, int]


class TlsSessions:
    """The last session with each service, of those whose certificate was found right.

    All connections have to be of one context, so that what was found right for one is right for all.
    """

    def __init__(self) -> None:
        self._sessions: dict[Where, Session] = {}

    def go_on(self, connection: Connection, where: Where) -> None:
        """Have ``connection``, whose handshake has not begun, go on with the session that there is with ``where``, if any."""
        session = self._sessions.get(where)
        if session is not None:
            connection.set_session(session)

    def keep(self, connection: Connection, where: Where) -> None:
        """Keep the session of ``connection``, which was found right, and from which something was read.

        Services say how to go on with a session only after the handshake.
        """
        session = connection.get_session()
        self.forget(where)
        if session is not None:
            self._sessions[where] = session
            if len(self._sessions) > _MOST:
                del self._sessions[next(iter(self._sessions))]

    def forget(self, where: Where) -> None:
        """Begin anew with ``where``."""
        self._sessions.pop(where, None)
