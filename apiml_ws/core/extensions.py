"""permessage-deflate (RFC 7692): what is offered, accepted and agreed on the two legs of a session.

    class Deflate: server_no_context_takeover, client_no_context_takeover: bool
                   server_max_window_bits, client_max_window_bits: int;  server_window_named: bool
                   .spelling: str;  Deflate.parse(header: str) -> Deflate | None
    class Offer: the same parameters, window bits may be None;  .spelling: str
    offers(header: str) -> tuple[Offer, ...]                                  a client's usable offers
    accept(header: str, *, takeover: bool = True) -> Deflate | None           client-first: the answer to the client
    offer(agreed: str) -> tuple[str, ...]                                     client-first: what the service is offered
    passed_on(header: str, *, takeover: bool = True) -> tuple[str, ...]       backend-first: what the service is offered
    answered(header: str, offered: Sequence[str]) -> Deflate | None           the service's answer; InvalidExtensionsError
    same_bytes(client: str, service: str) -> bool                             whether frames may pass as they are
    reserved_bits(extensions: str) -> int
    context_takeover(extensions: str) -> bool

``header`` is the value of Sec-WebSocket-Extensions, several lines of it joined by ``, ``.  ``extensions``, ``agreed``,
``client``, ``service`` are the canonical spelling of what a leg agreed on, empty for nothing.  Parameters keep their names on
both legs: the client is the client on both, and so is the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

NAME: Final = "permessage-deflate"
_WINDOW: Final = re.compile(r"8|9|1[0-5]")
_WIDEST: Final = 15
#: zlib makes no raw streams of 8 bits; the message bridge might have to.
_NARROWEST: Final = 9
_WORD: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED: Final = rf'"(?:\\?{_WORD[:-1]})+"'
_PARAMETER: Final = rf"[ \t]*;[ \t]*{_WORD}(?:[ \t]*=[ \t]*(?:{_WORD}|{_QUOTED}))?"
_EXTENSION: Final = re.compile(rf"[ \t]*({_WORD})((?:{_PARAMETER})*)[ \t]*(?:,|\Z)")
_ONE_PARAMETER: Final = re.compile(rf"({_WORD})(?:[ \t]*=[ \t]*({_WORD}|{_QUOTED}))?")
_SERVER_FRESH: Final = "server_no_context_takeover"
_CLIENT_FRESH: Final = "client_no_context_takeover"
_SERVER_BITS: Final = "server_max_window_bits"
_CLIENT_BITS: Final = "client_max_window_bits"
_KNOWN: Final = frozenset((_SERVER_FRESH, _CLIENT_FRESH, _SERVER_BITS, _CLIENT_BITS))


class InvalidExtensionsError(ValueError):
    """A service answered extensions that are malformed, or that it was not offered so."""


@dataclass(frozen=True, slots=True)
class Deflate:
    """Parameters that a leg agreed on; window bits from 8 to 15.

    ``server_window_named``: a server window of 15 is spelled out, for the client asked for it and wants an answer
    (RFC 7692 section 7.1.2.1).
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = _WIDEST
    client_max_window_bits: int = _WIDEST
    server_window_named: bool = False

    @property
    def spelling(self) -> str:
        """The canonical one, as it stands in an answer: fixed order, and nothing that needs not be said."""
        server_bits, client_bits = self.server_max_window_bits, self.client_max_window_bits
        return _spelled(
            self.server_no_context_takeover,
            self.client_no_context_takeover,
            f"{_SERVER_BITS}={server_bits}" if self.names_server_window else "",
            "" if client_bits == _WIDEST else f"{_CLIENT_BITS}={client_bits}",
        )

    @property
    def names_server_window(self) -> bool:
        """Whether the spelling has ``server_max_window_bits``."""
        return self.server_window_named or self.server_max_window_bits != _WIDEST

    @classmethod
    def parse(cls, header: str) -> Deflate | None:
        """The agreement that an answer's ``header`` states; None for no extension.

        Raises InvalidExtensionsError for malformed text and for anything but one permessage-deflate.
        """
        named = list(_extensions(header))
        if not named:
            return None
        name, parameters = named[0]
        if len(named) > 1 or name != NAME or parameters is None or not _valid_answer(parameters):
            raise InvalidExtensionsError(f"not an answer of {NAME}: {header!r}")
        return cls(
            _SERVER_FRESH in parameters,
            _CLIENT_FRESH in parameters,
            int(parameters.get(_SERVER_BITS) or _WIDEST),
            int(parameters.get(_CLIENT_BITS) or _WIDEST),
            parameters.get(_SERVER_BITS) == str(_WIDEST),
        )


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer of a client.

    ``server_max_window_bits`` None: not asked for.  ``client_max_window_bits`` None: the client does not know the parameter;
    15 as well as no value: it takes whatever it is told.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | None = None

    @property
    def spelling(self) -> str:
        """The canonical one, as it stands in an offer."""
        client_bits = self.client_max_window_bits
        return _spelled(
            self.server_no_context_takeover,
            self.client_no_context_takeover,
            f"{_SERVER_BITS}={self.server_max_window_bits}" if self.server_max_window_bits else "",
            _CLIENT_BITS if client_bits == _WIDEST else f"{_CLIENT_BITS}={client_bits}" if client_bits else "",
        )

    def answered_by(self, answer: Deflate) -> bool:
        """Whether ``answer`` is a legal one to this offer (RFC 7692 section 7.1)."""
        return (
            answer.server_no_context_takeover >= self.server_no_context_takeover
            and answer.names_server_window >= (self.server_max_window_bits is not None)
            and answer.server_max_window_bits <= (self.server_max_window_bits or _WIDEST)
            and (
                answer.client_max_window_bits == _WIDEST
                or answer.client_max_window_bits <= (self.client_max_window_bits or 0)
            )
        )


def offers(header: str) -> tuple[Offer, ...]:
    """The permessage-deflate offers in ``header`` that can be used, the preferred one first; none if it is malformed.

    An offer with an unknown parameter, one that is there twice or a value that is not allowed is declined, as
    RFC 7692 section 7 asks.
    """
    try:
        named = list(_extensions(header))
    except InvalidExtensionsError:
        return ()
    return tuple(
        _offer(parameters)
        for name, parameters in named
        if name == NAME and parameters is not None and _valid_offer(parameters)
    )


def accept(header: str, *, takeover: bool = True) -> Deflate | None:
    """What to answer a client whose service is not known yet; None to go without compression.

    The client's window is left alone and the server's is what the client asks for.  ``takeover`` False: both ends are told
    to forget their context after each message, which a client has to take even if it did not offer it.
    """
    for made in offers(header):
        bits = made.server_max_window_bits or _WIDEST
        if bits >= _NARROWEST:
            return Deflate(
                made.server_no_context_takeover or not takeover,
                made.client_no_context_takeover or not takeover,
                bits,
                server_window_named=made.server_max_window_bits == _WIDEST,
            )
    return None


def offer(agreed: str) -> tuple[str, ...]:
    """What a service is offered so that it agrees to what the client was told; nothing if that was nothing."""
    told = Deflate.parse(agreed) if agreed else None
    if told is None:
        return ()
    server_bits = told.server_max_window_bits if told.names_server_window else None
    client_bits = None if told.client_max_window_bits == _WIDEST else told.client_max_window_bits
    return (Offer(told.server_no_context_takeover, told.client_no_context_takeover, server_bits, client_bits).spelling,)


def passed_on(header: str, *, takeover: bool = True) -> tuple[str, ...]:
    """A client's own offers for the service, whose answer is then the client's.

    ``takeover`` False asks both ends to forget their context, which an answer may say even where the client's offer did not.
    """
    return tuple(
        Offer(
            made.server_no_context_takeover or not takeover,
            made.client_no_context_takeover or not takeover,
            made.server_max_window_bits,
            made.client_max_window_bits,
        ).spelling
        for made in offers(header)
    )


def answered(header: str, offered: Sequence[str]) -> Deflate | None:
    """What a service agreed to; None for no extension.

    Raises InvalidExtensionsError when the answer is malformed or fits none of ``offered`` (RFC 6455 section 4.1, step 5).
    """
    answer = Deflate.parse(header) if header else None
    if answer is not None and not any(one.answered_by(answer) for one in offers(", ".join(offered))):
        raise InvalidExtensionsError(f"extensions that were not offered: {header!r}")
    return answer


def same_bytes(client: str, service: str) -> bool:
    """Whether frames may pass verbatim between a leg that agreed on ``client`` and one that agreed on ``service``.

    Each receiver must keep at least what the sender on the other leg may refer to.
    """
    told, agreed = Deflate.parse(client), Deflate.parse(service)
    if told is None or agreed is None:
        return told is agreed
    return (
        told.client_max_window_bits <= agreed.client_max_window_bits
        and told.client_no_context_takeover >= agreed.client_no_context_takeover
        and agreed.server_max_window_bits <= told.server_max_window_bits
        and agreed.server_no_context_takeover >= told.server_no_context_takeover
    )


def reserved_bits(extensions: str) -> int:
    """The reserved bits that may be set, as they stand in a frame's first byte: 0x40 (RSV1) with permessage-deflate."""
    return 0x40 if extensions else 0


def context_takeover(extensions: str) -> bool:
    """Whether an end may refer to earlier messages, so that no other service could go on with the session."""
    agreed = Deflate.parse(extensions)
    return agreed is not None and not (agreed.server_no_context_takeover and agreed.client_no_context_takeover)


def _spelled(server_fresh: bool, client_fresh: bool, server_bits: str, client_bits: str) -> str:
    fresh = (_SERVER_FRESH if server_fresh else "", _CLIENT_FRESH if client_fresh else "")
    return "; ".join(part for part in (NAME, *fresh, server_bits, client_bits) if part)


def _extensions(header: str) -> Iterator[tuple[str, Mapping[str, str | None] | None]]:
    """Each extension with its parameters, which are None when one is there twice; values unquoted (RFC 6455 section 9.1)."""
    header, at = header.strip(" \t"), 0
    while at < len(header):
        found = _EXTENSION.match(header, at)
        if found is None:
            raise InvalidExtensionsError(f"malformed extensions: {header!r}")
        at = found.end()
        yield found[1].lower(), _parameters(found[2])


def _parameters(text: str) -> Mapping[str, str | None] | None:
    pairs = [(name.lower(), _unquoted(value)) for name, value in _ONE_PARAMETER.findall(text)]
    parameters = dict(pairs)
    return parameters if len(parameters) == len(pairs) else None


def _unquoted(value: str) -> str | None:
    return value.strip('"').replace("\\", "") or None


def _valid_offer(parameters: Mapping[str, str | None]) -> bool:
    return (
        all(
            _is_window(value) or (value is None and name == _CLIENT_BITS)
            if name in (_SERVER_BITS, _CLIENT_BITS)
            else value is None
            for name, value in parameters.items()
        )
        and parameters.keys() <= _KNOWN
    )


def _valid_answer(parameters: Mapping[str, str | None]) -> bool:
    return _valid_offer(parameters) and parameters.get(_CLIENT_BITS, "") is not None


def _is_window(value: str | None) -> bool:
    return value is not None and _WINDOW.fullmatch(value) is not None


def _offer(parameters: Mapping[str, str | None]) -> Offer:
    server_bits = parameters.get(_SERVER_BITS)
    return Offer(
        _SERVER_FRESH in parameters,
        _CLIENT_FRESH in parameters,
        int(server_bits) if server_bits else None,
        int(parameters[_CLIENT_BITS] or _WIDEST) if _CLIENT_BITS in parameters else None,
    )
