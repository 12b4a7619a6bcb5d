"""Two gateways behind the HAProxy configuration of ``etc/``."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from itertools import count
from typing import Any
from unittest import SkipTest

from websockets.exceptions import WebSocketException

from tests.e2e.ha_case import PATH, show
from tests.e2e.harness import EndToEnd, Gateway, merged
from tests.e2e.instances import Instance, free_port, here
from tests.e2e.numbered import Client, clients, tally
from tests.e2e.processes import ROOT, Process, eventually

CONFIGURATION = ROOT / "etc" / "haproxy.cfg"


class Balanced(EndToEnd):
    """Two gateways to one service, each the other's stand-in."""

    def setUp(self) -> None:
        """All of it runs.

        :raises SkipTest: HAProxy is not there, and this is no CI.
        """
        if not shutil.which("haproxy"):
            complaint = "haproxy is not there (apt-get install haproxy)"
            raise AssertionError(complaint) if os.environ.get("CI") == "true" else SkipTest(complaint)
        super().setUp()
        self._keys = (f"c{number}" for number in count())
        self.service_here = Instance("one", self.folder, here(self.start))
        self.service_here.start()
        # It notices within a second that a gateway is not to get new sessions.
        settings = {"closeRate": 10, "stopNotice": 2500, "stopTimeout": 10000}
        folder = self.define("discoverableclient", self.service_here.url)
        static = {"apiml": {"discovery": {"staticApiDefinitionsDirectories": folder}}}
        self.gateways = [self.gateway(merged(static, {"server": {"webSocket": settings}})) for _ in range(2)]
        for gateway in self.gateways:
            gateway.wait_until_up()
        self.port = free_port()
        self.balancer = self.run_haproxy("-db")
        eventually(self.answers)

    def run_haproxy(self, *options: str) -> Process:
        """HAProxy with the configuration as it is."""
        one, two = (f"127.0.0.1:{gateway.port}" for gateway in self.gateways)
        environment = {
            "APIML_BIND": f"127.0.0.1:{self.port}",
            "APIML_CA": self.authorities,
            "APIML_GATEWAY_ONE": one,
            "APIML_GATEWAY_TWO": two,
            "APIML_NAME_ONE": "localhost",
            "APIML_NAME_TWO": "localhost",
        }
        return self.start(["haproxy", *options, "-f", str(CONFIGURATION)], environment)

    def answers(self) -> bool:
        """Whether it takes sessions."""
        try:
            asyncio.run(self._try())
        except (OSError, WebSocketException, AssertionError):
            return False
        return True

    async def _try(self) -> None:
        for each in await self.open(2):
            await each.close()

    async def open(self, number: int) -> list[Client]:
        """So many sessions through HAProxy, each answered once."""
        uri = f"wss://localhost:{self.port}{PATH}"
        talkers = await clients(uri, [next(self._keys) for _ in range(number)], self.trust())
        await asyncio.gather(*(each.ask() for each in talkers))
        return talkers

    def counts(self) -> list[int]:
        """The sessions of each gateway that runs."""
        return [open_sessions(gateway) for gateway in self.gateways]

    def test_the_configuration(self) -> None:
        """HAProxy accepts it, without a warning."""
        check = self.run_haproxy("-c")
        self.assertEqual(check.exit_status(), 0)
        self.assertNotIn("WARNING", check.log)

    def test_one_is_killed(self) -> None:
        """Sessions through the other go on, and all new ones land there at once."""

        async def scenario() -> None:
            talkers = await self.open(20)
            self.assertEqual(await asyncio.to_thread(self.counts), [10, 10])
            killed = self.gateways.pop(0)
            killed.process.stop(signal.SIGKILL)
            later = await self.open(10)
            lost = [each for each in talkers if each.over]
            await asyncio.gather(*(each.ask() for each in talkers if not each.over))
            self.assertEqual((len(lost), {each.code for each in lost}), (10, {None}))
            self.assertEqual(await asyncio.to_thread(self.counts), [20])
            show("one of two gateways killed", tally([each for each in talkers if not each.over], [self.service_here]))
            await asyncio.gather(*(each.close() for each in [*later, *talkers] if not each.over))

        asyncio.run(scenario())

    def test_one_is_drained(self) -> None:
        """New sessions notice nothing; old ones of that gateway are closed one after another, the others go on."""

        async def scenario() -> None:
            talkers = await self.open(40)
            ends: list[float] = []
            for each in talkers:
                assert each.listening is not None
                each.listening.add_done_callback(lambda _: ends.append(time.monotonic()))
            gateway = self.gateways.pop(0)
            gateway.process.send(signal.SIGTERM)
            status = asyncio.create_task(asyncio.to_thread(gateway.process.exit_status))
            later = 0
            while not status.done():
                [newcomer] = await self.open(1)
                self.assertEqual((await newcomer.ask()).number, 2)
                await newcomer.close()
                later += 1
            self.assertEqual(await status, 0)
            over = [each for each in talkers if each.over]
            self.assertEqual((len(over), {each.code for each in over}), (20, {1001}))
            # 10 a second.
            self.assertGreater(max(ends) - min(ends), 1.5)
            rest = [each for each in talkers if not each.over]
            await asyncio.gather(*(each.ask() for each in rest))
            newcomers = f"{later} new sessions meanwhile, none of them refused"
            show("one of two gateways drained", f"{newcomers}; {tally(rest, [self.service_here])}")
            await asyncio.gather(*(each.close() for each in rest))

        asyncio.run(scenario())


def open_sessions(gateway: Gateway) -> int:
    """How many it has."""
    details: dict[str, Any] = gateway.request("/application/health").json["components"]["gateway"]["details"]
    found: int = details["openSessions"]
    return found
