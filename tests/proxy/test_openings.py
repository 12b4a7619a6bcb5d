"""Tests of what a client's handshake means; the rest of it is in the tests of both orders."""

from __future__ import annotations

from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.callers import Caller
from apiml_ws.core.config import Compression, Config, Propagation, TlsConfig, WebSocketConfig
from apiml_ws.core.directory import Directory
from apiml_ws.core.headers import Arrival
from apiml_ws.core.interfaces import Headers
from apiml_ws.core.opening import Opening
from apiml_ws.proxy.openings import Asked, Openings, Told, client_address
from apiml_ws.proxy.upgrade import Fault, Upgrade
from tests.proxy.doubles_handshake import KEY

ARRIVAL = Arrival("10.0.0.7", 51234, "http", "gateway:10010")


def asked(resource: bytes = b"/a/ws/v1/b", fields: Headers = (), extensions: str = "") -> Asked:
    """A right handshake."""
    return Asked(resource, fields, ARRIVAL, Upgrade(KEY, (), extensions))


def openings(config: Config) -> Openings:
    """Of a gateway that knows no service."""
    return Openings(config, Directory([], lambda: 0.0), lambda count: b"\0" * count)


class OpeningsTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.proxy.openings.Openings`."""

    def _opening(self, config: Config, request: Asked) -> Opening:
        opening = openings(config).judged(request)
        assert isinstance(opening, Opening)
        return opening

    def test_uri_is_what_the_client_sees(self) -> None:
        """wss over TLS, and behind a trusted proxy that ends it; what is not visible is percent-encoded."""
        plain = Config(tls=TlsConfig(enabled=False))
        trusting = Config(tls=TlsConfig(enabled=False), trusted_proxies=(ip_network("10.0.0.0/8"),))
        forwarded: Headers = ((b"X-Forwarded-Proto", b"https"),)
        for config, fields, scheme in (
            (Config(), (), "wss"),
            (plain, (), "ws"),
            (plain, forwarded, "ws"),
            (trusting, forwarded, "wss"),
        ):
            uri = self._opening(config, asked(b"/a/ws/v1/b\xe9?c=%20&d=/?", fields)).gateway_uri
            self.assertEqual(uri, f"{scheme}://gateway:10010/a/ws/v1/b%E9?c=%20&d=/?")

    def test_origin_that_may_not(self) -> None:
        """Is 403, though the path leads nowhere."""
        found = openings(Config()).judged(asked(fields=((b"Origin", b"https://evil.test"),)))
        self.assertEqual(found, Fault(403))

    def test_sessions_that_must_move_ask_for_no_context(self) -> None:
        """Both ends forget after each message, in both orders."""
        offered = "permessage-deflate; client_max_window_bits"
        web_socket = WebSocketConfig(propagation=Propagation.ALWAYS, compression=Compression.ALWAYS)
        maker = openings(Config(web_socket=web_socket))
        opening = self._opening(Config(web_socket=web_socket), asked())
        (passed,) = maker.backend_first(asked(extensions=offered), opening).extensions
        self.assertIn("client_no_context_takeover", passed)
        both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        opening, told = maker.client_first(asked(extensions=offered), opening)
        self.assertEqual(told, Told(extensions=both))
        self.assertEqual(opening.extensions, (both,))

    def test_caller(self) -> None:
        """What the choice of an instance may depend on is read from the client's own fields."""
        fields: Headers = ((b"Authorization", b"Basic dXNlcjpzZWNyZXQ="), (b"X-InstanceId", b"host:a:1"))
        opening = self._opening(Config(), asked(fields=fields))
        self.assertEqual(opening.caller, Caller("user", "host:a:1"))
        self.assertNotIn("'user'", repr(opening.caller))

    def test_addresses(self) -> None:
        """As Java spells them; an IPv4 client on an IPv6 socket is an IPv4 client."""
        for host, spelled in (
            ("127.0.0.1", "/127.0.0.1:5"),
            ("::1", "/[::1]:5"),
            ("::ffff:10.0.0.1", "/10.0.0.1:5"),
            ("fe80::1%eth0", "/[fe80::1]:5"),
            ("unix", "/unix:5"),
        ):
            self.assertEqual(client_address(Arrival(host, 5, "http", "x")), spelled)
