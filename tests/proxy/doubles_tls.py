"""Two ends of TLS in memory."""

from __future__ import annotations

from typing import Any, cast

from OpenSSL.SSL import Connection, Context, WantReadError
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IOpenSSLServerConnectionCreator
from twisted.python.failure import Failure

#: What a creator is given that does not look at it.
NO_PROTOCOL = cast(Any, None)


def server_end(creator: IOpenSSLServerConnectionCreator) -> Connection:
    """A connection that accepts."""
    return creator.serverConnectionForTLS(NO_PROTOCOL)


def client_end(creator: IOpenSSLClientConnectionCreator, protocol: object = None) -> Connection:
    """A connection that connects, for ``protocol``."""
    return creator.clientConnectionForTLS(cast(Any, protocol))


class Blamed:
    """A protocol that is told why its verification failed."""

    def __init__(self) -> None:
        self.failures: list[BaseException | None] = []

    def failVerification(self, reason: Failure) -> None:
        """What Twisted's TLS protocol has."""
        self.failures.append(reason.value)


def bare_client(context: Context) -> Connection:
    """A connection that connects, of a client that is not ours."""
    connection = Connection(context, None)
    connection.set_connect_state()
    return connection


def carry(source: Connection, target: Connection) -> None:
    """Bring all that ``source`` wants to send to ``target``."""
    try:
        while True:
            target.bio_write(source.bio_read(65536))
    except WantReadError:
        pass


def shake_hands(client: Connection, server: Connection) -> None:
    """Do the whole handshake, and one byte each way, so that the last word of either end is heard.

    :raises OpenSSL.SSL.Error: what the end that failed first says.
    """
    for _ in range(4):
        for near, far in ((client, server), (server, client)):
            try:
                near.do_handshake()
            except WantReadError:
                pass
            finally:
                carry(near, far)
    assert exchange(client, server, b"c") == b"c"
    assert exchange(server, client, b"s") == b"s"


def exchange(source: Connection, target: Connection, data: bytes) -> bytes:
    """Send ``data`` from one end to the other; what arrives."""
    source.send(data)
    carry(source, target)
    return target.recv(65536)
