"""Which Origin may open a session, and which the service gets."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config import Config, TlsConfig
from apiml_ws.core.headers import Arrival
from apiml_ws.core.interfaces import Headers
from apiml_ws.core.origin import Origin, Own, allowed, for_instance, own
from apiml_ws.core.registry import NO_METADATA
from tests.core.doubles_registry import an_instance

TRUSTED = (ip_network("10.0.0.0/8"),)
TLS = Config(trusted_proxies=TRUSTED)
PLAIN = Config(trusted_proxies=TRUSTED, tls=TlsConfig(enabled=False))
CORS = Config(cors_enabled=True, cors_allowed_origins=("https://page.test", " HTTP://Other.test:8080/ ", "null"))


def _arrival(host: str, peer: str = "192.0.2.1") -> Arrival:
    return Arrival(peer, 1, "https", host)


def _allowed(
    origin: str | None,
    host: str,
    config: Config,
    metadata: Mapping[str, str] = NO_METADATA,
    said: Headers = (),
    peer: str = "192.0.2.1",
) -> bool:
    headers = said if origin is None else (*said, (b"Origin", origin.encode()))
    return allowed(headers, own(headers, _arrival(host, peer), config), config, metadata)


class OwnOriginTests(SynchronousTestCase):
    """The gateway's own origin is always allowed, another one is not by default."""

    def test_with_tls(self) -> None:
        """Scheme, host and port must be those that the client used; ports that go without saying are understood."""
        table = (
            (None, "gw.test:10010", True),
            ("https://gw.test:10010", "gw.test:10010", True),
            ("HTTPS://GW.test:10010", "gw.TEST:10010", True),
            ("https://gw.test", "gw.test", True),
            ("https://gw.test:443", "gw.test", True),
            ("https://gw.test", "gw.test:443", True),
            ("https://[::1]:10010", "[::1]:10010", True),
            ("http://gw.test:10010", "gw.test:10010", False),
            ("https://gw.test:10011", "gw.test:10010", False),
            ("https://gw.test", "gw.test:10010", False),
            ("https://gw.test:10010", "gw.test", False),
            ("https://evil.test:10010", "gw.test:10010", False),
            ("https://gw.test.evil.test:10010", "gw.test:10010", False),
            ("https://gw.test:10010.evil.test", "gw.test:10010", False),
            ("https://gw.test:10010/", "gw.test:10010", False),
            ("https://user@gw.test:10010", "gw.test:10010", False),
            ("wss://gw.test:10010", "gw.test:10010", False),
            ("https://[::1]:10010", "[::2]:10010", False),
            ("null", "gw.test:10010", False),
            ("", "gw.test:10010", False),
            ("https://", "", False),
            ("https://gw.test", "", False),
            ("https://a,b", "a,b", False),
        )
        for origin, host, expected in table:
            self.assertIs(_allowed(origin, host, TLS), expected, (origin, host))

    def test_without_tls(self) -> None:
        """Behind something that ends TLS nobody knows the scheme, so host and port alone are compared."""
        table = (
            ("http://gw.test:10010", "gw.test:10010", True),
            ("https://gw.test:10010", "gw.test:10010", True),
            ("https://gw.test", "gw.test", True),
            ("http://gw.test", "gw.test", True),
            ("https://gw.test", "gw.test:443", True),
            ("http://gw.test", "gw.test:80", True),
            ("https://gw.test", "gw.test:80", False),
            ("http://gw.test:8080", "gw.test", False),
            ("ftp://gw.test", "gw.test", False),
            ("https://evil.test", "gw.test", False),
        )
        for origin, host, expected in table:
            self.assertIs(_allowed(origin, host, PLAIN), expected, (origin, host))

    def test_trusted_proxy(self) -> None:
        """What a trusted proxy says of scheme, host and port counts, the first of several; of anybody else it does not."""
        proto, https = b"X-Forwarded-Proto", (b"X-Forwarded-Proto", b"https")
        public = (b"X-Forwarded-Host", b"public.test, inner.test")
        table: tuple[tuple[Config, str, str, Headers, bool], ...] = (
            (PLAIN, "https://gw.test", "gw.test", (https,), True),
            (PLAIN, "http://gw.test", "gw.test", (https,), False),
            (PLAIN, "http://gw.test", "gw.test", ((proto, b"HTTP, https"),), True),
            (PLAIN, "https://gw.test", "gw.test", ((proto, b" HTTP , https"),), False),
            (PLAIN, "https://gw.test", "gw.test", ((proto, b"http"), (proto, b"https")), False),
            (PLAIN, "https://gw.test", "gw.test", ((proto, b"wss"),), True),
            (PLAIN, "http://gw.test", "gw.test", ((proto, b"nonsense"),), True),
            (TLS, "http://gw.test", "gw.test", ((proto, b"http"),), True),
            (TLS, "https://public.test", "gw.test:10010", (public,), True),
            (TLS, "https://gw.test:10010", "gw.test:10010", (public,), False),
            (TLS, "https://inner.test", "gw.test:10010", (public,), False),
            (TLS, "https://public.test:8443", "gw", (public, (b"X-Forwarded-Port", b"8443")), True),
            (TLS, "https://public.test", "gw", (public, (b"X-Forwarded-Port", b"nonsense")), True),
            (TLS, "https://a:1", "gw", ((b"X-Forwarded-Host", b"a:1"), (b"X-Forwarded-Port", b"8443")), True),
        )
        for config, origin, host, said, expected in table:
            self.assertIs(_allowed(origin, host, config, said=said, peer="10.1.1.1"), expected, (origin, said))
        self.assertFalse(_allowed("https://public.test", "gw.test:10010", TLS, said=(public,)))

    def test_two_origins(self) -> None:
        """A handshake with two Origin fields is no browser's, and refused whatever they say."""
        headers = ((b"Origin", b"https://gw.test"), (b"origin", b"https://gw.test"))
        self.assertFalse(allowed(headers, own(headers, _arrival("gw.test"), TLS), CORS, NO_METADATA))


class CorsTests(SynchronousTestCase):
    """Origins of others."""

    def test_operators_list(self) -> None:
        """An origin of the list is allowed however it is spelled."""
        table = (
            ("https://page.test", True),
            ("https://PAGE.test:443", True),
            ("http://other.test:8080", True),
            ("null", True),
            ("https://gw.test", True),
            ("http://page.test", False),
            ("https://page.test:8443", False),
            ("https://sub.page.test", False),
            ("file://", False),
        )
        for origin, expected in table:
            self.assertIs(_allowed(origin, "gw.test", CORS), expected, origin)

    def test_off(self) -> None:
        """While CORS is off no list counts, neither the operator's nor the service's."""
        config = Config(cors_allowed_origins=("*",))
        metadata = {"apiml.corsEnabled": "true", "apiml.corsAllowedOrigins": "*"}
        self.assertFalse(_allowed("https://page.test", "gw.test", config, metadata))

    def test_services_list(self) -> None:
        """A service adds origins to the operator's, unless it says that it has CORS disabled."""
        listed = {"apiml.corsAllowedOrigins": "http://localhost:3000, https://a.test"}
        table: tuple[tuple[Mapping[str, str], bool], ...] = (
            ({**listed, "apiml.corsEnabled": "true"}, True),
            ({**listed, "apiml.corsEnabled": " True "}, True),
            (listed, True),
            ({**listed, "apiml.corsEnabled": "false"}, False),
            ({"apiml.corsEnabled": "true", "apiml.corsAllowedOrigins": ""}, False),
            ({"apiml.corsEnabled": "true", "apiml.corsAllowedOrigins": " , "}, False),
            ({"apiml.corsAllowedOrigins": " http://localhost:3000/ ,HTTPS://A.test"}, True),
            ({"apiml.corsEnabled": "true"}, False),
            ({"apiml.corsAllowedOrigins": " * "}, True),
        )
        for metadata, expected in table:
            for origin in ("http://localhost:3000", "https://a.test"):
                self.assertIs(_allowed(origin, "gw.test", CORS, metadata), expected, metadata)
            self.assertTrue(_allowed("https://page.test", "gw.test", CORS, metadata))
        self.assertFalse(_allowed("", "gw.test", CORS, {"apiml.corsAllowedOrigins": " , "}))

    def test_any(self) -> None:
        """``*`` allows whatever a browser may say."""
        config = Config(cors_enabled=True, cors_allowed_origins=("*",))
        for origin in ("https://page.test", "null", "chrome-extension://abc", "file://"):
            self.assertTrue(_allowed(origin, "gw.test", config))

    def test_origins_without_a_port(self) -> None:
        """An origin of a scheme that nobody knows the port of is compared as it is written."""
        config = Config(cors_enabled=True, cors_allowed_origins=("Chrome-Extension://abc?",))
        self.assertTrue(_allowed("chrome-extension://ABC?", "gw.test", config))
        self.assertFalse(_allowed("chrome-extension://abd?", "gw.test", config))


class ForTheServiceTests(SynchronousTestCase):
    """The Origin that an instance gets."""

    gateway = Own("https", "gw.test", 10010)
    own_origin = (b"Origin", b"https://gw.test:10010")
    other = (b"origin", b"https://page.test")
    null = (b"Origin", b"null")
    rest = (b"X-Test", b"https://gw.test:10010")

    def _origin(self, field: tuple[bytes, bytes], rule: str | None, **address: object) -> list[bytes]:
        metadata = NO_METADATA if rule is None else {"apiml.ws.origin": rule}
        instance = an_instance(
            host=str(address.get("host", "h.test")),
            port=int(str(address.get("port", 10012))),
            secure=bool(address.get("secure", True)),
        )
        passed = for_instance((self.rest, field), self.gateway, metadata, instance)
        self.assertEqual(passed[0], self.rest)
        return [value for _, value in passed[1:]]

    def test_rules(self) -> None:
        """Each word of the metadata, for the gateway's own origin, another one and ``null``."""
        service = b"https://h.test:10012"
        for rule, expected in (
            (None, [[service], [self.other[1]], [b"null"]]),
            ("nonsense", [[service], [self.other[1]], [b"null"]]),
            (" Pass ", [[self.own_origin[1]], [self.other[1]], [b"null"]]),
            ("service", [[service], [service], [service]]),
            ("remove", [[], [], []]),
        ):
            self.assertEqual(
                [self._origin(field, rule) for field in (self.own_origin, self.other, self.null)], expected, rule
            )

    def test_addresses(self) -> None:
        """An instance's origin is spelled as its own pages would have it."""
        for host, port, secure, expected in (
            ("h", 443, True, b"https://h"),
            ("h", 80, True, b"https://h:80"),
            ("h", 80, False, b"http://h"),
            ("h", 443, False, b"http://h:443"),
            ("::1", 10012, True, b"https://[::1]:10012"),
        ):
            self.assertEqual(self._origin(self.own_origin, None, host=host, port=port, secure=secure), [expected])

    def test_no_origin(self) -> None:
        """A client without Origin stays without."""
        for rule in ("service", "pass", "remove", ""):
            self.assertEqual(
                for_instance((self.rest,), self.gateway, {"apiml.ws.origin": rule}, an_instance()), (self.rest,)
            )

    def test_white_space(self) -> None:
        """White space around a field's value is not part of it."""
        self.assertEqual(self._origin((b"Origin", b" https://gw.test:10010\t"), None), [b"https://h.test:10012"])

    def test_scheme_unknown(self) -> None:
        """Behind a terminator of TLS the own origin is known by host and port."""
        passed = for_instance(((b"Origin", b"http://gw.test"),), Own(None, "gw.test", None), NO_METADATA, an_instance())
        self.assertEqual(passed, ((b"Origin", b"https://host.test:10012"),))


class AnyOriginTests(SynchronousTestCase):
    """Whatever a client sends."""

    @given(st.binary(max_size=12), st.text(max_size=8), st.binary(max_size=8))
    @settings(deadline=None, derandomize=True, max_examples=80)
    def test_never_raises(self, origin: bytes, host: str, said: bytes) -> None:
        """Every handshake is judged, those of trusted proxies too."""
        headers = tuple((name, said) for name in (b"X-Forwarded-Host", b"X-Forwarded-Proto", b"X-Forwarded-Port"))
        headers += ((b"Origin", origin), (b"Origin", b"https://" + origin))[:1]
        gateway = own(headers, _arrival(host, "10.0.0.1"), PLAIN)
        self.assertFalse(
            allowed(headers, gateway, PLAIN, NO_METADATA) and Origin.parse(origin.strip().decode("latin-1")) is None
        )
