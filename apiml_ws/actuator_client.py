"""Asks a running gateway's actuator over HTTP, for command-line tools: one synchronous request, JSON back.

Proxies of the environment are not used and redirects are not followed: credentials go to the gateway or nowhere.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable
from http.client import HTTPException, HTTPMessage
from typing import IO, Final
from urllib.error import HTTPError, URLError
from urllib.request import BaseHandler, HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

#: Bytes of an answer that are read; a session takes about 300.
ANSWER_LIMIT: Final = 64 * 2**20
_ERROR_LIMIT: Final = 65536


class AskError(Exception):
    """The gateway was not reached, refused, or answered what makes no sense; the text says which, for the operator."""


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """None: the redirect is an error then."""


def ask(
    url: str,
    context: ssl.SSLContext,
    authorization: str | None = None,
    timeout: float = 10.0,
    handlers: Iterable[BaseHandler] = (),
) -> object:
    """The JSON document at ``url``.

    :param context: whom to trust, and our certificate.
    :param authorization: the header's value.
    :param timeout: seconds without progress.
    :param handlers: handlers of urllib that come before its own.
    :raises AskError: there is none.
    """
    headers = {"Accept": "application/json", **({"Authorization": authorization} if authorization else {})}
    opener = build_opener(ProxyHandler({}), _NoRedirects, HTTPSHandler(context=context), *handlers)
    try:
        with opener.open(Request(url, headers=headers), timeout=timeout) as answer:  # noqa: S310 - the caller's URL
            return json.loads(answer.read(ANSWER_LIMIT))
    except HTTPError as error:
        with error:
            raise AskError(f"{url}: HTTP {error.code}{_explanation(error)}") from error
    except (OSError, HTTPException) as error:
        raise AskError(f"{url}: {_reason(error)}") from error
    except ValueError as error:
        raise AskError(f"{url}: the answer is no JSON") from error


def _explanation(error: HTTPError) -> str:
    """What the gateway says in its body of an error, ``{"messages": [{"messageContent": ...}]}``; nothing if unclear."""
    try:
        content = json.loads(error.read(_ERROR_LIMIT))["messages"][0]["messageContent"]
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return ""
    return f": {content}"


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {reason.verify_message}"
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
