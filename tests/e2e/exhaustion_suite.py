"""A gateway that may have 200 descriptors, and is asked for more."""

from __future__ import annotations

import os
import resource
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import bcrypt
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from tests.e2e.harness import EndToEnd
from tests.e2e.processes import Process, eventually
from tests.e2e.services import TIMEOUT, basic, echo

LIMIT = 200
PATH = "/ws/v1/discoverableclient/echo"
ADA = basic("ada", "secret")


def limited(command: list[str]) -> list[str]:
    """``command`` in a process that may have :data:`LIMIT` descriptors, and no more whatever it does."""
    program = (
        "import os, resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({LIMIT}, {LIMIT}))\n"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    return [sys.executable, "-c", program, *command]


class Exhaustion(EndToEnd):
    """What holds over each relay."""

    kind = ""
    secure = False

    def setUp(self) -> None:
        """A gateway to a service that echoes, which knows ada."""
        super().setUp()
        file = self.folder / "operators"
        file.write_bytes(b"ada:" + bcrypt.hashpw(b"secret", bcrypt.gensalt(4)))
        settings: dict[str, Any] = {
            "management": {"security": {"passwordFile": str(file)}},
            "server": {"relay": {"kind": self.kind, "threads": 2}},
        }
        self.front = self.gateway_to(self.service({"echo": echo}), settings=settings, secure=self.secure)
        room = self.front.process.wait_for(rf"{LIMIT} descriptors: room for (\d+) sessions, and (\d+) connections")
        self.places, self.seats = int(room[1]), int(room[2])

    def start(self, command: list[str], environment: Mapping[str, str] | None = None) -> Process:
        """Every process has the limit."""
        return super().start(limited(command), environment)

    def session(self) -> ClientConnection:
        """One more; it works."""
        session = self.front.session(PATH)
        self.addCleanup(session.socket.close)
        session.send("hello")
        self.assertEqual("hello", session.recv(TIMEOUT))
        return session

    def fill(self) -> list[ClientConnection]:
        """As many sessions as there are places."""
        return [self.session() for _ in range(self.places)]

    def assert_refused(self) -> None:
        """One more session is not to be had for now."""
        with self.assertRaises(InvalidStatus) as caught:
            self.front.session(PATH)
        answer = caught.exception.response
        self.assertEqual((503, "10"), (answer.status_code, answer.headers["Retry-After"]))

    def assert_operators_are_served(self, sessions: int) -> None:
        """Health, and the list of ``sessions``."""
        self.assertEqual(200, self.front.request("/application/health").status)
        self.assertEqual(sessions, len(self.front.request("/application/websockets", headers=ADA).json))

    def silent(self, count: int) -> list[socket.socket]:
        """So many connections that say nothing."""
        crowd = []
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", self.front.port), TIMEOUT)
            self.addCleanup(connection.close)
            crowd.append(connection)
        return crowd

    def said(self, text: str) -> int:
        """How often the log has it."""
        return self.front.process.log.count(text)

    @property
    def descriptors(self) -> int:
        """How many the gateway has open."""
        return len(os.listdir(f"/proc/{self.front.process.pid}/fd"))

    def test_sessions_without_room(self) -> None:
        """They are refused in HTTP; operators are not; all is as before when sessions end, and both are said once."""
        before = self.descriptors
        sessions = self.fill()
        for _ in range(30):
            self.assert_refused()
        self.assert_operators_are_served(self.places)
        sessions.pop().close()
        eventually(lambda: self.another(sessions))
        self.assert_refused()
        self.assertEqual(1, self.said("No room for more than"))
        for session in sessions:
            session.close()
        self.front.process.wait_for("There is room for new sessions again")
        self.session().close()
        eventually(lambda: self.descriptors <= before + 10)
        self.assertEqual(1, self.said("No room for more than"))
        self.assertEqual(0, self.said("cannot be accepted"))

    def another(self, sessions: list[ClientConnection]) -> bool:
        """Add one to ``sessions``, if there is room: the end of one is known to its client a little earlier."""
        with suppress(InvalidStatus):
            sessions.append(self.session())
            return True
        return False

    def test_connections_that_say_nothing(self) -> None:
        """However many there are, sessions begin and operators are served; the oldest of them are dropped."""
        sessions = [self.session() for _ in range(5)]
        crowd = self.silent(self.seats + 50)
        sessions.append(self.session())
        self.assert_operators_are_served(6)
        crowd[0].settimeout(TIMEOUT)
        with suppress(ConnectionError):
            self.assertEqual(b"", crowd[0].recv(1))
        for session in sessions:
            session.send("still here")
            self.assertEqual("still here", session.recv(TIMEOUT))
        self.assertEqual(1, self.said(f"more than {self.seats} connections are not sessions"))

    def test_everything_at_once(self) -> None:
        """All places taken, all seats taken by a crowd: there are descriptors to spare."""
        sessions = self.fill()
        self.silent(self.seats + 50)
        self.assert_refused()
        self.assert_operators_are_served(self.places)
        self.assertLessEqual(self.descriptors, LIMIT - 10)
        for session in sessions:
            session.socket.close()
        eventually(lambda: self.another(sessions))

    def test_nothing_left_at_all(self) -> None:
        """Whatever took the last descriptor: sessions go on, nothing spins, and whoever waits is served in the end."""
        session = self.session()
        process = self.front.process.pid
        before = resource.prlimit(process, resource.RLIMIT_NOFILE, (3, LIMIT))
        self.silent(10)
        began = self.processor_time()
        session.send("still here")
        self.assertEqual("still here", session.recv(TIMEOUT))
        self.front.process.wait_for("Connections cannot be accepted for now: Too many open files")
        time.sleep(2)
        self.assertLess(self.processor_time() - began, 0.5)
        resource.prlimit(process, resource.RLIMIT_NOFILE, before)
        self.session()
        self.assert_operators_are_served(2)
        self.front.process.wait_for("Connections are accepted again")
        self.assertEqual(1, self.said("cannot be accepted"))

    def processor_time(self) -> float:
        """Seconds that the gateway used so far."""
        fields = Path(f"/proc/{self.front.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
