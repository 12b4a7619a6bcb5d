"""Tests of what a client's handshake has to look like."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.interfaces import Headers
from apiml_ws.proxy.upgrade import Fault, Upgrade, examine, host, wants_websocket
from tests.proxy.doubles_handshake import KEY, fields


class ExamineTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.proxy.upgrade.examine`."""

    def _found(self, headers: Headers, method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> Upgrade | Fault:
        return examine(method, version, headers)

    def _status(self, headers: Headers, method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> int:
        found = self._found(headers, method, version)
        return found.status if isinstance(found, Fault) else 101

    def test_takes_a_right_handshake(self) -> None:
        """Key, subprotocols in the client's order and the extensions of all lines are given."""
        found = self._found(
            fields(
                (b"Sec-WebSocket-Protocol", b"b, a"),
                (b"sec-websocket-protocol", b",c,"),
                (b"Sec-WebSocket-Extensions", b"x; y=1"),
                (b"Sec-WebSocket-Extensions", b"z"),
            )
        )
        self.assertEqual(found, Upgrade(KEY, ("b", "a", "c"), "x; y=1, z"))

    def test_table(self) -> None:
        """Every deviation has its status."""
        rows: list[tuple[int, Headers, bytes, bytes]] = [
            (101, fields(), b"GET", b"HTTP/1.1"),
            (101, fields((b"UPGRADE", b"WebSocket"), without=b"Upgrade"), b"GET", b"HTTP/1.1"),
            (
                101,
                fields((b"Connection", b"x"), (b"connection", b"UPGRADE"), without=b"Connection"),
                b"GET",
                b"HTTP/1.1",
            ),
            (426, fields(without=b"Upgrade"), b"GET", b"HTTP/1.1"),
            (426, fields((b"Upgrade", b"h2c"), without=b"Upgrade"), b"GET", b"HTTP/1.1"),
            (426, fields((b"Upgrade", b"websockets"), without=b"Upgrade"), b"GET", b"HTTP/1.1"),
            (400, fields((b"Upgrade", b"h2c")), b"GET", b"HTTP/1.1"),
            (400, fields((b"Upgrade", b"websocket, h2c"), without=b"Upgrade"), b"GET", b"HTTP/1.1"),
            (400, fields((b"Upgrade", b"websocket")), b"GET", b"HTTP/1.1"),
            (405, fields(), b"POST", b"HTTP/1.1"),
            (405, fields(), b"get", b"HTTP/1.1"),
            (400, fields(), b"GET", b"HTTP/1.0"),
            (400, fields(without=b"Connection"), b"GET", b"HTTP/1.1"),
            (400, fields((b"Connection", b"keep-alive"), without=b"Connection"), b"GET", b"HTTP/1.1"),
            (426, fields(without=b"Sec-WebSocket-Version"), b"GET", b"HTTP/1.1"),
            (426, fields((b"Sec-WebSocket-Version", b"8"), without=b"Sec-WebSocket-Version"), b"GET", b"HTTP/1.1"),
            (426, fields((b"Sec-WebSocket-Version", b"13")), b"GET", b"HTTP/1.1"),
            (400, fields(without=b"Sec-WebSocket-Key"), b"GET", b"HTTP/1.1"),
            (400, fields((b"Sec-WebSocket-Key", KEY)), b"GET", b"HTTP/1.1"),
            (400, fields((b"Sec-WebSocket-Key", b"c2hvcnQ="), without=b"Sec-WebSocket-Key"), b"GET", b"HTTP/1.1"),
            (400, fields((b"Sec-WebSocket-Key", KEY[:-2]), without=b"Sec-WebSocket-Key"), b"GET", b"HTTP/1.1"),
            (400, fields((b"Sec-WebSocket-Key", b"*" + KEY[1:]), without=b"Sec-WebSocket-Key"), b"GET", b"HTTP/1.1"),
            (400, fields((b"Sec-WebSocket-Protocol", b"a, a")), b"GET", b"HTTP/1.1"),
            (400, fields((b"Sec-WebSocket-Protocol", b"a b")), b"GET", b"HTTP/1.1"),
            (400, fields((b"Sec-WebSocket-Protocol", b"\xe9")), b"GET", b"HTTP/1.1"),
        ]
        for status, headers, method, version in rows:
            self.assertEqual(self._status(headers, method, version), status, (method, version, headers))

    def test_says_what_is_spoken(self) -> None:
        """A 426 names the protocol, and the version if that was wrong; a 405 the method."""
        plain = self._found(fields(without=b"Upgrade"))
        version = self._found(fields(without=b"Sec-WebSocket-Version"))
        method = self._found(fields(), b"PUT")
        assert isinstance(plain, Fault)
        assert isinstance(version, Fault)
        assert isinstance(method, Fault)
        self.assertEqual(plain.headers, ((b"Upgrade", b"websocket"),))
        self.assertEqual(version.headers, ((b"Upgrade", b"websocket"), (b"Sec-WebSocket-Version", b"13")))
        self.assertEqual(method.headers, ((b"Allow", b"GET"),))

    def test_sees_who_wants_websocket(self) -> None:
        """Only a request that offers websocket does, among other protocols too."""
        self.assertTrue(wants_websocket(((b"Upgrade", b"h2c, WebSocket"),)))
        self.assertFalse(wants_websocket(((b"Upgrade", b"h2c"),)))
        self.assertFalse(wants_websocket(()))


class HostTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.proxy.upgrade.host`."""

    def test_takes_names_and_addresses(self) -> None:
        """With a port or without."""
        for value in (b"localhost", b"a-b.c_d:10010", b"127.0.0.1:1", b"[::1]", b"[::1]:10010", b"x:"):
            self.assertEqual(host(((b"host", value),), b"HTTP/1.1"), value)

    def test_refuses_what_is_none(self) -> None:
        """Missing, double, empty or malformed is 400."""
        for values in ((), (b"a", b"a"), (b"",), (b"a b",), (b"a/b",), (b"u@a",), (b"a:x",), (b"[::1",), (b"\xe9",)):
            found = host(tuple((b"Host", value) for value in values), b"HTTP/1.1")
            self.assertEqual(found.status if isinstance(found, Fault) else None, 400, values)

    def test_lets_http_1_0_go_without(self) -> None:
        """HTTP/1.0 knows no Host; if there is one it has to be right."""
        self.assertEqual(host((), b"HTTP/1.0"), b"")
        self.assertIsInstance(host(((b"Host", b"a b"),), b"HTTP/1.0"), Fault)
