"""Sessions that outlive their instances: real processes, really killed, and every message counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from websockets.sync.client import ClientConnection
from websockets.typing import Subprotocol

from tests.e2e import raw
from tests.e2e.ha_case import PATH, ROOT, HighAvailabilityCase, RegistryCase, show
from tests.e2e.harness import Gateway
from tests.e2e.instances import Instance
from tests.e2e.numbered import percentiles, tally
from tests.e2e.processes import eventually
from tests.e2e.services import TIMEOUT, close_of

NOT_MOVED = (1012, "Session could not be moved")


class Figures(HighAvailabilityCase):
    """What it costs the clients, in time and in messages."""

    def test_one_of_two_is_killed(self) -> None:
        """500 sessions over two instances, one killed: all go on at the other, soon."""
        gateway = self.through(self.one, self.two, secure=True)

        async def scenario() -> None:
            talkers = await self.open(gateway, 500)
            victims = [each for each in talkers if each.answers[0].instance == "one"]
            self.assertEqual(len(victims), 250)
            begun = time.monotonic()
            self.one.kill()
            answers = await asyncio.gather(*(each.ask_until_answered(0.1) for each in victims))
            self.assertEqual({answer.instance for answer in answers}, {"two"})
            await asyncio.gather(*(each.ask() for each in talkers))
            found = tally(talkers, (self.one, self.two))
            median, worst = percentiles([answer.time - begun for answer in answers])
            show("one of two instances killed", found)
            show("from the kill to the survivor's first answer", f"p50 {median:.3f} s, p99 {worst:.3f} s")
            self.assert_only_in_flight(found)
            self.assertLess(worst, 10)
            await self.close(talkers)

        self.run_to_end(scenario())

    def test_instances_that_say_that_they_restart(self) -> None:
        """Both, one after the other, under 100 sessions that send all the time: nobody notices anything."""
        self.roll(Instance.stop)

    def test_instances_that_crash(self) -> None:
        """The same, but for messages in flight."""
        self.roll(Instance.kill)

    def roll(self, end: Callable[[Instance], None]) -> None:
        """Restart both."""
        gateway = self.through(self.one, self.two)

        async def scenario() -> None:
            talkers = await self.open(gateway, 100)
            over = asyncio.Event()
            talking = [asyncio.create_task(each.keep_on(0.1, over)) for each in talkers]
            for instance in (self.one, self.two):
                await asyncio.sleep(1)
                await asyncio.to_thread(end, instance)
                await asyncio.sleep(0.5)
                await asyncio.to_thread(instance.start)
            await asyncio.sleep(1)
            over.set()
            await asyncio.gather(*talking)
            await asyncio.gather(*(each.settle(2) for each in talkers))
            found = tally(talkers, (self.one, self.two))
            show(f"rolling restart ({end.__name__})", found)
            self.assert_only_in_flight(found)
            self.assertLess(found.undelivered + found.unanswered, 0.2 * found.messages)
            await self.close(talkers)

        self.run_to_end(scenario())


class Losses(HighAvailabilityCase):
    """What becomes of one session."""

    def ask(self, session: ClientConnection) -> str:
        """Who answers."""
        session.send("c 1")
        return str(session.recv(timeout=TIMEOUT)).partition(" ")[0]

    def test_a_message_sent_in_part(self) -> None:
        """Arrives once, and whole, at the survivor."""
        gateway = self.through(self.one, self.two)
        client = raw.RawClient(gateway.port, PATH)
        self.addCleanup(client.close)
        client.send(raw.frame(raw.TEXT, b"r 1"))
        name = client.frame()[1].decode().split()[0]
        message = raw.frame(raw.TEXT, b"r 2 " + b"x" * 20000, mask=b"\x01\x02\x03\x04")
        client.send(message[:12000])
        time.sleep(0.5)
        self.named(name).kill()
        client.send(message[12000:])
        survivor = self.two if name == "one" else self.one
        self.assertEqual(client.frame()[1], f"{survivor.name} r 2 {'x' * 20000}".encode())
        received = self.one.received() + self.two.received()
        self.assertEqual(sorted(received.values()), [1, 1])

    def test_a_message_received_in_part(self) -> None:
        """Nobody can go on with it: 1012."""
        gateway = self.through(self.one)
        client = raw.RawClient(gateway.port, ROOT + "half")
        self.addCleanup(client.close)
        client.send(raw.frame(raw.TEXT, b"r 1"))
        self.assertEqual(client.frame(), (raw.TEXT, b"half"))
        self.one.kill()
        self.assertEqual(client.close_frame(), NOT_MOVED)

    def test_another_subprotocol(self) -> None:
        """An instance that does not agree to the same cannot go on."""
        other = self.instance("three", "v12.stomp")
        gateway = self.through(self.one, other, propagation="always")
        with gateway.session(PATH, subprotocols=[Subprotocol("v12.stomp")]) as session:
            (self.one if self.ask(session) == "one" else other).kill()
            self.assertEqual(close_of(session), NOT_MOVED)

    def test_all_are_gone(self) -> None:
        """When nobody came back in time it is 1012."""
        gateway = self.through(self.one, self.two, propagationTimeout=1500)
        with gateway.session(PATH) as session:
            self.ask(session)
            begun = time.monotonic()
            self.one.kill()
            self.two.kill()
            self.assertEqual(close_of(session), NOT_MOVED)
            self.assertGreater(time.monotonic() - begun, 1.3)

    def test_one_returns_in_time(self) -> None:
        """It rescues the session, and gets what was sent meanwhile."""
        gateway = self.through(self.one, self.two)
        with gateway.session(PATH) as session:
            self.ask(session)
            self.one.kill()
            self.two.kill()
            eventually(lambda: details(gateway)["movesInProgress"] == 1)
            session.send("c 2")
            self.assertEqual(details(gateway)["openSessions"], 1)
            self.two.start()
            self.assertEqual(session.recv(timeout=TIMEOUT), "two c 2")


class TakenOff(RegistryCase):
    """Instances that an operator takes off."""

    def test_move(self) -> None:
        """Sessions go on at the other instance; those that send all the time lose nothing at all on the way in."""
        gateway = self.registered({"apiml.ws.drain": "move"})

        async def scenario() -> None:
            talkers = await self.open(gateway, 40)
            moved = sum(each.answers[0].instance == "one" for each in talkers)
            over = asyncio.Event()
            talking = [asyncio.create_task(each.keep_on(0.05, over)) for each in talkers]
            await asyncio.sleep(0.5)
            await asyncio.to_thread(self.put_status, self.one, "OUT_OF_SERVICE")
            await asyncio.to_thread(eventually, lambda: details(gateway)["moves"] == moved)
            over.set()
            await asyncio.gather(*talking)
            for each in talkers:
                self.assertEqual((await each.ask()).instance, "two")
            found = tally(talkers, (self.one, self.two))
            show(f"{moved} of 40 sessions moved away", found)
            self.assert_only_in_flight(found)
            self.assertEqual(found.undelivered, 0)
            self.assertEqual(details(gateway)["openSessions"], 40)
            await self.close(talkers)

        self.run_to_end(scenario())

    def test_move_with_nowhere_to_go(self) -> None:
        """The session stays until there is somewhere."""
        gateway = self.registered({"apiml.ws.drain": "move"})
        self.put_status(self.two, "DOWN")
        with gateway.session(PATH) as session:
            session.send("c 1")
            self.assertEqual(session.recv(timeout=TIMEOUT), "one c 1")
            self.put_status(self.one, "OUT_OF_SERVICE")
            eventually(lambda: details(gateway)["movesFailed"] == 1)
            session.send("c 2")
            self.assertEqual(session.recv(timeout=TIMEOUT), "one c 2")
            self.put_status(self.two, "UP")
            eventually(lambda: details(gateway)["moves"] == 1)
            session.send("c 3")
            self.assertEqual(session.recv(timeout=TIMEOUT), "two c 3")

    def test_close(self) -> None:
        """Sessions of the instance are closed by 1012, those of the other go on."""
        gateway = self.registered({"apiml.ws.drain": "close"})

        async def scenario() -> None:
            talkers = await self.open(gateway, 10)
            await asyncio.to_thread(self.put_status, self.one, "OUT_OF_SERVICE")
            there = [each for each in talkers if each.answers[0].instance == "one"]
            await asyncio.gather(*(each.listening for each in there if each.listening))
            self.assertEqual({each.code for each in there}, {1012})
            rest = [each for each in talkers if each not in there]
            self.assertTrue(there and rest)
            for each in rest:
                self.assertEqual((await each.ask()).instance, "two")
            await self.close(rest)

        self.run_to_end(scenario())

    def test_keep(self) -> None:
        """Sessions stay, new ones go to the other."""
        gateway = self.registered({})

        async def scenario() -> None:
            talkers = await self.open(gateway, 10)
            await asyncio.to_thread(self.put_status, self.one, "OUT_OF_SERVICE")
            await asyncio.sleep(0.5)
            for each in talkers:
                self.assertEqual((await each.ask()).instance, each.answers[0].instance)
            later = await self.open(gateway, 6)
            self.assertEqual({each.answers[0].instance for each in later}, {"two"})
            await self.close([*talkers, *later])

        self.run_to_end(scenario())


def details(gateway: Gateway) -> dict[str, int]:
    """What health says of sessions."""
    found: dict[str, int] = gateway.request("/application/health").json["components"]["gateway"]["details"]
    return found
