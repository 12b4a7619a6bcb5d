"""How long the pump's threads may stay on the processor, and that somebody is told who they are."""

from __future__ import annotations

import ctypes
import os
import platform
import struct

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.proxy.pump.threads import PumpThreads
from tests.proxy.pump.doubles_sockets import Loop
from tests.proxy.pump.sockets_case import NO_PUMP

#: The number of sched_getattr(2), for which the C library may have no function.
SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}.get(platform.machine())
#: What struct sched_attr has in its first version: of them the policy, the nice value and the turn in nanoseconds matter.
ATTRIBUTES = struct.Struct("=IIQiIQQQ")


def attributes(thread: int) -> tuple[int, int, int]:
    """Policy, nice value and turn of ``thread``, 0 for this one."""
    assert SCHED_GETATTR is not None
    room = ctypes.create_string_buffer(ATTRIBUTES.size)
    failed = ctypes.CDLL(None).syscall(SCHED_GETATTR, thread, room, ATTRIBUTES.size, 0)
    assert not failed
    _, policy, _, nice, _, turn, _, _ = ATTRIBUTES.unpack(room.raw)
    return policy, nice, turn


def no_turns() -> str | None:
    """Why turns cannot be told here."""
    if SCHED_GETATTR is None:
        return f"the number of sched_getattr is not known for {platform.machine()}"
    return None if attributes(0)[2] else "this kernel knows no turns (Linux does from 6.12 on)"


class ShortTurns(SynchronousTestCase):
    """Threads that really run."""

    def test_each_thread_has_the_shortest(self) -> None:
        """A tenth of a millisecond, and nothing else is changed; ``begun`` gets the threads' ids, each its own."""
        told: list[list[int]] = []
        threads = PumpThreads(Loop(), 2)
        threads.begun = told.append
        threads.begin()
        self.addCleanup(threads.stop)
        (ids,) = told
        self.assertEqual(2, len(set(ids)))
        policy, nice, _ = attributes(0)
        for thread in ids:
            self.assertIn(str(thread), os.listdir("/proc/self/task"))
            self.assertEqual((policy, nice, 100_000), attributes(thread))

    test_each_thread_has_the_shortest.skip = NO_PUMP or no_turns()  # type: ignore[attr-defined]
