"""Wires over real socket pairs, and TLS peers at the other end of them."""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import cache

from OpenSSL import SSL
from OpenSSL.crypto import X509, PKey

from tests.certificates import leaf


def socket_pair(small: bool = False) -> tuple[socket.socket, socket.socket]:
    """Two connected sockets that do not block; ``small``: with little room between them."""
    pair = socket.socketpair()
    for sock in pair:
        sock.setblocking(False)
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return pair


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """The same over TCP, whose options other sockets do not have."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        near = socket.create_connection(listening.getsockname())
        far, _ = listening.accept()
    for sock in (near, far):
        sock.setblocking(False)
    return near, far


def user_timeout(sock: socket.socket) -> int:
    """Milliseconds after which the kernel gives a peer up."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


def drained(sock: socket.socket) -> bytes:
    """All that is there."""
    data = b""
    with suppress(BlockingIOError):
        while part := sock.recv(65536):
            data += part
    return data


@cache
def _context(server: bool, newest: int) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_max_proto_version(newest)
    if server:
        issued = leaf()
        context.use_certificate(X509.from_cryptography(issued.certificate))
        context.use_privatekey(PKey.from_cryptography_key(issued.key))
    return context


def connection(server: bool, newest: int = SSL.TLS1_3_VERSION) -> SSL.Connection:
    """One end over memory BIOs, ready for a handshake."""
    made = SSL.Connection(_context(server, newest))
    if server:
        made.set_accept_state()
    else:
        made.set_connect_state()
    return made


def exchange(one: SSL.Connection, other: SSL.Connection) -> bool:
    """Carry what each has to say to the other; whether there was anything."""
    said = False
    for source, target in ((one, other), (other, one)):
        with suppress(SSL.WantReadError):
            target.bio_write(source.bio_read(1 << 20))
            said = True
    return said


def connected(newest: int = SSL.TLS1_3_VERSION) -> tuple[SSL.Connection, SSL.Connection]:
    """A server and a client after their handshake, tickets included."""
    server, client = connection(True, newest), connection(False, newest)
    while True:
        for end in (client, server):
            with suppress(SSL.WantReadError):
                end.do_handshake()
        if not exchange(client, server):
            break
    with suppress(SSL.WantReadError):
        client.recv(1)
    return server, client


class TlsPeer:
    """The other end of a TLS wire."""

    def __init__(self, sock: socket.socket, connection: SSL.Connection) -> None:
        self.sock = sock
        self.connection = connection

    def send(self, data: bytes) -> None:
        """Send ``data``."""
        while data:
            data = data[self.connection.send(data) :]
        self.speak()

    def speak(self) -> None:
        """Send what there is to be sent."""
        with suppress(SSL.WantReadError):
            while True:
                self.sock.sendall(self.connection.bio_read(1 << 20))

    def receive(self) -> bytes:
        """All that is there."""
        if raw := drained(self.sock):
            self.connection.bio_write(raw)
        data = b""
        with suppress(SSL.WantReadError):
            while True:
                data += self.connection.recv(1 << 20)
        return data
