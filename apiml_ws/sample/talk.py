"""A client for one session, to try the gateway with: each line of standard input is a message, each message a line.

    python -m apiml_ws.sample.talk wss://localhost:10010/ws/v1/discoverableclient/uppercase
    echo hello | python -m apiml_ws.sample.talk wss://localhost:10010/ws/v1/discoverableclient/uppercase

It trusts the development authority, and logs in as ``user`` with ``pass`` unless told otherwise.  At the end of the input
it waits for as many messages as it sent, then closes.  The exit status is 0 after a close with 1000 or no code, else 1.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

from autobahn.websocket.util import parse_url
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.internet.task import react

from apiml_ws.sample.talker import Lines, Talker, TalkerFactory

Aside = Callable[[Callable[[], None]], None]

#: Where the quick start's authority is, seen from where the quick start was started.
DEFAULT_ROOT = Path(".state/ca.pem")

#: Seconds for TCP, and again for TLS with the handshake.
CONNECT_TIMEOUT = 10


def parsed(arguments: Sequence[str]) -> Namespace:
    """The command line.

    :raises SystemExit: it is wrong.
    """
    parser = ArgumentParser(prog="talk", description="Talk to a WebSocket service, line by line.")
    parser.add_argument("url", help="ws:// or wss://, such as wss://localhost:10010/ws/v1/discoverableclient/uppercase")
    parser.add_argument("--user", default="user:pass", metavar="NAME:PASSWORD", help="for HTTP Basic (user:pass)")
    parser.add_argument(
        "--ca", type=Path, metavar="FILE", help=f"whom to trust, a PEM file ({DEFAULT_ROOT} if it is there)"
    )
    parser.add_argument("--subprotocol", action="append", default=[], metavar="NAME", help="to offer; may be repeated")
    options = parser.parse_args(arguments)
    if options.ca is None and DEFAULT_ROOT.exists():
        options.ca = DEFAULT_ROOT
    try:
        parse_url(options.url)
    except Exception as error:
        parser.error(f"{options.url}: {error}")
    return options


def endpoint(reactor: Any, options: Namespace) -> IStreamClientEndpoint:
    """How to get there.

    :raises OSError: the file of trusted certificates cannot be read.
    """
    secure, host, port, *_ = parse_url(options.url)
    plain = HostnameEndpoint(reactor, host, port, timeout=CONNECT_TIMEOUT)
    if not secure:
        return plain
    trust = None
    if options.ca is not None:
        trust = trustRootFromCertificates([Certificate.loadPEM(options.ca.read_text())])
    return wrapClientTLS(optionsForClientTLS(host, trustRoot=trust), plain)


def factory(options: Namespace, talker: Talker) -> TalkerFactory:
    """What makes the one session."""
    authorization = f"Basic {b64encode(options.user.encode()).decode()}"
    made = TalkerFactory(talker, options.url, {"Authorization": authorization}, options.subprotocol)
    made.setProtocolOptions(openHandshakeTimeout=CONNECT_TIMEOUT)
    return made


async def session(reactor: Any, options: Namespace, read: Callable[[], bytes], aside: Aside) -> None:
    """Hold the session, with what ``read`` gives until it gives nothing; ``aside`` runs a function that may block.

    :raises SystemExit: it could not be opened, or did not end well.
    """
    talker = Talker(reactor, _line, _complaint)
    try:
        await endpoint(reactor, options).connect(factory(options, talker))
    except (OSError, ConnectError, DNSLookupError) as error:
        raise SystemExit(f"cannot connect to {options.url}: {error}") from error
    lines = Lines(talker)
    talker.opened.addCallback(lambda _: aside(lambda: _deliver(read, lines, reactor.callFromThread)))
    if status := await talker.done:
        raise SystemExit(status)


def _deliver(read: Callable[[], bytes], lines: Lines, in_reactor: Callable[..., object]) -> None:
    while data := read():
        in_reactor(lines.feed, data)
    in_reactor(lines.feed, b"")


def _in_thread(function: Callable[[], None]) -> None:
    """Standard input may be a terminal, a pipe or a file; whichever, the process does not wait for it at its end."""
    Thread(target=function, daemon=True).start()


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _complaint(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _started(reactor: Any, options: Namespace) -> Deferred[None]:
    return Deferred.fromCoroutine(session(reactor, options, lambda: os.read(0, 65536), _in_thread))


if __name__ == "__main__":  # pragma: no cover - the three lines that a test cannot import
    react(_started, [parsed(sys.argv[1:])])
