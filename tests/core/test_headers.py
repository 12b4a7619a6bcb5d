"""Header fields between client and service."""

from __future__ import annotations

from ipaddress import ip_network

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.headers import Arrival, Fields, answer_headers, service_headers, values
from apiml_ws.core.interfaces import Headers

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
CLIENT = Arrival("192.0.2.7", 51234, "https", "gateway.test:10010", "/sample/ws/v1")
PROXY = Arrival("10.1.2.3", 40000, "https", "gateway.test:10010", "/sample/ws/v1")
OURS: Headers = (
    (b"X-Forwarded-For", b"192.0.2.7"),
    (b"X-Forwarded-Host", b"gateway.test:10010"),
    (b"X-Forwarded-Proto", b"https"),
    (b"X-Forwarded-Prefix", b"/sample/ws/v1"),
)


def _passed(headers: Headers, arrival: Arrival = CLIENT) -> Headers:
    """What passes, without the four fields that are ours if the client is not trusted."""
    passed = service_headers(headers, arrival, TRUSTED)
    return passed[: -len(OURS)]


class FieldsTests(SynchronousTestCase):
    """Fields that are found by their names."""

    HEADERS: Headers = ((b"A", b" 1\t"), (b"b", b"2"), (b"a", b"3"), (b"C", b""))

    def test_they_are_the_same(self) -> None:
        """As fields that are not, in every other respect."""
        self.assertEqual(Fields(self.HEADERS), self.HEADERS)
        self.assertEqual(
            service_headers(Fields(self.HEADERS), CLIENT, TRUSTED), service_headers(self.HEADERS, CLIENT, TRUSTED)
        )

    def test_values(self) -> None:
        """All of one name, whatever its case, in their order."""
        for name, found in ((b"a", [b"1", b"3"]), (b"b", [b"2"]), (b"c", [b""]), (b"d", [])):
            for headers in (self.HEADERS, Fields(self.HEADERS)):
                self.assertEqual(values(headers, name), found)


class ToTheServiceTests(SynchronousTestCase):
    """A client's handshake, on its way to the service."""

    def test_all_pass(self) -> None:
        """Fields pass as they are, in their order, values of one name apart."""
        headers = (
            (b"Authorization", b"Basic dXNlcjpwYXNz"),
            (b"Cookie", b"a=b; c=d"),
            (b"X-Test", b"one"),
            (b"cookie", b"e=f"),
            (b"x-test", b"two, three"),
            (b"Origin", b"https://page.test"),
            (b"User-Agent", b"caf\xe9"),
            (b"Cache-Control", b"no-cache"),
            (b"X-InstanceId", b""),
        )
        self.assertEqual(service_headers(headers, CLIENT, TRUSTED), (*headers, *OURS))

    def test_what_belongs_to_the_connection(self) -> None:
        """Hop-by-hop fields, Host and the WebSocket handshake's own do not pass, whatever their case."""
        for name in (
            b"Connection", b"Keep-Alive", b"Proxy-Connection", b"Proxy-Authenticate", b"Proxy-Authorization", b"TE", b"Trailer",
            b"Transfer-Encoding", b"Upgrade", b"HTTP2-Settings", b"Content-Length", b"Expect", b"Host", b"Sec-WebSocket-Key",
            b"Sec-WebSocket-Version", b"Sec-WebSocket-Protocol", b"Sec-WebSocket-Extensions", b"Sec-WebSocket-Anything",
        ):  # fmt: skip
            for spelled in (name, name.lower(), name.upper()):
                self.assertEqual(_passed(((spelled, b"x"), (b"A", b"b"))), ((b"A", b"b"),), spelled)

    def test_nominated_fields(self) -> None:
        """What Connection names does not pass, from any of its values."""
        headers = (
            (b"Connection", b"Upgrade, X-Internal-Auth ,,close"),
            (b"connection", b"x-other"),
            (b"X-Internal-Auth", b"me"),
            (b"X-OTHER", b"me"),
            (b"X-Kept", b"me"),
        )
        self.assertEqual(_passed(headers), ((b"X-Kept", b"me"),))

    def test_our_own_cannot_be_nominated(self) -> None:
        """Connection takes away neither what the gateway adds nor what a trusted proxy said."""
        nomination = (
            b"Connection",
            b"X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, X-Forwarded-Prefix, Forwarded",
        )
        self.assertEqual(service_headers((nomination,), CLIENT, TRUSTED), OURS)
        said = (nomination, (b"X-Forwarded-For", b"198.51.100.1"))
        self.assertEqual(values(service_headers(said, PROXY, TRUSTED), b"x-forwarded-for"), [b"198.51.100.1, 10.1.2.3"])

    def test_certificates(self) -> None:
        """Nobody but the gateway says which certificate a client has, a trusted proxy neither, nor by an underscore."""
        for name in (
            b"X-Certificate-Public", b"X-Certificate-DistinguishedName", b"x-certificate-commonname", b"X_Certificate_Public",
        ):  # fmt: skip
            for arrival in (CLIENT, PROXY):
                self.assertEqual(_passed(((name, b"x"),), arrival), (), name)

    def test_what_only_proxies_say(self) -> None:
        """Who the client is, is not believed of the client, in whatever words."""
        for name in (
            b"Forwarded", b"X-Forwarded-For", b"x-forwarded-host", b"X-Forwarded-Proto", b"X-Forwarded-Prefix",
            b"X-Forwarded-Port", b"X-Forwarded-User", b"X-Real-IP", b"X-Client-IP", b"X-Cluster-Client-IP", b"True-Client-IP",
            b"X_Forwarded_For", b"X_REAL_IP",
        ):  # fmt: skip
            self.assertEqual(service_headers(((name, b"spoofed"),), CLIENT, TRUSTED), OURS, name)
            self.assertEqual(service_headers(((name, b"spoofed"),), CLIENT, ()), OURS, name)

    def test_trusted_proxy(self) -> None:
        """What a trusted proxy said stays, and this hop is appended to its lists."""
        said = (
            (b"X-Forwarded-For", b"198.51.100.1, 203.0.113.9"),
            (b"X-Forwarded-For", b"10.9.9.9"),
            (b"X-Forwarded-Host", b"public.test"),
            (b"X-Forwarded-Proto", b"http"),
            (b"X-Forwarded-Prefix", b"/base/"),
            (b"X-Forwarded-Prefix", b"/other"),
            (b"X-Forwarded-Port", b"80"),
            (b"X-Real-IP", b"198.51.100.1"),
            (b"Forwarded", b"for=198.51.100.1"),
        )
        self.assertEqual(
            service_headers(said, PROXY, TRUSTED),
            (
                (b"X-Forwarded-Host", b"public.test"),
                (b"X-Forwarded-Proto", b"http"),
                (b"X-Forwarded-Port", b"80"),
                (b"X-Real-IP", b"198.51.100.1"),
                (b"X-Forwarded-For", b"198.51.100.1, 203.0.113.9, 10.9.9.9, 10.1.2.3"),
                (b"X-Forwarded-Prefix", b"/base/sample/ws/v1"),
                (b"Forwarded", b"for=198.51.100.1, for=10.1.2.3"),
            ),
        )

    def test_silent_trusted_proxy(self) -> None:
        """What a trusted proxy did not say, the gateway says."""
        self.assertEqual(service_headers((), PROXY, TRUSTED), ((b"X-Forwarded-For", b"10.1.2.3"), *OURS[1:]))

    def test_peers(self) -> None:
        """Addresses are compared as what they are, and written without a scope."""
        table = (
            ("2001:db8::1", b"a, 2001:db8::1", b'f, for="[2001:db8::1]"'),
            ("::ffff:10.0.0.1", b"a, 10.0.0.1", b"f, for=10.0.0.1"),
            ("2001:db8::1%eth0", b"a, 2001:db8::1", b'f, for="[2001:db8::1]"'),
        )
        for peer, forwarded_for, forwarded in table:
            passed = service_headers(
                ((b"X-Forwarded-For", b"a"), (b"Forwarded", b"f")), Arrival(peer, 1, "http", ""), TRUSTED
            )
            self.assertEqual(
                (values(passed, b"x-forwarded-for"), values(passed, b"forwarded")), ([forwarded_for], [forwarded]), peer
            )

    def test_untrusted_peers(self) -> None:
        """An address outside of the networks, or none at all, is not trusted."""
        for peer in ("11.0.0.1", "::ffff:11.0.0.1", "2001:db9::1", "/run/gateway.sock", ""):
            self.assertFalse(Arrival(peer, 1, "http", "").within(TRUSTED), peer)

    def test_what_is_not_known(self) -> None:
        """A peer without an address is unknown; an empty or odd Host and no prefix say nothing."""
        for host in ("", "a b", "a\r\nX: y"):
            self.assertEqual(
                service_headers((), Arrival("socket", 0, "http", host), ()),
                ((b"X-Forwarded-For", b"unknown"), (b"X-Forwarded-Proto", b"http")),
            )

    def test_malformed_fields(self) -> None:
        """A field that would break the handshake with the service is left out."""
        for name, value in (
            (b"A", b"b\r\nC: d"),
            (b"A", b"\0"),
            (b"A\n", b"b"),
            (b"", b"b"),
            (b"A B", b"c"),
            (b"A:", b"c"),
        ):
            self.assertEqual(_passed(((name, value),)), ())


class ToTheClientTests(SynchronousTestCase):
    """A service's answer, on its way to the client."""

    def test_answer(self) -> None:
        """All pass but what belongs to the connection, what it names and the handshake's own."""
        kept = (
            (b"Set-Cookie", b"a=b"),
            (b"set-cookie", b"c=d"),
            (b"WWW-Authenticate", b"Basic"),
            (b"Server", b"x"),
            (b"Date", b"y"),
        )
        dropped = (
            (b"Connection", b"Upgrade, X-Hop"),
            (b"X-Hop", b"x"),
            (b"Upgrade", b"websocket"),
            (b"Transfer-Encoding", b"chunked"),
            (b"Content-Length", b"5"),
            (b"Sec-WebSocket-Accept", b"x"),
            (b"sec-websocket-protocol", b"x"),
            (b"Sec-WebSocket-Extensions", b"x"),
            (b"Bad", b"a\r\nSet-Cookie: evil"),
        )
        self.assertEqual(answer_headers((*dropped, *kept)), kept)

    def test_values(self) -> None:
        """Values are found whatever the case of the name, trimmed."""
        self.assertEqual(values(((b"A", b" b "), (b"c", b"d"), (b"a", b"\te")), b"a"), [b"b", b"e"])


class AnyHeadersTests(SynchronousTestCase):
    """Whatever a client sends."""

    names = st.one_of(
        st.sampled_from(
            [b"Connection", b"X-Forwarded-For", b"X-Forwarded-Host", b"X-Forwarded-Prefix", b"Forwarded", b"Host", b"A"]
        ),
        st.binary(max_size=5),
    )
    fields = st.lists(st.tuples(names, st.one_of(st.binary(max_size=8), st.just(b"A, Host\r\nB: c"))), max_size=8).map(
        tuple
    )

    @given(fields, st.sampled_from(["10.0.0.1", "192.0.2.1", "::1"]), st.text(max_size=6), st.text(max_size=6))
    @settings(deadline=None, derandomize=True, max_examples=60)
    def test_nothing_breaks_out(self, headers: Headers, peer: str, host: str, prefix: str) -> None:
        """No field that is passed on, or made, can end its line; exactly one field says who the client is."""
        passed = service_headers(headers, Arrival(peer, 1, "https", host, prefix), TRUSTED)
        for name, value in (*passed, *answer_headers(headers)):
            self.assertTrue(name and not set(name) & set(b"\r\n\0: "), name)
            self.assertFalse(set(value) & set(b"\r\n\0"), value)
        self.assertEqual(len(values(passed, b"x-forwarded-for")), 1)
        self.assertEqual(values(passed, b"host"), [])
