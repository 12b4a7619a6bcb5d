"""What registries say, made into values."""

from __future__ import annotations

from types import MappingProxyType

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.registry import (
    EMPTY,
    NO_METADATA,
    InvalidInstanceError,
    Route,
    Snapshot,
    Status,
    instance,
    invalid_routes,
    routes,
    service,
    snapshot,
    union,
)
from tests.core.doubles_registry import an_instance, routed


class InstanceTests(SynchronousTestCase):
    """Registrations are checked before they can get into a request line."""

    def test_id_is_lower_case(self) -> None:
        """A service id is kept in lower case, as it is looked up."""
        made = instance("DiscoverableClient", "a", "h", 1, secure=False)
        self.assertEqual((made.service_id, made.status, made.metadata), ("discoverableclient", Status.UP, NO_METADATA))

    def test_plausible_hosts(self) -> None:
        """Names with digits, dashes, underscores and a final dot, and addresses of both kinds pass."""
        for host in ("a", "my_service", "a-1.Example.COM", "host.", "127.0.0.1", "x" * 63 + ".y"):
            self.assertEqual(instance("s", "a", host, 1, secure=True).host, host)

    def test_ipv6_hosts(self) -> None:
        """An IPv6 address is kept without brackets and put into them in URLs."""
        for host in ("::1", "[::1]", "0:0:0:0:0:0:0:1"):
            made = instance("s", "a", host, 8443, secure=True)
            self.assertEqual((made.host, made.address), ("::1", "wss://[::1]:8443"))

    def test_implausible_hosts(self) -> None:
        """What could break a request line or a URL is no host, and the error quotes it."""
        bad = (
            "",
            ".",
            "a b",
            "a\r\nX: y",
            "a\n",
            "a/b",
            "user@host",
            "h:80",
            "a..b",
            "-a",
            "a-",
            "h?x",
            "h#x",
            "ü",
            "[::1",
            "::1]",
            "a" * 64,
        )
        for host in (*bad, "a." * 127 + "b", "\x00", "h\tx", "[]", "fe80::1%eth0", "::1%\r\n", "::g"):
            error = self.assertRaises(InvalidInstanceError, instance, "s", "a", host, 1, secure=True)
            self.assertIn(repr(host), str(error))

    def test_ports(self) -> None:
        """Ports are 1 to 65535."""
        for port in (0, -1, 65536):
            self.assertRaises(InvalidInstanceError, instance, "s", "a", "h", port, secure=True)
        self.assertEqual([instance("s", "a", "h", port, secure=True).port for port in (1, 65535)], [1, 65535])

    def test_service_ids(self) -> None:
        """A service id that no path could name is refused."""
        for service_id in ("", "a b", "a/b", "a?b", "a#b", "a%b", "a\\b", "a\n", "a\x7f"):
            self.assertRaises(InvalidInstanceError, instance, service_id, "a", "h", 1, secure=True)

    def test_address(self) -> None:
        """The scheme says whether TLS is spoken."""
        self.assertEqual(an_instance(secure=False, host="h", port=80).address, "ws://h:80")


class RoutesTests(SynchronousTestCase):
    """Metadata to routes."""

    def test_normalised(self) -> None:
        """White space and slashes around a gatewayUrl go, a serviceUrl begins with one slash."""
        table = (
            ("ws/v1", "/a/ws", "ws/v1", "/a/ws"),
            (" /ws/v1/ ", " a/ws ", "ws/v1", "/a/ws"),
            ("//ws/v1//", "//a/ws/", "ws/v1", "/a/ws/"),
            ("ws/v1", "", "ws/v1", "/"),
            ("/", "/", "", "/"),
        )
        for gateway_url, service_url, key, value in table:
            self.assertEqual(routes(routed((gateway_url, service_url))), {key: Route(key, value)})

    def test_keys(self) -> None:
        """A route's key may be anything, dots included; the old spelling is understood."""
        for key in ("ws_v1", "ws-v1", "0", "ws.v1", "a.b.c.d", "line\nbreak"):
            for prefix, gateway, target in (
                ("apiml.routes", "gatewayUrl", "serviceUrl"),
                ("routed-services", "gateway-url", "service-url"),
            ):
                metadata = {f"{prefix}.{key}.{gateway}": "ws/v1", f"{prefix}.{key}.{target}": "/x"}
                self.assertEqual(routes(metadata), {"ws/v1": Route("ws/v1", "/x")})

    def test_new_spelling_wins(self) -> None:
        """When both spellings say something of one key, the new one holds."""
        metadata = {
            "apiml.routes.a.gatewayUrl": "ws/v1",
            "apiml.routes.a.serviceUrl": "/new",
            "routed-services.a.gateway-url": "ws/v1",
            "routed-services.a.service-url": "/old",
        }
        self.assertEqual(routes(metadata)["ws/v1"].service_url, "/new")

    def test_half_routes_are_dropped(self) -> None:
        """A route needs both members, of the same key; other metadata is none."""
        for metadata in (
            {"apiml.routes.a.gatewayUrl": "ws/v1"},
            {"apiml.routes.a.serviceUrl": "/x"},
            {"apiml.routes.a.gatewayUrl": "ws/v1", "apiml.routes.b.serviceUrl": "/x"},
            {"apiml.routes.gatewayUrl": "ws/v1", "apiml.routes.serviceUrl": "/x"},
            {"x.apiml.routes.a.gatewayUrl": "ws/v1", "x.apiml.routes.a.serviceUrl": "/x"},
            {"apiml.apiInfo.0.gatewayUrl": "api/v1", "management.port": "1"},
        ):
            self.assertEqual((routes(metadata), invalid_routes(metadata)), ({}, ()))

    def test_dangerous_service_urls(self) -> None:
        """A serviceUrl that cannot stand in a request line takes only its own route out, and is named."""
        for url in ("/a b", "/a\r\nX: y", "/a?b", "/a#b", "/a\tb", "/\x00", "/\x7f", "/a\u2028b"):
            metadata = routed(("ws/v1", url), ("ws/v2", "/fine"))
            self.assertEqual(routes(metadata), {"ws/v2": Route("ws/v2", "/fine")})
            self.assertEqual(invalid_routes(metadata), (f"route 'r0': serviceUrl {url!r}",))

    def test_same_gateway_url_twice(self) -> None:
        """The key that sorts first wins, whatever the order of the metadata."""
        metadata = routed(("ws/v1", "/first"), ("/ws/v1/", "/second"))
        for ordered in (metadata, dict(reversed(metadata.items()))):
            self.assertEqual(routes(ordered), {"ws/v1": Route("ws/v1", "/first")})


class ServiceTests(SynchronousTestCase):
    """Instances together make a service."""

    def test_conflicts(self) -> None:
        """An instance that is UP has more weight than one that is not, then the one that comes first."""
        down = an_instance(
            "s", "1", {**routed(("ws/v1", "/down"), ("ws/v9", "/nine")), "k": "down"}, status=Status.DOWN
        )
        first = an_instance("s", "2", {**routed(("ws/v1", "/first")), "k": "first"})
        last = an_instance("s", "3", {**routed(("ws/v1", "/last"), ("ws/v2", "/two")), "k": "last", "l": "last"})
        made = service("S", [down, first, last])
        self.assertEqual(made.service_id, "s")
        self.assertEqual(made.instances, (down, first, last))
        urls = {key: route.service_url for key, route in made.routes.items()}
        self.assertEqual(urls, {"ws/v1": "/first", "ws/v2": "/two", "ws/v9": "/nine"})
        self.assertEqual((made.metadata["k"], made.metadata["l"]), ("first", "last"))
        self.assertEqual(made.up, (first, last))

    def test_instance_twice(self) -> None:
        """An instance id that is there twice counts once, as it came first."""
        first, second = an_instance(host="first"), an_instance(host="second")
        self.assertEqual(service("sample", iter([first, second])).instances, (first,))

    def test_snapshot(self) -> None:
        """Instances are grouped by their service, whatever its case."""
        a1, b1, a2 = an_instance("a", "1"), an_instance("b", "1"), an_instance("A", "2")
        made = snapshot([a1, b1, a2])
        self.assertEqual(list(made.services), ["a", "b"])
        self.assertEqual(made.services["a"].instances, (a1, a2))
        self.assertEqual(snapshot([]), EMPTY)

    def test_values_cannot_change(self) -> None:
        """A snapshot is shared by everybody, so its mappings refuse to be written."""
        made = snapshot([an_instance("a", metadata=routed(("ws/v1", "/x")))])
        for mapping in (made.services, made.services["a"].routes, made.services["a"].metadata):
            self.assertIsInstance(mapping, MappingProxyType)

    def test_equal_by_value(self) -> None:
        """Two polls that said the same are equal, so that nobody has to react."""
        first, second = (snapshot([an_instance("a", metadata=routed(("ws/v1", "/x")))]) for _ in range(2))
        self.assertEqual(first, second)


class UnionTests(SynchronousTestCase):
    """Several sources, one snapshot."""

    def test_union(self) -> None:
        """A service in several sources has the instances of all; the first source wins a conflict."""
        one = snapshot([an_instance("a", "1", {**routed(("ws/v1", "/one")), "k": "one"})])
        two = snapshot(
            [
                an_instance("a", "1", host="other"),
                an_instance("a", "2", {**routed(("ws/v1", "/two"), ("ws/v2", "/2")), "k": "two"}),
                an_instance("b", "1"),
            ]
        )
        made = union([one, two])
        joined = made.services["a"]
        self.assertEqual(
            [(known.instance_id, known.host) for known in joined.instances], [("1", "host.test"), ("2", "host.test")]
        )
        self.assertEqual([route.service_url for _, route in sorted(joined.routes.items())], ["/one", "/2"])
        self.assertEqual(joined.metadata["k"], "one")
        self.assertEqual(made.services["b"], two.services["b"])

    def test_nothing(self) -> None:
        """No source, no service."""
        self.assertEqual(union([]), Snapshot())
