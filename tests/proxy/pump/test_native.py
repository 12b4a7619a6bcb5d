"""What is the native relay's own: when sessions are lent, when they come back, and what they cost meanwhile."""

from __future__ import annotations

import os
import time
from typing import Any
from unittest import mock

from apiml_ws.core.frames import Opcode
from apiml_ws.core.interfaces import Limits, RelayMaker
from apiml_ws.proxy.pump import relay as native
from apiml_ws.proxy.pump.relay import NativeRelay, NativeRelays
from apiml_ws.proxy.pump.threads import PumpThreads
from apiml_ws.proxy.wire import TlsWire
from tests.proxy.pump.sockets_case import Native, Plain, Tls, ours
from tests.proxy.relay_case import BYE, CLIENT, SERVICE, answered, asked

BULK = asked(b"u" * 3_000_000)


class Watched:
    """The pump's ``lib``, what is given back told to ``spy``."""

    def __init__(self, lib: Any, spy: mock.Mock) -> None:
        self._lib = lib
        self.give_back = spy.give_back

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lib, name)


class Lending(Native, Plain):
    """Sessions that come and go."""

    def lent(self, count: int) -> None:
        """So many sessions are lent before long."""
        self.until(lambda: self.relays_lent == count)

    def block(self) -> None:
        """A service that takes nothing."""
        self.couple()
        self.service.reading = False
        self.client.send(BULK)
        self.go_on(0.1)
        self.assertFalse(self.client.idle)
        self.lent(1)

    def test_not_before_there_is_a_service(self) -> None:
        """The client alone is the portable relay's."""
        leg, self.client = self.make_leg()
        self.peers.append(self.client)
        self.relay = self.relays.open(leg, self.limits, self.witness)
        self.sessions.append(self.relay)
        self.go_on(0.25)
        self.assertEqual(0, self.relays_lent)
        self.client.send(asked())
        self.until(lambda: self.relay.waiting)
        self.attach()
        self.arrives(self.service, asked())
        self.lent(1)

    def test_not_at_once(self) -> None:
        """Where that is wanted: a session that is over within a moment is never lent, others are after it."""
        assert isinstance(self.relays, NativeRelays)
        self.relays.at_once = False
        with mock.patch.object(self.relays, "lend", wraps=self.relays.lend) as lend:
            relay = self.couple()
            self.client.send(asked())
            self.arrives(self.service, asked())
            relay.drop(CLIENT)
            relay.drop(SERVICE)
            self.go_on(0.25)
            lend.assert_not_called()
            self.couple()
            self.assertEqual(0, self.relays_lent)
            self.lent(1)

    def test_not_for_one_message(self) -> None:
        """The second message of either side has a session lent that was not at once."""
        assert isinstance(self.relays, NativeRelays)
        self.relays.at_once = False
        self.couple()
        self.client.send(asked())
        self.arrives(self.service, asked())
        self.assertEqual(0, self.relays_lent)
        self.client.send(asked())
        self.arrives(self.service, asked() * 2)
        self.assertEqual(1, self.relays_lent)

    def test_what_handshakes_left_is_given_back(self) -> None:
        """Once many sessions were opened and nobody came for a moment; not again before as many came."""
        assert isinstance(self.relays, NativeRelays)
        self.relays.at_once = False
        spy = mock.Mock()
        with (
            mock.patch.object(native, "_MANY", 2),
            mock.patch.object(self.relays.threads, "lib", Watched(self.relays.threads.lib, spy)),
        ):
            for count, times in ((1, 0), (2, 1), (3, 1), (4, 2)):
                self.couple()
                self.lent(count)
                self.go_on(0.25)
                self.assertEqual(times, spy.give_back.call_count)

    def test_not_where_frames_cannot_pass_as_they_are(self) -> None:
        """A bridge is the portable relay's, for good."""
        self.couple()
        self.attach("permessage-deflate")
        self.go_on(0.25)
        self.assertEqual(0, self.relays_lent)

    def test_a_command_takes_it_back(self) -> None:
        """A close for good, a ping for a while."""
        self.couple()
        self.lent(1)
        self.relay.control(SERVICE, Opcode.PING, b"")
        self.assertEqual(0, self.relays_lent)
        self.lent(1)
        self.relay.close(CLIENT, BYE)
        self.go_on(0.25)
        self.assertEqual(0, self.relays_lent)

    def test_a_question_takes_it_back_for_a_while(self) -> None:
        """Whether it may move is for the portable relay to say."""
        self.couple()
        self.assertTrue(self.relay.movable)
        self.assertEqual(0, self.relays_lent)
        self.lent(1)

    def test_what_was_under_way_goes_on_with_the_pump(self) -> None:
        """A message that was begun, a header that was cut."""
        self.couple()
        parts = (
            asked(b"a", first=0),
            asked(b"b" * 300, Opcode.CONTINUATION)[:3],
            asked(b"b" * 300, Opcode.CONTINUATION)[3:],
        )
        for part in parts:
            self.client.send(part)
            self.go_on(0.05)
            self.assertTrue(self.relay.movable)
            self.lent(1)
        self.arrives(self.service, b"".join(parts))
        self.service.vanish()
        self.until(lambda: self.witness.heard)

    def test_a_paused_leg_that_ends_comes_back(self) -> None:
        """FIN, though nobody reads it."""
        self.block()
        self.client.end()
        self.lent(0)

    def test_a_paused_leg_that_vanishes_comes_back(self) -> None:
        """Both ways closed."""
        self.block()
        self.client.vanish()
        self.lent(0)

    def test_a_blocked_session_costs_nothing(self) -> None:
        """It is waited for, not asked again and again."""
        self.block()
        self.peers.clear()
        began = time.process_time()
        time.sleep(0.5)
        self.assertLess(time.process_time() - began, 0.05)
        self.peers += [self.client, self.service]

    def test_more_sessions_than_come_back_in_one_turn(self) -> None:
        """All come back in the end."""
        clients = []
        for _ in range(100):
            self.couple()
            clients.append(self.client)
        self.lent(100)
        for client in clients:
            client.vanish()
        self.lent(0)
        self.until(lambda: len(self.witness.heard) == 100)

    def test_sessions_are_shared_by_the_threads(self) -> None:
        """Each goes to the one with the fewest."""
        for _ in range(4):
            self.couple()
        assert isinstance(self.relays, NativeRelays)
        self.assertEqual([2, 2], [worker.load for worker in self.relays.threads._workers])

    def test_a_stop_takes_all_back(self) -> None:
        """And they go on without the pump."""
        self.couple()
        self.lent(1)
        assert isinstance(self.relays, NativeRelays)
        self.relays.stop()
        self.client.send(asked())
        self.arrives(self.service, asked())
        self.assertEqual(0, self.relays_lent)

    def test_no_room_for_a_session(self) -> None:
        """Then the portable relay serves it."""
        assert isinstance(self.relays, NativeRelays)
        with mock.patch.object(self.relays.threads, "lend", return_value=None):
            self.couple()
            self.client.send(asked())
            self.arrives(self.service, asked())
        self.assertEqual(0, self.relays_lent)

    def test_a_fault_in_taking_back_costs_that_session_alone(self) -> None:
        """Both of its legs are ended, with an event in the log."""
        self.couple()
        other, other_service = self.client, self.service
        self.couple()
        self.lent(2)
        with mock.patch.object(NativeRelay, "_resume", side_effect=ValueError("a fault")):
            self.client.send(answered())
            self.until(lambda: self.client.ended or self.client.lost)
        self.assertEqual(1, len(self.flushLoggedErrors(ValueError)))
        self.assertEqual({("ended", CLIENT), ("ended", SERVICE)}, set(self.witness.taken()))
        other.send(asked())
        self.arrives(other_service, asked())


class LendingTls(Native, Tls):
    """What OpenSSL holds."""

    def test_what_openssl_read_already_comes_without_a_word_of_the_socket(self) -> None:
        """Records that came with the end of the handshake."""
        leg, self.client = self.make_leg()
        self.peers.append(self.client)
        self.relay = self.relays.open(leg, self.limits, self.witness)
        self.sessions.append(self.relay)
        leg, self.service = self.make_leg()
        self.peers.append(self.service)
        self.service.send(answered(b"held"))
        wire = leg.wire
        assert isinstance(wire, TlsWire)
        wire.connection.bio_write(os.read(wire.fileno(), 65536))
        self.relay.attach(leg)
        self.assertEqual(1, self.relays_lent)
        self.arrives(self.client, answered(b"held"))


class Threads(Native, Plain):
    """The threads themselves."""

    def make_relays(self) -> RelayMaker:
        """One that is never asked for a session."""
        return NativeRelays(PumpThreads(self.loop, 0), self.poller, self.loop, ours)

    def test_nothing_runs_before_the_first_session(self) -> None:
        """Since twistd forks; and there is one for each core."""
        assert isinstance(self.relays, NativeRelays)
        threads = self.relays.threads
        self.assertEqual((-1, "pump"), (threads.fileno(), threads.logPrefix()))
        self.assertGreater(threads.count, 0)
        self.couple(Limits(async_write_timeout=0))
        self.assertGreater(threads.fileno(), 0)


class NoRoom(Native, Plain):
    """Out of descriptors or memory."""

    def test_no_thread_can_be_made(self) -> None:
        """The portable relay serves."""
        assert isinstance(self.relays, NativeRelays)
        threads = self.relays.threads
        for name in ("pump_new", "thread_new"):
            lib = mock.Mock(wraps=threads.lib)
            getattr(lib, name).side_effect = lambda *_: threads.ffi.NULL
            with mock.patch.object(threads, "lib", lib):
                self.couple()
                self.client.send(asked())
                self.arrives(self.service, asked())
                self.assertEqual((0, -1), (self.relays_lent, threads.fileno()))
