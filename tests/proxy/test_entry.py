"""Tests of both orders of the handshake, from the request to the session."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.closing import Cause
from apiml_ws.core.config import Compression, Handshake
from apiml_ws.core.dialing import DialRefusal
from apiml_ws.core.interfaces import DialFailure, DialFault, Headers, HttpAnswer
from apiml_ws.core.registry import Snapshot, snapshot
from apiml_ws.core.routing import Refusal, Target
from apiml_ws.proxy.heads import Head, HeadReader
from apiml_ws.proxy.leg import Leg
from tests.core.doubles_registry import an_instance, routed
from tests.proxy.doubles_handshake import (
    ACCEPT,
    PLAIN,
    Client,
    Gateway,
    MemoryWire,
    handshake,
    value,
)

INSTANCE = an_instance(metadata=routed(("ws/v1", "/sample/ws")))
DEFLATE = (b"Sec-WebSocket-Extensions", b"permessage-deflate; client_max_window_bits")


def known(**metadata: str) -> Snapshot:
    """One service ``sample`` with ``metadata``, dots of the keys written as underscores."""
    more = {key.replace("_", "."): said for key, said in metadata.items()}
    return snapshot([replace(INSTANCE, metadata={**INSTANCE.metadata, **more})])


def head_of(wire: MemoryWire | None) -> Head:
    """The 101 on ``wire``, and nothing else."""
    assert wire is not None
    reader = HeadReader(len(wire.written))
    head = reader.feed(wire.written)
    assert head is not None, wire.written
    assert reader.rest == b"", wire.written
    return head


class ClientFirstTests(SynchronousTestCase):
    """The client is answered, then the session dials."""

    def _enter(self, gateway: Gateway, *more: tuple[bytes, bytes], path: bytes = b"/sample/ws/v1/a?b=%20") -> Head:
        gateway.ask(handshake(path, *more))
        return head_of(gateway.hand_over.complete())

    def test_answers_and_starts_a_session(self) -> None:
        """The 101 is on the client's wire before the session has it; nobody was dialled by the gateway."""
        gateway = Gateway(snapshot=known())
        head = self._enter(gateway)
        self.assertEqual((head.status, value(head.headers, b"sec-websocket-accept")), (101, ACCEPT))
        ((opening, leg, service),) = gateway.sessions.started
        self.assertEqual(leg, Leg(cast(Any, gateway.hand_over.wires[0])))
        self.assertIsNone(service)
        self.assertEqual(gateway.sessions.searches, [])
        self.assertIsInstance(opening.target, Target)

    def test_opening_says_who_and_where(self) -> None:
        """Id, address and URI are spelled as the session list shows them."""
        gateway = Gateway(snapshot=known())
        self._enter(gateway)
        opening = gateway.sessions.started[0][0]
        self.assertEqual(opening.session_id, "00010203-0405-4607-8809-0a0b0c0d0e0f")
        self.assertEqual(opening.client_address, "/127.0.0.1:51234")
        self.assertEqual(opening.gateway_uri, "ws://gateway:10010/sample/ws/v1/a?b=%20")

    def test_both_forms_reach_the_same(self) -> None:
        """Query and path as they came."""
        for path in (b"/sample/ws/v1/a%2Fb?c", b"/ws/v1/SAMPLE/a%2Fb?c"):
            gateway = Gateway(snapshot=known())
            self._enter(gateway, path=path)
            target = gateway.sessions.started[0][0].target
            assert isinstance(target, Target)
            self.assertEqual(target.resource, b"/sample/ws/a%2Fb?c")

    def test_refusals_are_the_sessions_business(self) -> None:
        """An unknown service is answered with 101 all the same."""
        gateway = Gateway(snapshot=known())
        self._enter(gateway, path=b"/ws/wrong")
        self.assertEqual(gateway.sessions.started[0][0].target, Refusal(Cause.INVALID_PATH))

    def test_headers_pass_unchanged(self) -> None:
        """Values of one name apart, bytes as they are, and what is ours and theirs kept back."""
        gateway = Gateway(snapshot=known())
        self._enter(gateway, (b"x-Test", b"1"), (b"X-Test", b"\xe9, 2"), (b"Cookie", b"a=b"), (b"TE", b"x"))
        passed = gateway.sessions.started[0][0].headers(INSTANCE)
        self.assertEqual(passed[:3], ((b"x-Test", b"1"), (b"X-Test", b"\xe9, 2"), (b"Cookie", b"a=b")))
        self.assertEqual(
            dict(passed[3:]),
            {
                b"X-Forwarded-For": b"127.0.0.1",
                b"X-Forwarded-Host": b"gateway:10010",
                b"X-Forwarded-Proto": b"http",
                b"X-Forwarded-Prefix": b"/sample/ws/v1",
            },
        )

    def test_own_origin_becomes_that_of_the_instance(self) -> None:
        """Each instance gets its own."""
        gateway = Gateway(snapshot=known())
        self._enter(gateway, (b"Origin", b"http://gateway:10010"))
        headers = gateway.sessions.started[0][0].headers
        self.assertEqual(value(headers(INSTANCE), b"origin"), b"https://host.test:10012")
        self.assertEqual(value(headers(replace(INSTANCE, port=1)), b"origin"), b"https://host.test:1")

    def test_chooses_a_subprotocol(self) -> None:
        """The first of the client's that the operator supports, whatever its case; the service is offered it alone."""
        for supported, offered, chosen in (
            (("v12.stomp", "v11.stomp"), b"x, v11.stomp, v12.stomp", b"v11.stomp"),
            (("v12.stomp",), b"V12.STOMP", b"V12.STOMP"),
            (("v12.stomp",), b"x", None),
            (("*",), b"y, x", b"y"),
            (("*",), b"", None),
        ):
            config = replace(PLAIN, web_socket=replace(PLAIN.web_socket, supported_protocols=supported))
            gateway = Gateway(config, known())
            head = self._enter(gateway, (b"Sec-WebSocket-Protocol", offered))
            self.assertEqual(value(head.headers, b"sec-websocket-protocol"), chosen)
            opening, leg, _ = gateway.sessions.started[0]
            self.assertEqual(opening.subprotocols, () if chosen is None else (chosen.decode(),))
            self.assertEqual(leg.subprotocol, None if chosen is None else chosen.decode())

    def test_agrees_to_compression_where_it_may(self) -> None:
        """As the service says, and the service is offered what the client was told."""
        for compression, metadata, agreed in (
            (Compression.SERVICE, {}, None),
            (Compression.SERVICE, {"apiml_ws_compression": "true"}, b"permessage-deflate"),
            (Compression.ALWAYS, {}, b"permessage-deflate"),
            (Compression.NEVER, {"apiml_ws_compression": "true"}, None),
        ):
            config = replace(PLAIN, web_socket=replace(PLAIN.web_socket, compression=compression))
            gateway = Gateway(config, known(**metadata))
            head = self._enter(gateway, DEFLATE)
            self.assertEqual(value(head.headers, b"sec-websocket-extensions"), agreed)
            opening, leg, _ = gateway.sessions.started[0]
            self.assertEqual(leg.extensions, "" if agreed is None else agreed.decode())
            self.assertEqual(len(opening.extensions), 0 if agreed is None else 1)

    def test_client_that_leaves_meanwhile(self) -> None:
        """Before the hand-over there is no session, and after a broken one neither."""
        gateway = Gateway(snapshot=known())
        gateway.ask(handshake(b"/sample/ws/v1/a")).leave()
        self.assertIsNone(gateway.hand_over.complete())
        gateway.hand_over.broken = True
        gateway.ask(handshake(b"/sample/ws/v1/a"))
        wire = gateway.hand_over.complete()
        self.assertTrue(wire is not None and wire.closed)
        self.assertEqual(gateway.sessions.started, [])
        self.assertEqual(gateway.clock.getDelayedCalls(), [])


class PlacesTests(SynchronousTestCase):
    """A gateway with room for two sessions."""

    def _gateway(self, handshake_: Handshake = Handshake.CLIENT_FIRST) -> Gateway:
        web_socket = replace(PLAIN.web_socket, handshake=handshake_)
        return Gateway(replace(PLAIN, web_socket=web_socket), known(), most=2)

    def _ask(self, gateway: Gateway) -> Client:
        return gateway.ask(handshake(b"/sample/ws/v1/a"))

    def _assert_room_for(self, gateway: Gateway, count: int) -> None:
        """So many more may come; they stay on their way in."""
        clients = [self._ask(gateway) for _ in range(count + 1)]
        self.assertEqual([b""] * count, [client.transport.value() for client in clients[:-1]])
        head, body = clients[-1].answer
        self.assertEqual((503, b"10"), (head.status, value(head.headers, b"retry-after")))
        self.assertEqual("ZWEAO503E", json.loads(body)["messages"][0]["messageNumber"])

    def test_refuses_whoever_comes_too_many(self) -> None:
        """In HTTP, before the 101; those on their way in count, and those that have a session do."""
        gateway = self._gateway()
        self._ask(gateway)
        self._assert_room_for(gateway, 1)
        gateway.hand_over.complete()
        gateway.hand_over.complete()
        self._assert_room_for(gateway, 0)
        gateway.sessions.started.pop()
        self._assert_room_for(gateway, 1)

    def test_place_of_a_client_that_leaves(self) -> None:
        """It is free again."""
        for order in Handshake:
            gateway = self._gateway(order)
            self._ask(gateway).leave()
            self._assert_room_for(gateway, 2)

    def test_place_of_a_client_that_is_lost_at_the_hand_over(self) -> None:
        """It is free again."""
        gateway = self._gateway()
        gateway.hand_over.broken = True
        self._ask(gateway)
        gateway.hand_over.complete()
        self._assert_room_for(gateway, 2)

    def test_place_of_a_client_whose_service_is_not_there(self) -> None:
        """It is free again as soon as the client was answered, though it is still connected."""
        gateway = self._gateway(Handshake.BACKEND_FIRST)
        self._ask(gateway)
        gateway.sessions.searches[0].outcome.refused(DialRefusal(Cause.NO_INSTANCE))
        self._assert_room_for(gateway, 2)

    def test_place_that_an_error_of_ours_cost(self) -> None:
        """It is free again, in either order; the client is answered, the service's leg let go."""
        for order in Handshake:
            gateway = self._gateway(order)
            gateway.hand_over.fails = True
            client = self._ask(gateway)
            wire = MemoryWire()
            for search in gateway.sessions.searches:
                search.outcome.opened(Leg(cast(Any, wire)), INSTANCE)
                self.assertTrue(wire.closed)
            self.assertEqual(500, client.status)
            self.assertEqual(1, len(self.flushLoggedErrors(RuntimeError)))
            gateway.hand_over.fails = False
            self._assert_room_for(gateway, 2)


class BackendFirstTests(SynchronousTestCase):
    """The service is dialled, then its answer is the client's."""

    def setUp(self) -> None:
        """A gateway that asks the service first."""
        web_socket = replace(PLAIN.web_socket, handshake=Handshake.BACKEND_FIRST)
        self.gateway = Gateway(replace(PLAIN, web_socket=web_socket), known())

    def _ask(self, *more: tuple[bytes, bytes], path: bytes = b"/sample/ws/v1/a?b") -> Client:
        return self.gateway.ask(handshake(path, *more))

    def _opened(self, headers: Headers = (), subprotocol: str | None = None, extensions: str = "") -> MemoryWire:
        wire = MemoryWire()
        leg = Leg(cast(Any, wire), b"", extensions, subprotocol, headers)
        self.gateway.sessions.searches[-1].outcome.opened(leg, INSTANCE)
        return wire

    def _refused(self, refusal: DialRefusal) -> tuple[Head, bytes]:
        client = self._ask()
        self.gateway.sessions.searches[-1].outcome.refused(refusal)
        self.assertTrue(client.transport.half_closed)
        return client.answer

    def test_dials_before_it_answers(self) -> None:
        """The service is offered what the client offers; until it answered nothing is said."""
        client = self._ask((b"Sec-WebSocket-Protocol", b"b, a"), DEFLATE)
        (search,) = self.gateway.sessions.searches
        self.assertEqual(search.opening.subprotocols, ("b", "a"))
        self.assertEqual(search.opening.extensions, ("permessage-deflate; client_max_window_bits",))
        self.assertEqual((client.transport.value(), self.gateway.hand_over.pending), (b"", 0))

    def test_passes_the_services_answer_on(self) -> None:
        """Its subprotocol, its extensions, its headers but those of the hop; then the session has both legs."""
        self._ask((b"Sec-WebSocket-Protocol", b"b, a"), DEFLATE)
        headers = (
            (b"Connection", b"Upgrade, X-Hop"),
            (b"X-Hop", b"1"),
            (b"Sec-WebSocket-Accept", b"theirs"),
            (b"Set-Cookie", b"a=\xe9"),
            (b"Set-Cookie", b"b"),
        )
        service = self._opened(headers, "a", "permessage-deflate")
        head = head_of(self.gateway.hand_over.complete())
        self.assertEqual(value(head.headers, b"sec-websocket-protocol"), b"a")
        self.assertEqual(value(head.headers, b"sec-websocket-extensions"), b"permessage-deflate")
        self.assertEqual(value(head.headers, b"sec-websocket-accept"), ACCEPT)
        self.assertEqual([each for each in head.headers if each[0] == b"Set-Cookie"], list(headers[3:]))
        self.assertIsNone(value(head.headers, b"x-hop"))
        ((_, client, both),) = self.gateway.sessions.started
        assert both is not None
        self.assertIs(cast(Leg, both[0]).wire, service)
        self.assertEqual((both[1], client.extensions, client.subprotocol), (INSTANCE, "permessage-deflate", "a"))

    def test_passes_the_services_http_answer_on(self) -> None:
        """Status, reason, headers and body are its own; only the framing is ours."""
        headers = ((b"WWW-Authenticate", b"Basic x"), (b"Content-Length", b"999"), (b"Transfer-Encoding", b"chunked"))
        answer = HttpAnswer(401, b"Not you", headers, b"who?")
        failure = DialFailure(DialFault.HTTP, final=True, answer=answer)
        head, body = self._refused(DialRefusal(Cause.BAD_CREDENTIALS, "u", "d", failure))
        self.assertEqual((head.status, head.reason, body), (401, b"Not you", b"who?"))
        self.assertEqual(value(head.headers, b"www-authenticate"), b"Basic x")
        self.assertEqual(value(head.headers, b"content-length"), b"4")
        self.assertIsNone(value(head.headers, b"transfer-encoding"))
        self.assertEqual(value(head.headers, b"connection"), b"close")

    def test_passes_an_answer_without_a_body_on(self) -> None:
        """204 has no length."""
        failure = DialFailure(DialFault.HTTP, final=True, answer=HttpAnswer(204, b"", (), b""))
        head, _ = self._refused(DialRefusal(Cause.SERVICE_REFUSED, failure=failure))
        self.assertEqual((head.status, value(head.headers, b"content-length")), (204, None))

    def test_has_a_status_for_every_refusal(self) -> None:
        """404, 503, 502 and 504 with a numbered body."""
        for cause, status, number in (
            (Cause.INVALID_PATH, 404, "ZWEAM104E"),
            (Cause.UNKNOWN_SERVICE, 404, "ZWEAM104E"),
            (Cause.UNKNOWN_ROUTE, 404, "ZWEAM104E"),
            (Cause.NO_INSTANCE, 503, "ZWEAG710E"),
            (Cause.SERVICE_UNREACHABLE, 502, "ZWEAM701E"),
            (Cause.SERVICE_TIMEOUT, 504, "ZWEAM700E"),
            (Cause.TAKEN_OFF, 503, "ZWEAO503E"),
        ):
            failure = DialFailure(DialFault.REFUSED)
            head, body = self._refused(DialRefusal(cause, "ws://x/y", "refused", failure))
            self.assertEqual(head.status, status, cause)
            self.assertEqual(json.loads(body)["messages"][0]["messageNumber"], number, cause)

    def test_client_that_leaves_cancels_the_dial(self) -> None:
        """Nobody is dialled for a client that is gone."""
        self._ask().leave()
        self.assertTrue(self.gateway.sessions.searches[0].cancelled)

    def test_client_that_speaks_too_early_cancels_the_dial(self) -> None:
        """Its bytes are a breach: 400, and the search is given up."""
        client = self._ask().send(b"\x81\x00")
        self.assertEqual(client.status, 400)
        self.assertTrue(self.gateway.sessions.searches[0].cancelled)

    def test_client_that_leaves_at_the_hand_over(self) -> None:
        """The service's leg is not left over, whether the loss is seen before or at the first write."""
        client = self._ask()
        service = self._opened()
        client.leave()
        self.assertTrue(service.closed)
        self.assertIsNone(self.gateway.hand_over.complete())
        self.gateway.hand_over.broken = True
        self._ask()
        service = self._opened()
        self.gateway.hand_over.complete()
        self.assertTrue(service.closed)
        self.assertEqual(self.gateway.sessions.started, [])

    def test_stop_meets_a_dial_under_way(self) -> None:
        """Whatever the service said, the client gets 503 with Retry-After."""
        client = self._ask()
        self.gateway.sessions.accepting = False
        service = self._opened()
        self.assertTrue(service.closed)
        self.assertEqual(client.status, 503)
        self.assertEqual(value(client.answer[0].headers, b"retry-after"), b"30")
        self.gateway.sessions.accepting = True
        other = self._ask()
        self.gateway.sessions.accepting = False
        self.gateway.sessions.searches[-1].outcome.refused(DialRefusal(Cause.STOPPING))
        self.assertEqual(other.status, 503)
