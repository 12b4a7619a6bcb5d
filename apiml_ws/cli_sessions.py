"""``apiml-ws sessions``: the live sessions of a running gateway."""

from __future__ import annotations

import json
import ssl
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from apiml_ws.actuator_client import AskError, ask
from apiml_ws.console import Command, Console, Exit, UsageError, printable

#: Columns of the table, by the keys of the actuator's objects.
COLUMNS: Final = {
    "sessionId": "SESSION",
    "clientAddress": "CLIENT",
    "gatewayPath": "GATEWAY PATH",
    "serviceUrl": "SERVICE",
    "serviceSessionId": "SERVICE SESSION",
}


def base_url(text: str) -> str:
    """An http or https URL with a host, without the slash at its end, for argparse; credentials are refused unprinted."""
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or "@" in text or not text.isprintable() or " " in text:
        raise ArgumentTypeError("an http or https URL with a host and without credentials is needed (see --user)")
    return text.rstrip("/")


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--url", type=base_url, default="https://localhost:10010", help="the gateway; default %(default)s"
    )
    parser.add_argument("--user", metavar="NAME", help="for HTTP Basic; the password is asked for if it is not given")
    password = parser.add_mutually_exclusive_group()
    password.add_argument("--password-file", metavar="FILE", help="a file whose first line is the password")
    password.add_argument("--password-env", metavar="VARIABLE", help="the environment variable that holds it")
    parser.add_argument("--ca", metavar="FILE", help="PEM file of authorities to trust, in place of the system's")
    parser.add_argument("--cert", metavar="FILE", help="PEM file of a client certificate, which may hold the key too")
    parser.add_argument("--key", metavar="FILE", help="PEM file of its key")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=10.0, help="default %(default)s")
    parser.add_argument("--json", action="store_true", help="print the gateway's objects instead of a table")


def _run(options: Namespace, console: Console) -> Exit:
    authorization, context = _authorization(options, console), _context(options)
    try:
        answer = ask(f"{options.url}/application/websockets", context, authorization, options.timeout)
        sessions = _sessions(answer)
    except AskError as error:
        console.complain(f"apiml-ws: {printable(str(error))}")
        return Exit.FAILED
    for line in [json.dumps(sessions, indent=2)] if options.json else table(sessions):
        console.say(line)
    return Exit.DONE


def _authorization(options: Namespace, console: Console) -> str | None:
    if options.user is None:
        if options.password_file or options.password_env:
            raise UsageError("a password needs --user")
        return None
    if ":" in options.user:
        raise UsageError("--user: HTTP Basic has no names with a colon")
    credentials = f"{options.user}:{_password(options, console)}"
    return f"Basic {b64encode(credentials.encode()).decode()}"


def _password(options: Namespace, console: Console) -> str:
    if options.password_file:
        return _first_line(options.password_file)
    if options.password_env is None:
        return console.ask_password(f"Password of {options.user}: ")
    try:
        return console.environment[options.password_env]
    except KeyError:
        raise UsageError(f"--password-env: {options.password_env} is not set") from None


def _first_line(file: str) -> str:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--password-file: {file}: {getattr(error, 'strerror', 'no UTF-8')}") from error
    return text.split("\n", 1)[0].rstrip("\r")


def _context(options: Namespace) -> ssl.SSLContext:
    if options.key and not options.cert:
        raise UsageError("--key needs --cert")
    try:
        context = ssl.create_default_context(cafile=options.ca)
    except OSError as error:
        raise UsageError(f"--ca: {options.ca}: {error.strerror or error}") from error
    if options.cert:
        _show(context, options.cert, options.key)
    return context


def _show(context: ssl.SSLContext, cert: str, key: str | None) -> None:
    try:
        # An encrypted key would make OpenSSL ask at the terminal in the middle of things; the empty password fails.
        context.load_cert_chain(cert, key, password="")
    except OSError as error:
        raise UsageError(f"--cert, --key: {cert}, {key or cert}: {error.strerror or error}") from error


def _sessions(answer: object) -> list[Mapping[str, object]]:
    if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
        raise AskError("the answer is no list of sessions; is this a gateway?")
    return answer


def table(sessions: Sequence[Mapping[str, object]]) -> list[str]:
    """The lines of a table of the sessions, and their number.  What clients chose is made harmless for terminals."""
    rows = [list(COLUMNS.values()), *([_cell(session.get(key)) for key in COLUMNS] for session in sessions)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    count = f"{len(sessions) or 'no'} session{'' if len(sessions) == 1 else 's'}"
    return [*lines, count] if sessions else [count]


def _cell(value: object) -> str:
    return "-" if value is None else printable(str(value))


#: The command.
COMMAND: Final = Command(
    "sessions",
    "list the live sessions of a running gateway",
    "Asks /application/websockets of a gateway for its open sessions. Who may: users of the gateway's password file\n"
    "(--user), and holders of a client certificate that it trusts (--cert).\n\n"
    "Exit status: 0 listed; 1 the gateway was not reached or refused; 2 wrong usage.",
    _arguments,
    _run,
)
