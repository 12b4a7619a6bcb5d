"""Who asks, as handshakes have it."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.callers import NOBODY, Caller, caller
from apiml_ws.core.interfaces import Headers
from tests.core.doubles_registry import an_instance

#: A payload whose base64 has both characters in which base64url differs.
ODD = "user\u00ff\u00bf\u00be???>>>"


def token(claims: object, *, head: bytes = b"e30", signature: bytes = b"c2ln", padded: bool = False) -> bytes:
    """A JWT that says ``claims``; a text stands as it is."""
    text = claims if isinstance(claims, str) else json.dumps(claims, ensure_ascii=False)
    payload = urlsafe_b64encode(text.encode())
    return b".".join((head, payload if padded else payload.rstrip(b"="), signature))


def basic(credentials: bytes) -> tuple[bytes, bytes]:
    """The header of RFC 7617."""
    return (b"Authorization", b"Basic " + b64encode(credentials))


def bearer(value: bytes) -> tuple[bytes, bytes]:
    """The header of RFC 6750."""
    return (b"Authorization", b"Bearer " + value)


def cookie(value: bytes) -> tuple[bytes, bytes]:
    """The header of RFC 6265."""
    return (b"Cookie", value)


class UserTests(SynchronousTestCase):
    """The user of a handshake."""

    def assert_user(self, expected: str, *headers: tuple[bytes, bytes]) -> None:
        self.assertEqual(caller(headers).user, expected, headers)

    def test_nobody(self) -> None:
        """A handshake without credentials names no user."""
        self.assertEqual(caller(()), NOBODY)
        self.assert_user("", (b"Host", b"gateway"), (b"Authorization", b""), cookie(b"a=b; c"))

    def test_basic(self) -> None:
        """The user of Basic stands before the first colon; schemes and users have no case."""
        self.assert_user("ibmuser", basic(b"IBMUSER:pass:word"))
        self.assert_user("ibmuser", (b"authorization", b"bAsIc   " + b64encode(b"ibmuser:")))
        self.assert_user("j\u00fcrgen", basic("J\u00fcrgen:x".encode()))
        self.assertNotEqual(caller((basic(b"\xfc:x"),)).user, caller((basic(b"\xe4:x"),)).user)

    def test_token(self) -> None:
        """The user of a JWT is its subject, in Authorization or in the cookie, quoted or not; no signature is looked at."""
        made = token({"sub": "IbmUser", "iat": 1})
        self.assert_user("ibmuser", bearer(made))
        self.assert_user("ibmuser", (b"Authorization", b"BEARER " + made))
        self.assert_user("ibmuser", bearer(token({"sub": "ibmuser"}, signature=b"")))
        self.assert_user("ibmuser", cookie(b"a=b;apimlAuthenticationToken=" + made))
        self.assert_user("ibmuser", cookie(b"x"), cookie(b'apimlAuthenticationToken="' + made + b'" ; y=z'))

    def test_base64url(self) -> None:
        """A payload is base64url, without the padding, or with it."""
        made = token({"sub": ODD})
        self.assertTrue(made.count(b"-") and made.count(b"_"), made)
        self.assert_user(ODD, bearer(made))
        self.assert_user("a", bearer(token({"sub": "a"})))
        self.assert_user("ab", bearer(token({"sub": "ab"}, padded=True)))

    def test_the_first_that_names_one(self) -> None:
        """Authorization comes before the cookie, the first before the second; what names nobody is passed over."""
        jar = cookie(b"apimlAuthenticationToken=" + token({"sub": "jar"}))
        two = cookie(b"apimlAuthenticationToken=junk; apimlAuthenticationToken=" + token({"sub": "second"}))
        self.assert_user("first", jar, basic(b"first:x"), basic(b"second:x"))
        self.assert_user("jar", basic(b":x"), bearer(b"opaque"), (b"Authorization", b"Digest first:x"), jar)
        self.assert_user("second", two)

    def test_garbage(self) -> None:
        """What is not what it should be names nobody and breaks nothing."""
        for value in (
            b"", b"..", b"a.b", b"a.b.c", b"a.b.c.d.e", b"a.!!!!.c", b"a.YQ.c", b"a.\xff\xff.c",
            token("[" * 9000), token("{" * 100), token("[]"), token('"sub"'), token("null"), token('{"sub": 1}'),
            token('{"sub": null}'), token('{"sub": ["a"]}'), token("{}"), token('{"Sub": "a"}'),
            token('{"sub": "a"'), token('{"sub": "a"}').replace(b".e", b".e!"), token('{"n": ' + "9" * 9000 + "}"),
        ):  # fmt: skip
            self.assert_user("", bearer(value), cookie(b"apimlAuthenticationToken=" + value))
        for credentials in (b"no colon", b":", b":password", b" :x"):
            self.assert_user("", basic(credentials))
        for coded in (b"a", b"?:?", b"YTpi=YTpi", b"\xff"):
            self.assert_user("", (b"Authorization", b"Basic " + coded))
        self.assert_user("", (b"Authorization", b"Basic"), (b"Authorization", b"Negotiate YTpi"))

    def test_other_cookies(self) -> None:
        """Names of cookies have a case and no rest."""
        made = token({"sub": "a"})
        for name in (b"apimlauthenticationtoken", b"apimlAuthenticationToken.1", b"xapimlAuthenticationToken"):
            self.assert_user("", cookie(name + b"=" + made))

    def test_sizes(self) -> None:
        """Names to 256 characters and credentials to 16 KiB are read, longer ones not."""
        self.assert_user("a" * 256, basic(b"a" * 256 + b":x"))
        self.assert_user("", basic(b"a" * 257 + b":x"))
        self.assert_user("", bearer(token({"sub": "a" * 257})))
        coded = b64encode(b"a:" + b"x" * (16384 // 4 * 3 - 2))
        self.assert_user("a", (b"Authorization", b"Basic " + coded))
        self.assert_user("", (b"Authorization", b"Basic " + coded + b"eHh4"))
        made = token({"sub": "a"}, signature=b"x" * 16384)[:16385]
        self.assert_user("a", bearer(made[:-1]))
        self.assert_user("", bearer(made))

    def test_secrecy(self) -> None:
        """The name does not show in what might get into a log."""
        self.assertNotIn("ibmuser", repr(caller((basic(b"ibmuser:secret"),))))


class InstanceTests(SynchronousTestCase):
    """The instance that a request names."""

    def wanted(self, *fields: bytes) -> Caller:
        headers: Headers = tuple((b"x-InstanceID", field) for field in fields)
        return caller(headers)

    def test_named(self) -> None:
        """The one whose id it is, whatever the case, and no other."""
        asking = self.wanted(b" LocalHost:sample:1 ", b"other")
        self.assertEqual(asking.instance_id, "localhost:sample:1")
        self.assertTrue(asking.accepts(an_instance(instance_id="localhost:Sample:1")))
        self.assertFalse(asking.accepts(an_instance(instance_id="localhost:sample:10")))
        self.assertTrue(self.wanted(b"\xfcber").accepts(an_instance(instance_id="\u00dcber")))

    def test_none_named(self) -> None:
        """Who names none, or an empty one, takes any."""
        for asking in (self.wanted(), self.wanted(b""), self.wanted(b"  ", b"x"), NOBODY):
            self.assertTrue(asking.accepts(an_instance(instance_id="any")))
