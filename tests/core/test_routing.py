"""Request targets to targets and refusals."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.closing import Cause
from apiml_ws.core.registry import EMPTY, Status, snapshot
from apiml_ws.core.routing import Refusal, Routes, Target, is_session_path, origin_form, route, unsafe
from tests.core.doubles_registry import an_instance, routed

KNOWN = snapshot(
    [
        an_instance("sample", metadata=routed(("ws/v1", "/sample/ws"), ("ws/v2beta", "/two/"), ("api/v1", "/api"))),
        an_instance("asleep", metadata=routed(("ws/v1", "/x")), status=Status.DOWN),
        an_instance("ünicode", metadata=routed(("ws/v1", "/ü"))),
        an_instance("v1", metadata=routed(("ws/ws", "/odd"))),
    ]
)
WITH_WS = snapshot(
    [an_instance("ws", metadata=routed(("ws/v1", "/named-ws"))), an_instance("v1", metadata=routed(("ws/ws", "/odd")))]
)


def _target(resource: bytes) -> Target:
    found = route(resource, KNOWN)
    assert isinstance(found, Target), found
    return found


class TargetTests(SynchronousTestCase):
    """Paths that lead somewhere."""

    def test_resources(self) -> None:
        """Both forms, whatever the case of the service; path and query go on as they came."""
        table = (
            (b"/ws/v1/sample/x", b"/sample/ws/x", "/ws/v1/sample"),
            (b"/sample/ws/v1/x", b"/sample/ws/x", "/sample/ws/v1"),
            (b"/SaMple/ws/v1/x", b"/sample/ws/x", "/SaMple/ws/v1"),
            (b"/ws/v1/SAMPLE/x", b"/sample/ws/x", "/ws/v1/SAMPLE"),
            (b"/sample/ws/v1/", b"/sample/ws/", "/sample/ws/v1"),
            (b"/sample/ws/v1//x", b"/sample/ws//x", "/sample/ws/v1"),
            (b"/sample/ws/v1/a/b/c/", b"/sample/ws/a/b/c/", "/sample/ws/v1"),
            (b"/sample/ws/v1/a%20b%2Fc;d=e", b"/sample/ws/a%20b%2Fc;d=e", "/sample/ws/v1"),
            (b"/sample/ws/v1/x?", b"/sample/ws/x?", "/sample/ws/v1"),
            (b"/sample/ws/v1/x?a=%20&b=/../?c", b"/sample/ws/x?a=%20&b=/../?c", "/sample/ws/v1"),
            (b"/sample/ws/v1/?q", b"/sample/ws/?q", "/sample/ws/v1"),
            (b"/sample/ws/v2beta/x", b"/two/x", "/sample/ws/v2beta"),
            (b"/ws/v2beta/sample/", b"/two/", "/ws/v2beta/sample"),
            (b"/s%61mple/w%73/v%31/x", b"/sample/ws/x", "/s%61mple/w%73/v%31"),
            ("/ünicode/ws/v1/ü".encode(), "/%C3%BC/ü".encode(), "/%C3%BCnicode/ws/v1"),
            (b"/%c3%9cnicode/ws/v1/x", b"/%C3%BC/x", "/%c3%9cnicode/ws/v1"),
            (b"/ws/ws/v1/x", b"/odd/x", "/ws/ws/v1"),
            (b"wss://gateway:10010/sample/ws/v1/x?y", b"/sample/ws/x?y", "/sample/ws/v1"),
            (b"HTTP://gateway/ws/v1/sample/", b"/sample/ws/", "/ws/v1/sample"),
        )
        for resource, expected, prefix in table:
            target = _target(resource)
            self.assertEqual((target.resource, target.prefix), (expected, prefix), resource)

    def test_service_named_ws(self) -> None:
        """Where both forms fit, a service ``ws`` that is known is meant."""
        for resource, expected in (
            (b"/ws/ws/v1/x", b"/named-ws/x"),
            (b"/ws/v1/ws/x", b"/named-ws/x"),
            (b"/v1/ws/ws/x", b"/odd/x"),
        ):
            found = route(resource, WITH_WS)
            assert isinstance(found, Target)
            self.assertEqual(found.resource, expected)

    def test_addresses(self) -> None:
        """The session list shows the query, messages do not."""
        instance = an_instance(host="::1", port=8443)
        target = _target("/sample/ws/v1/ü?token=secret".encode())
        self.assertEqual(target.uri(instance), "wss://[::1]:8443/sample/ws/%C3%BC?token=secret")
        self.assertEqual(target.url(instance), "wss://[::1]:8443/sample/ws/%C3%BC")

    def test_own_service_url_of_an_instance(self) -> None:
        """While a service is upgraded its instances may differ in serviceUrl: each is asked for its own."""
        target = _target(b"/sample/ws/v1/x?q")
        other = an_instance(metadata=routed(("ws/v1", "/renamed/")))
        self.assertEqual(target.resource_at(other), b"/renamed/x?q")
        self.assertEqual(target.resource_at(an_instance()), b"/sample/ws/x?q")
        self.assertEqual(target.uri(other), "wss://host.test:10012/renamed/x?q")

    def test_what_was_found(self) -> None:
        """A target names the service and the route."""
        target = _target(b"/ws/v1/sample/x")
        self.assertIs(target.service, KNOWN.services["sample"])
        self.assertEqual((target.route.gateway_url, target.rest), ("ws/v1", b"x"))


class RefusalTests(SynchronousTestCase):
    """Paths that lead nowhere."""

    def test_refusals(self) -> None:
        """Causes in the order of the close code table, with what the client wrote as the subject."""
        table = (
            (b"/ws/wrong", Cause.INVALID_PATH, ""),
            (b"/ws", Cause.INVALID_PATH, ""),
            (b"/sample/ws/v1", Cause.INVALID_PATH, ""),
            (b"/sample/ws/v1?a/b/c", Cause.INVALID_PATH, ""),
            (b"/ws/v1/sample", Cause.INVALID_PATH, ""),
            (b"/sample/api/v1/x", Cause.INVALID_PATH, ""),
            (b"/a/b/ws/v1/x", Cause.INVALID_PATH, ""),
            (b"sample/ws/v1/x/y", Cause.INVALID_PATH, ""),
            (b"", Cause.INVALID_PATH, ""),
            (b"*", Cause.INVALID_PATH, ""),
            (b"/ws/v1/wrong-service/uppercase", Cause.UNKNOWN_SERVICE, "wrong-service"),
            (b"/Wrong/ws/v9/uppercase", Cause.UNKNOWN_SERVICE, "Wrong"),
            (b"//ws/v1/x", Cause.UNKNOWN_SERVICE, ""),
            (b"/a%2Fb/ws/v1/x", Cause.UNKNOWN_SERVICE, "a%2Fb"),
            ("/wröng/ws/v1/x".encode(), Cause.UNKNOWN_SERVICE, "wr%C3%B6ng"),
            (b"/sam\xffple/ws/v1/x", Cause.UNKNOWN_SERVICE, "sam%FFple"),
            (b"/sample/ws/v3/x", Cause.UNKNOWN_ROUTE, "v3"),
            (b"/sample/ws/V1/x", Cause.UNKNOWN_ROUTE, "V1"),
            (b"/ws/v3/sample/x", Cause.UNKNOWN_ROUTE, "v3"),
            (b"/sample/ws//x", Cause.UNKNOWN_ROUTE, ""),
            (b"/asleep/ws/v2/x", Cause.UNKNOWN_ROUTE, "v2"),
            (b"/Asleep/ws/v1/x", Cause.NO_INSTANCE, "Asleep"),
        )
        for resource, cause, subject in table:
            self.assertEqual(route(resource, KNOWN), Refusal(cause, subject), resource)

    def test_only_instances_that_are_up(self) -> None:
        """Any other status is as good as no instance; one that is UP suffices."""
        for status in Status:
            an = an_instance("sample", metadata=routed(("ws/v1", "/x")), status=status)
            found = route(b"/sample/ws/v1/x", snapshot([an]))
            self.assertEqual(isinstance(found, Target), status is Status.UP, status)

    def test_service_that_left(self) -> None:
        """A service that is not in the snapshot any more is unknown again."""
        self.assertEqual(route(b"/sample/ws/v1/x", EMPTY), Refusal(Cause.UNKNOWN_SERVICE, "sample"))

    def test_ws_first_when_no_service_has_that_name(self) -> None:
        """``/ws/ws/v1/x`` asks for version ``ws`` of service ``v1`` if there is no service ``ws``."""
        self.assertEqual(route(b"/ws/ws/nobody/x", KNOWN), Refusal(Cause.UNKNOWN_SERVICE, "nobody"))


class RoutesTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.core.routing.Routes`."""

    def setUp(self) -> None:
        self.routes = Routes()

    def test_found_once(self) -> None:
        """Targets and refusals alike."""
        for resource in (b"/sample/ws/v1/x?y", b"/nobody/ws/v1/x", b"/ws"):
            found = self.routes.route(resource, KNOWN)
            self.assertEqual(found, route(resource, KNOWN))
            self.assertIs(self.routes.route(resource, KNOWN), found)

    def test_what_a_registry_says_anew(self) -> None:
        """Nothing of the former snapshot holds."""
        resource = b"/ws/v1/sample/x"
        self.assertIsInstance(self.routes.route(resource, KNOWN), Target)
        self.assertEqual(self.routes.route(resource, EMPTY), Refusal(Cause.UNKNOWN_SERVICE, "sample"))
        self.assertIsInstance(self.routes.route(resource, KNOWN), Target)

    def test_they_do_not_pile_up(self) -> None:
        """Neither many nor long ones are kept, and all are answered."""
        long = b"/sample/ws/v1/" + b"x" * 1000
        self.assertIsNot(self.routes.route(long, KNOWN), self.routes.route(long, KNOWN))
        for number in range(1000):
            self.routes.route(b"/sample/ws/v1/%d" % number, KNOWN)
        late = b"/sample/ws/v1/late"
        self.assertEqual(self.routes.route(late, KNOWN), route(late, KNOWN))
        self.assertIsNot(self.routes.route(late, KNOWN), self.routes.route(late, KNOWN))


class SessionPathTests(SynchronousTestCase):
    """Which paths are the WebSocket gateway's at all."""

    def test_session_paths(self) -> None:
        """``ws`` is the first or the second segment."""
        for resource in (
            b"/ws", b"/ws/", b"/ws?x", b"/ws/wrong", b"/ws/v1/a/b", b"/a/ws", b"/a/ws/v1", b"/a/ws/v1/b/c",
            b"/%77s/x", b"/a/w%73/", b"ws://h/ws/v1", b"https://h:1/a/ws/v1/",
        ):  # fmt: skip
            self.assertTrue(is_session_path(resource), resource)

    def test_other_paths(self) -> None:
        """Deeper, in another case, in the query or in the host it means nothing."""
        for resource in (
            b"/", b"", b"*", b"/a/b/ws", b"/application/health", b"/a/api/v1/ws", b"/WS/v1/a/b", b"/wss/v1",
            b"/a?/ws/v1",
            b"ws/v1/a/b", b"http://ws/a", b"ws://h", b"host:443", b"/a%2Fws/b", b"ftp://h/ws/v1/a",
        ):  # fmt: skip
            self.assertFalse(is_session_path(resource), resource)

    def test_origin_form(self) -> None:
        """Of a target in absolute form, path and query count."""
        for resource, expected in (
            (b"/a?b", b"/a?b"),
            (b"*", b"*"),
            (b"", b""),
            (b"http://h", b"/"),
            (b"http://h:1?q", b"/?q"),
            (b"WSS://u@[::1]:1/a/http://b", b"/a/http://b"),
            (b"/http://h/a", b"/http://h/a"),
        ):
            self.assertEqual(origin_form(resource), expected)


class UnsafeTests(SynchronousTestCase):
    """What is answered with 400."""

    def test_dot_segments(self) -> None:
        """Dot segments are found in every disguise."""
        for segment in (
            b".", b"..", b"%2e", b"%2E%2e", b".%2e", b"%2e.", b"..;x=y", b"%2e%2e;", b"..%3bx", b"a%2f..", b"..%2Fa",
            b"a%2f%2e%2e%2fb", b"..\\a", b"a\\..", b"%2e%2e%5ca", b"a%5C..", b"%252e%252e", b"%25252e%25252e",
            b"a%252f..", b"%c0%ae%c0%ae", b"..%c0%afa",
        ):  # fmt: skip
            for pattern in (
                b"/a/ws/v1/%s",
                b"/a/ws/v1/%s/b",
                b"/%s/ws/v1/x",
                b"/application/%s/x",
                b"wss://h/%s?q",
                b"/x/%s?q",
            ):
                resource = pattern.replace(b"%s", segment)
                self.assertEqual(unsafe(resource), "dot segment", resource)

    def test_encoded_more_often_than_anybody_decodes(self) -> None:
        """What is no dot segment after three decodings will not be one: the search ends there."""
        self.assertEqual(unsafe(b"/a/%2525252e%2525252e/b"), None)

    def test_control_characters(self) -> None:
        """Raw control characters are refused everywhere, encoded ones in the path."""
        for raw in (*range(0x20), 0x7F):
            byte = bytes([raw])
            for resource in (
                b"/a" + byte,
                b"/a?b" + byte,
                b"http://h" + byte + b"/x",
                b"/a/%%%02x" % raw,
                b"/%%%02Xa?q" % raw,
            ):
                self.assertEqual(unsafe(resource), "control character", resource)

    def test_fragment(self) -> None:
        """A fragment never belongs into a request (RFC 6455 section 3)."""
        for resource in (b"/a#b", b"/a?b#c"):
            self.assertEqual(unsafe(resource), "fragment")

    def test_harmless(self) -> None:
        """Encoded characters, dots in names and anything encoded in a query pass."""
        for resource in (
            b"/", b"*", b"/a/ws/v1/x.y", b"/a/.../b", b"/.hidden/..x/x..", b"/a%2Fb", b"/a%5Cb", b"/a%20b;c=d", b"/%C3%BC",
            b"/x?a=../..&b=%00%0d%0a%2e%2e", b"wss://h/a", b"http://..", b"/a//b", b"/%2500", b"/;..", b"/a%zz%2",
            "/ü".encode(), b"/a/%25252525252e",
        ):  # fmt: skip
            self.assertIsNone(unsafe(resource), resource)


class AnyTargetTests(SynchronousTestCase):
    """Whatever a client sends."""

    pieces = st.lists(
        st.one_of(
            st.sampled_from(b"/ ws v1 sample ? % %2f .. http:// #".split()),
            st.binary(max_size=4),
        ),
        max_size=14,
    ).map(b"".join)

    @given(pieces)
    @settings(deadline=None, derandomize=True)
    def test_never_raises(self, resource: bytes) -> None:
        """Every target gets an answer, and what fills a text or a header is visible ASCII."""
        found = route(resource, KNOWN)
        said = found.prefix if isinstance(found, Target) else found.subject
        self.assertTrue(said.isascii() and (said == "" or said.isprintable()) and " " not in said)
        self.assertIn(unsafe(resource), (None, "control character", "dot segment", "fragment"))
        if isinstance(found, Target):
            self.assertTrue(is_session_path(resource))

    @given(pieces)
    @settings(deadline=None, derandomize=True)
    def test_the_rest_goes_on_as_it_came(self, rest: bytes) -> None:
        """After the route nothing is changed, whatever it is."""
        self.assertEqual(_target(b"/sample/ws/v1/" + rest).resource, b"/sample/ws/" + rest)
