"""Clients that number their messages, so that what was lost, doubled or out of order can be counted."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import quantiles
from typing import NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.instances import Instance
from tests.e2e.services import TIMEOUT, VALID

#: Handshakes at the same time.
_TOGETHER = 50


class Answer(NamedTuple):
    """What came back: from which instance, to which message, when."""

    instance: str
    number: int
    time: float


@dataclass(slots=True)
class Client:
    """A session whose messages are ``key number``, and which listens all the time."""

    key: str
    session: ClientConnection
    sent: int = 0
    answers: list[Answer] = field(default_factory=list)
    #: How it ended: the code, None when there was no close frame; ``over`` tells whether it did.
    code: int | None = None
    over: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
    listening: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Until it is over."""
        try:
            async for message in self.session:
                instance, _, number = str(message).split()[:3]
                self.answers.append(Answer(instance, int(number), time.monotonic()))
                self.news.set()
        except ConnectionClosed:
            pass
        self.code = self.session.protocol.close_rcvd.code if self.session.protocol.close_rcvd else None
        self.over = True
        self.news.set()

    async def say(self) -> int:
        """Send the next message; its number."""
        self.sent += 1
        await self.session.send(f"{self.key} {self.sent}")
        return self.sent

    async def ask(self) -> Answer:
        """Send the next message, and wait for its answer."""
        number = await self.say()
        async with asyncio.timeout(TIMEOUT):
            while not (self.answers and self.answers[-1].number >= number):
                self.news.clear()
                assert not self.over, f"{self.key} ended with {self.code}"
                await self.news.wait()
        return self.answers[-1]

    async def ask_until_answered(self, pause: float) -> Answer:
        """Send the next message every ``pause`` seconds, until one of them is answered."""
        first = self.sent + 1
        async with asyncio.timeout(2 * TIMEOUT):
            while not (self.answers and self.answers[-1].number >= first):
                assert not self.over, f"{self.key} ended with {self.code}"
                await self.say()
                self.news.clear()
                await within(pause, self.news.wait())
        return self.answers[-1]

    async def keep_on(self, pause: float, until: asyncio.Event) -> None:
        """Send all the time, whatever comes back."""
        while not (until.is_set() or self.over):
            await self.say()
            await within(pause, until.wait())

    async def settle(self, patience: float) -> None:
        """Wait for what is still on its way: until nothing came for ``patience`` seconds."""
        while not self.over and not (self.answers and self.answers[-1].number == self.sent):
            self.news.clear()
            if not await within(patience, self.news.wait()):
                return

    async def close(self) -> None:
        """Close in good order."""
        await self.session.close()
        if self.listening is not None:
            await self.listening


async def within(seconds: float, something: Awaitable[object]) -> bool:
    """Whether it happened in time."""
    try:
        await asyncio.wait_for(something, seconds)
    except TimeoutError:
        return False
    return True


async def clients(uri: str, keys: Sequence[str], trust: ssl.SSLContext | None = None) -> list[Client]:
    """A session for each of ``keys``, all listening."""
    gate = asyncio.Semaphore(_TOGETHER)

    async def one(key: str) -> Client:
        async with gate:
            session = await connect(
                uri,
                ssl=trust,
                additional_headers=VALID,
                compression=None,
                max_size=None,
                proxy=None,
                ping_interval=None,
                open_timeout=TIMEOUT,
                close_timeout=TIMEOUT,
            )
        client = Client(key, session)
        client.listening = asyncio.create_task(client.listen())
        return client

    return list(await asyncio.gather(*map(one, keys)))


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of sessions and messages.

    ``doubled`` were received twice, or answered twice; ``reordered`` answered after a later one.  ``undelivered`` were
    received by nobody, ``unanswered`` received without an answer that came.
    """

    sessions: int
    lost: int
    messages: int
    doubled: int
    reordered: int
    undelivered: int
    unanswered: int

    def __str__(self) -> str:
        return (
            f"{self.sessions} sessions, {self.lost} lost; {self.messages} messages, {self.doubled} doubled, "
            f"{self.reordered} reordered; in flight and lost: {self.undelivered} messages, {self.unanswered} answers"
        )


def tally(talkers: Sequence[Client], instances: Iterable[Instance]) -> Tally:
    """Count, before the sessions are closed."""
    received: Counter[str] = Counter()
    for instance in instances:
        received.update(instance.received())
    answered = Counter(f"{each.key} {answer.number}" for each in talkers for answer in each.answers)
    sent = [f"{each.key} {number}" for each in talkers for number in range(1, each.sent + 1)]
    return Tally(
        sessions=len(talkers),
        lost=sum(each.over for each in talkers),
        messages=len(sent),
        doubled=sum(max(received[each], answered[each]) > 1 for each in sent),
        reordered=sum(_reordered(each) for each in talkers),
        undelivered=sum(not received[each] for each in sent),
        unanswered=sum(bool(received[each]) and not answered[each] for each in sent),
    )


def _reordered(client: Client) -> int:
    numbers = [answer.number for answer in client.answers]
    return sum(later <= earlier for earlier, later in pairwise(numbers))


def percentiles(times: Sequence[float]) -> tuple[float, float]:
    """p50 and p99, in seconds."""
    cuts = quantiles(times, n=100, method="inclusive")
    return cuts[49], cuts[98]
