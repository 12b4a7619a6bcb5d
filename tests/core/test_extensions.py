"""permessage-deflate on the two legs of a session."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.extensions import (
    Deflate,
    InvalidExtensionsError,
    Offer,
    accept,
    answered,
    context_takeover,
    offer,
    offers,
    passed_on,
    reserved_bits,
    same_bytes,
)

PMD = "permessage-deflate"
FRESH = f"{PMD}; server_no_context_takeover; client_no_context_takeover"


def _spelled(*, takeover: bool, header: str) -> str | None:
    accepted = accept(header, takeover=takeover)
    return None if accepted is None else accepted.spelling


class OffersTests(SynchronousTestCase):
    """A client's header, read strictly."""

    def test_usable(self) -> None:
        """Offers are read in their order, however they are spaced, quoted and cased; other extensions are passed over."""
        table = (
            ("", ()),
            ("   ", ()),
            (PMD, (Offer(),)),
            (f" {PMD} \t", (Offer(),)),
            (f"{PMD}; client_max_window_bits", (Offer(client_max_window_bits=15),)),
            (f"{PMD};client_max_window_bits=15", (Offer(client_max_window_bits=15),)),
            (f'{PMD} ;\tclient_max_window_bits = "10"', (Offer(client_max_window_bits=10),)),
            (f'{PMD}; server_max_window_bits="1\\0"', (Offer(server_max_window_bits=10),)),
            (f"{PMD}; server_max_window_bits=15", (Offer(server_max_window_bits=15),)),
            (f"{PMD}; server_max_window_bits=8", (Offer(server_max_window_bits=8),)),
            ("Permessage-Deflate; Server_No_Context_Takeover", (Offer(server_no_context_takeover=True),)),
            (f"{PMD}; client_no_context_takeover", (Offer(client_no_context_takeover=True),)),
            (f'x-other; a="b"; c, {PMD}', (Offer(),)),
            ("x-webkit-deflate-frame", ()),
            (f"{PMD}; server_max_window_bits=10, {PMD}", (Offer(server_max_window_bits=10), Offer())),
        )
        for header, expected in table:
            self.assertEqual(offers(header), expected, header)

    def test_declined(self) -> None:
        """An offer with anything that is not allowed is declined; the others stand."""
        for parameters in (
            "unknown", "unknown=1", "server_no_context_takeover=true", "client_no_context_takeover=1", "server_max_window_bits",
            "server_max_window_bits=7", "server_max_window_bits=16", "server_max_window_bits=08", "server_max_window_bits=x",
            "server_max_window_bits=\u0661\u0662", "client_max_window_bits=0", "client_max_window_bits=100",
            "server_no_context_takeover; server_no_context_takeover", "client_max_window_bits=10; client_max_window_bits=10",
            "server_max_window_bits=10; SERVER_MAX_WINDOW_BITS=11",
        ):  # fmt: skip
            self.assertEqual(offers(f"{PMD}; {parameters}"), (), parameters)
            if parameters.isascii():
                self.assertEqual(offers(f"{PMD}; {parameters}, {PMD}"), (Offer(),), parameters)

    def test_malformed(self) -> None:
        """A header that breaks the grammar offers nothing at all."""
        for header in (
            f"{PMD};", f"{PMD}; =1", f"{PMD}; a=", f'{PMD}; a="', f'{PMD}; a=""', f'{PMD}; a="b c"', f"{PMD} {PMD}",
            f"{PMD}, ;",
            f", {PMD}", f"{PMD},, x", "(", f"{PMD}; a=b=c", f"{PMD}/1", f'{PMD}; a="b",c"', f"{PMD}\r\n", f"{PMD}; ü",
        ):  # fmt: skip
            self.assertEqual(offers(header), (), header)

    def test_spelling(self) -> None:
        """An offer is spelled in a fixed order."""
        self.assertEqual(
            [one.spelling for one in (Offer(), Offer(True, True, 15, 15), Offer(False, True, 9, 8))],
            [
                PMD,
                f"{FRESH}; server_max_window_bits=15; client_max_window_bits",
                f"{PMD}; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=8",
            ],
        )


class AcceptTests(SynchronousTestCase):
    """Client-first: the client is answered before the service is known."""

    def test_answers(self) -> None:
        """The first usable offer is taken as it is; the client's own window is left alone."""
        table = (
            ("", None),
            ("x-other", None),
            (PMD, PMD),
            (f"{PMD}; client_max_window_bits", PMD),
            (f"{PMD}; client_max_window_bits=10", PMD),
            (f"{PMD}; server_no_context_takeover", f"{PMD}; server_no_context_takeover"),
            (f"{PMD}; client_no_context_takeover", f"{PMD}; client_no_context_takeover"),
            (f"{PMD}; server_max_window_bits=10", f"{PMD}; server_max_window_bits=10"),
            (f"{PMD}; server_max_window_bits=15", f"{PMD}; server_max_window_bits=15"),
            (f"{PMD}; bad, {PMD}; server_max_window_bits=12, {PMD}", f"{PMD}; server_max_window_bits=12"),
            (f"{PMD}; server_max_window_bits=8", None),
            (f"{PMD}; server_max_window_bits=8, {PMD}", PMD),
        )
        for header, expected in table:
            self.assertEqual(_spelled(takeover=True, header=header), expected, header)
            self.assertEqual(accept(header), accept(header, takeover=True))

    def test_sessions_that_shall_move(self) -> None:
        """Without takeover both ends are told to forget, whatever the client offered."""
        for header in (PMD, FRESH, f"{PMD}; client_no_context_takeover"):
            self.assertEqual(_spelled(takeover=False, header=header), FRESH)

    def test_answer_is_legal(self) -> None:
        """What is answered is a legal answer to what was offered."""
        for made in (
            Offer(),
            Offer(True, True, 15, 15),
            Offer(server_max_window_bits=9),
            Offer(client_max_window_bits=8),
        ):
            for takeover in (True, False):
                answer = accept(made.spelling, takeover=takeover)
                assert answer is not None
                self.assertTrue(made.answered_by(answer), made)

    def test_the_service_is_offered_the_same(self) -> None:
        """The offer to the service asks for what the client was told, so that a service that agrees says the same."""
        for agreed, expected in (
            ("", ()),
            (PMD, (PMD,)),
            (FRESH, (FRESH,)),
            (f"{PMD}; server_max_window_bits=10", (f"{PMD}; server_max_window_bits=10",)),
            (f"{PMD}; server_max_window_bits=15", (f"{PMD}; server_max_window_bits=15",)),
            (f"{PMD}; client_max_window_bits=10", (f"{PMD}; client_max_window_bits=10",)),
        ):
            self.assertEqual(offer(agreed), expected)
            if agreed:
                found = answered(agreed, expected)
                assert found is not None
                self.assertEqual(found.spelling, agreed)


class PassedOnTests(SynchronousTestCase):
    """Backend-first: the client's offers are the service's to choose from."""

    def test_offers(self) -> None:
        """Usable offers pass in their order, nothing else does."""
        header = f"x-other, {PMD}; client_max_window_bits; server_max_window_bits=8, {PMD}; bad, {PMD}"
        self.assertEqual(passed_on(header), (f"{PMD}; server_max_window_bits=8; client_max_window_bits", PMD))
        self.assertEqual(passed_on(""), ())

    def test_sessions_that_shall_move(self) -> None:
        """Without takeover both ends are asked to forget."""
        self.assertEqual(
            passed_on(f"{PMD}; client_max_window_bits=9", takeover=False), (f"{FRESH}; client_max_window_bits=9",)
        )


class AnsweredTests(SynchronousTestCase):
    """A service's answer against what it was offered."""

    def test_legal(self) -> None:
        """An answer may add what RFC 7692 lets a server add, and lower what was asked for."""
        table = (
            ("", (PMD,), None),
            ("", (), None),
            (" \t", (PMD,), None),
            (PMD, (PMD,), Deflate()),
            (f"{PMD}; server_no_context_takeover", (PMD,), Deflate(True)),
            (f"{PMD}; client_no_context_takeover", (PMD,), Deflate(False, True)),
            (f"{PMD}; server_max_window_bits=9", (PMD,), Deflate(False, False, 9)),
            (f"{PMD}; server_max_window_bits=15", (PMD,), Deflate(server_window_named=True)),
            (f"{PMD}; server_max_window_bits=8", (f"{PMD}; server_max_window_bits=10",), Deflate(False, False, 8)),
            (PMD, (f"{PMD}; client_max_window_bits=10",), Deflate()),
            (PMD, (f"{PMD}; client_no_context_takeover",), Deflate()),
            (f'{PMD};client_max_window_bits="12"', (f"{PMD}; client_max_window_bits",), Deflate(False, False, 15, 12)),
            (
                f"{PMD}; client_max_window_bits=10",
                (f"{PMD}; client_max_window_bits=10",),
                Deflate(False, False, 15, 10),
            ),
            (f"{PMD}; client_max_window_bits=9", (PMD, f"{PMD}; client_max_window_bits"), Deflate(False, False, 15, 9)),
        )
        for header, offered, expected in table:
            self.assertEqual(answered(header, offered), expected, header)

    def test_illegal(self) -> None:
        """What was not offered so, what is malformed and what is another extension is a bad handshake."""
        table = (
            (PMD, ()),
            ("x-other", (PMD,)),
            (f"{PMD}, {PMD}", (PMD,)),
            (f"{PMD}, x-other", (PMD,)),
            (f"{PMD}; unknown", (PMD,)),
            (f"{PMD}; server_max_window_bits", (PMD,)),
            (f"{PMD}; server_max_window_bits=16", (PMD,)),
            (f"{PMD}; server_no_context_takeover; server_no_context_takeover", (PMD,)),
            (f"{PMD};", (PMD,)),
            (f"{PMD}; client_max_window_bits", (f"{PMD}; client_max_window_bits",)),
            (f"{PMD}; client_max_window_bits=10", (PMD,)),
            (f"{PMD}; client_max_window_bits=11", (f"{PMD}; client_max_window_bits=10",)),
            (PMD, (f"{PMD}; server_no_context_takeover",)),
            (PMD, (f"{PMD}; server_max_window_bits=10",)),
            (PMD, (f"{PMD}; server_max_window_bits=15",)),
            (f"{PMD}; server_max_window_bits=11", (f"{PMD}; server_max_window_bits=10",)),
        )
        for header, offered in table:
            self.assertRaises(InvalidExtensionsError, answered, header, offered)

    def test_spelling_is_canonical(self) -> None:
        """Two answers that mean the same are spelled the same, and read back as what they were."""
        for header in (
            f"{FRESH}; server_max_window_bits=10; client_max_window_bits=11",
            f'{PMD};client_max_window_bits="11";server_max_window_bits=10;Client_No_Context_Takeover;server_no_context_takeover',
        ):
            agreed = Deflate.parse(header)
            self.assertEqual(agreed, Deflate(True, True, 10, 11))
            assert agreed is not None
            self.assertEqual(agreed.spelling, f"{FRESH}; server_max_window_bits=10; client_max_window_bits=11")
        self.assertEqual(Deflate(client_max_window_bits=15).spelling, PMD)


class AgreedTests(SynchronousTestCase):
    """What an agreement means for the relay and for a move."""

    def test_same_bytes(self) -> None:
        """Frames pass as they are when each receiver keeps what the sender may refer to."""
        table = (
            ("", "", True),
            ("", PMD, False),
            (PMD, "", False),
            (PMD, PMD, True),
            (FRESH, FRESH, True),
            (PMD, f"{PMD}; server_max_window_bits=12", True),
            (PMD, f"{PMD}; server_no_context_takeover", True),
            (f"{PMD}; client_no_context_takeover", PMD, True),
            (f"{PMD}; client_max_window_bits=10", PMD, True),
            (f"{PMD}; server_max_window_bits=15", PMD, True),
            (f"{PMD}; server_max_window_bits=12", PMD, False),
            (f"{PMD}; server_no_context_takeover", PMD, False),
            (PMD, f"{PMD}; client_no_context_takeover", False),
            (PMD, f"{PMD}; client_max_window_bits=10", False),
        )
        for client, service, expected in table:
            self.assertIs(same_bytes(client, service), expected, (client, service))

    def test_reserved_bits(self) -> None:
        """RSV1 marks compressed messages (RFC 7692 section 6); without the extension no bit is legal."""
        self.assertEqual((reserved_bits(""), reserved_bits(PMD)), (0, 0x40))

    def test_context_takeover(self) -> None:
        """Only if neither end keeps a context could another service go on."""
        for extensions, expected in (
            ("", False),
            (PMD, True),
            (f"{PMD}; server_no_context_takeover", True),
            (f"{PMD}; client_no_context_takeover", True),
            (FRESH, False),
        ):
            self.assertIs(context_takeover(extensions), expected, extensions)


class AnyHeaderTests(SynchronousTestCase):
    """Whatever a peer sends."""

    bits = st.one_of(st.none(), st.integers(8, 15))
    made = st.builds(Offer, st.booleans(), st.booleans(), bits, bits)
    pieces = (
        PMD,
        "client_max_window_bits",
        ";",
        ",",
        "=",
        '"',
        "10",
        " ",
        "\\",
        "server_no_context_takeover",
        "x",
        "\r\n",
    )

    @given(st.lists(st.sampled_from(pieces), max_size=12).map("".join))
    @settings(deadline=None, derandomize=True)
    def test_never_raises_anything_else(self, header: str) -> None:
        """A client's header gives offers or none, a service's an agreement or its own error."""
        self.assertIsInstance(offers(header), tuple)
        try:
            agreed = Deflate.parse(header)
        except InvalidExtensionsError:
            return
        self.assertEqual(agreed and Deflate.parse(agreed.spelling), agreed)

    @given(made, st.booleans())
    @settings(deadline=None, derandomize=True)
    def test_both_legs_can_agree(self, made: Offer, takeover: bool) -> None:
        """An offer reads back as it was; a service that says yes to what it is offered gets the client's own bytes."""
        self.assertEqual(offers(made.spelling), (made,))
        told = accept(made.spelling, takeover=takeover)
        if told is not None:
            agreed = answered(told.spelling, offer(told.spelling))
            self.assertEqual(agreed, told)
            self.assertTrue(same_bytes(told.spelling, told.spelling))
