"""The kinds of values that keys of the configuration have."""

from __future__ import annotations

from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core import config_values as kinds
from apiml_ws.core.config import ClientAuth
from apiml_ws.core.config_values import Kind, Many, Said, UnfitError, interpret, members, milliseconds, seconds, whole

FIT: list[tuple[Kind, Said, object]] = [
    (kinds.PORT, "0", 0),
    (kinds.PORT, " 65535 ", 65535),
    (kinds.SIZE, "0", 0),
    (milliseconds(), "1", 0.001),
    (milliseconds(), "45000", 45.0),
    (milliseconds(minimum=0), "0", 0.0),
    (seconds(), "30", 30.0),
    (kinds.RATE, "0.5", 0.5),
    (kinds.RATE, "200", 200.0),
    (kinds.FLAG, "true", True),
    (kinds.FLAG, "No", False),
    (members(ClientAuth), "NEED", ClientAuth.NEED),
    (kinds.TEXT, "007", "007"),
    (kinds.TEXT, " with blanks ", " with blanks "),
    (kinds.TEXT, "", None),
    (kinds.TEXT, None, None),
    (kinds.OWN_HOST, "", None),
    (kinds.HOST, "::1", "::1"),
    (kinds.HOST, " gateway.example ", "gateway.example"),
    (kinds.SERVICE_ID, "gateway-2", "gateway-2"),
    (Many(kinds.TOKEN), "v12.stomp, v11.stomp,", ("v12.stomp", "v11.stomp")),
    (Many(kinds.TOKEN), ("*",), ("*",)),
    (Many(kinds.TOKEN), None, ()),
    (Many(kinds.TOKEN), (), ()),
    (Many(kinds.FOLDER, separator=";"), "a,b;c", ("a,b", "c")),
    (Many(kinds.NETWORK), "10.0.0.0/8,::1", (ip_network("10.0.0.0/8"), ip_network("::1/128"))),
    (Many(kinds.ORIGIN), "https://a.example:8443,*,null", ("https://a.example:8443", "*", "null")),
    (
        Many(kinds.DISCOVERY_URL),
        "https://u:p@a:10011/eureka/,http://[::1]/x/eureka/",
        ("https://u:p@a:10011/eureka/", "http://[::1]/x/eureka/"),
    ),
]

UNFIT: list[tuple[Kind, Said, str]] = [
    (kinds.PORT, "65536", "'65536'"),
    (kinds.PORT, "-1", "'-1'"),
    (kinds.PORT, "1_0", "'1_0'"),
    (kinds.PORT, "1.5", "'1.5'"),
    (kinds.PORT, "٣", "'٣'"),
    (kinds.PORT, "9" * 5000, f"'{'9' * 100}...'"),
    (kinds.PORT, None, "nothing"),
    (kinds.PORT, "", "nothing"),
    (kinds.PORT, ("1",), "a list"),
    (kinds.TEXT, ("1",), "a list"),
    (milliseconds(), "0", "'0'"),
    (milliseconds(), str(2**31), "'2147483648'"),
    (seconds(), "86401", "'86401'"),
    (kinds.RATE, "0", "'0'"),
    (kinds.RATE, "0.0", "'0.0'"),
    (kinds.RATE, "1e3", "'1e3'"),
    (kinds.RATE, "nan", "'nan'"),
    (kinds.FLAG, "maybe", "'maybe'"),
    (members(ClientAuth), "always", "'always'"),
    (kinds.HOST, "a b", "'a b'"),
    (kinds.HOST, "a\r\nb", "'a\\r\\nb'"),
    (kinds.SERVICE_ID, "a/b", "'a/b'"),
    (Many(kinds.TOKEN), "a b", "'a b'"),
    (Many(kinds.CIPHER, may_be_empty=False), "", "nothing"),
    (Many(kinds.CIPHER, may_be_empty=False), (), "nothing"),
    (Many(kinds.CIPHER), "A,!B,C", "'!B'"),
    (Many(kinds.NETWORK), "10.0.0.1/8", "'10.0.0.1/8'"),
    (Many(kinds.ORIGIN), "https://a/path", "'https://a/path'"),
    (Many(kinds.ORIGIN), "a.example", "'a.example'"),
]

BAD_URLS = [
    "https://host:10011/eureka",
    "https://host:10011/",
    "https:///eureka/",
    "ftp://host/eureka/",
    "host/eureka/",
    "https://host:0/eureka/",
    "https://host:99999/eureka/",
    "https://host/eureka/?a=b/eureka/",
    "https://host/#/eureka/",
    "https://host /eureka/",
    "https://[::1/eureka/",
]


class Values(SynchronousTestCase):
    """From what a source says to a value."""

    def test_fit(self) -> None:
        """What is allowed becomes a value, times in seconds."""
        for kind, said, value in FIT:
            self.assertEqual(interpret(kind, said), value, (kind.allowed, said))

    def test_times_are_floats_and_sizes_are_whole(self) -> None:
        """Sizes stay whole numbers, and flags are no numbers."""
        self.assertIs(type(interpret(kinds.SIZE, "1")), int)
        self.assertIs(type(interpret(seconds(), "1")), float)

    def test_unfit(self) -> None:
        """What is not allowed is refused with what was found and what is allowed."""
        for kind, said, found in UNFIT:
            error = self.assertRaises(UnfitError, interpret, kind, said)
            expected = kind.item.allowed if isinstance(kind, Many) and found != "nothing" else kind.allowed
            self.assertEqual((error.found, error.allowed), (found, expected), (kind.allowed, said))

    def test_allowed_says_the_bounds(self) -> None:
        """Whoever reads the message need not look them up."""
        self.assertEqual(whole(1, 5, " bytes").allowed, "a whole number from 1 to 5 bytes")
        self.assertEqual(members(ClientAuth).allowed, "none or want or need")
        self.assertEqual(Many(kinds.CIPHER).allowed, f"a list (, between the items) of {kinds.CIPHER.allowed}")

    def test_discovery_urls(self) -> None:
        """Only http and https with a host, a possible port and an end in /eureka/ will do."""
        for url in BAD_URLS:
            self.assertRaises(UnfitError, interpret, Many(kinds.DISCOVERY_URL), (url,))


class Masking(SynchronousTestCase):
    """Credentials in URLs are never printed."""

    def found(self, said: Said) -> str:
        """What a message prints of a bad list of URLs."""
        error: UnfitError = self.assertRaises(UnfitError, interpret, Many(kinds.DISCOVERY_URL), said)
        return error.found

    def test_credentials(self) -> None:
        """User and password make way for asterisks, host and path stay."""
        self.assertEqual(self.found("https://user:secret@host/eureka"), "'https://***@host/eureka'")

    def test_unescaped_slashes_and_at_signs(self) -> None:
        """A password that holds what it may not is masked up to the last @."""
        self.assertEqual(self.found("https://user:se/cr@et@host/eureka"), "'https://***@host/eureka'")

    def test_without_a_scheme(self) -> None:
        """Credentials are masked though the URL is none."""
        self.assertEqual(self.found("user:secret@host/eureka/"), "'***@host/eureka/'")

    def test_comma_in_a_password(self) -> None:
        """A password cut in two by its comma is not printed in part either."""
        self.assertEqual(self.found("https://user:sec,ret@host/eureka/"), "'***'")
        self.assertEqual(self.found(("https://user:secret@host/eureka",)), "'https://***@host/eureka'")
