"""``make run``: all that the README promises of it, at a terminal."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import ssl
import sysconfig
import venv
from pathlib import Path
from urllib.request import Request, urlopen

from websockets.sync.client import ClientConnection

from tests.e2e.harness import EndToEnd
from tests.e2e.processes import ROOT, Process, at_a_terminal
from tests.e2e.serial_tls import serial
from tests.e2e.services import TIMEOUT, basic, close_of, open_session

FOLDERS = ("apiml_ws", "twisted", "etc", "tools")
FILES = ("Makefile", "setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
CTRL_C = "\x03"
#: The ports of the quick start may be taken on the machine that runs the tests; and make may be running them.
SURROUNDINGS = {"SERVER_PORT": "0", "APIML_DISCOVERY_EMBEDDED_PORT": "0", "MAKEFLAGS": "", "MAKELEVEL": "0"}


class MakeRun(EndToEnd):
    """A checkout whose virtual environment borrows what is installed for these tests."""

    def setUp(self) -> None:
        """A checkout, and ``make run`` in it."""
        super().setUp()
        self.checkout = self.folder / "checkout"
        self.checkout.mkdir()
        for name in FOLDERS:
            shutil.copytree(ROOT / name, self.checkout / name, ignore=shutil.ignore_patterns("__pycache__", "*.cache"))
        for name in FILES:
            shutil.copy(ROOT / name, self.checkout)
        self.borrow_environment()

    def borrow_environment(self) -> None:
        """What ``make`` would make, with the stamps that say so."""
        environment = self.checkout / ".venv"
        venv.create(environment, with_pip=False)
        packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))
        packages.joinpath("borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
        for stamp in ("created", "installed"):
            (environment / stamp).touch()

    def run_it(self, *command: str) -> Process:
        """``command`` in the checkout, once everything is ready."""
        inside = ("sh", "-c", f"cd {shlex.quote(str(self.checkout))} && exec {shlex.join(command)}")
        process = self.start(at_a_terminal(*inside), SURROUNDINGS)
        process.wait_for(r"The gateway is ready")
        process.wait_for(r"Ctrl-C stops it all")
        return process

    def test_all_of_it(self) -> None:
        """It prints what to try, all of that works, and Ctrl-C ends it with status 0 and no complaint of make."""
        process = self.run_it("make", "run")
        uri = process.wait_for(r"wss://localhost:\d+/ws/v1/discoverableclient/uppercase")[0]
        self.check_session(uri)
        self.check_session(uri.replace("/ws/v1/discoverableclient", "/discoverableclient/ws/v1"))
        self.check_operators(process, uri)
        self.check_line_to_paste(process)
        self.check_state()
        process.type(CTRL_C)
        self.assertEqual(process.exit_status(), 0)
        self.assertNotIn("***", process.log)
        self.assertNotIn("Traceback", process.log)
        self.assertNotIn("Unhandled", process.log)

    def test_ctrl_c_with_an_open_session(self) -> None:
        """Ctrl-C closes an open session by 1001, and the status is 0 all the same; it starts again with the same state."""
        first = self.run_it("make", "run")
        with self.session(first.wait_for(r"wss://localhost:\d+/ws/v1/discoverableclient/uppercase")[0]) as session:
            session.send("hello")
            self.assertEqual(session.recv(timeout=TIMEOUT), "HELLO")
            first.type(CTRL_C)
            self.assertEqual(close_of(session), (1001, "Gateway is shutting down"))
        self.assertEqual(first.exit_status(), 0)
        password = re.search(r"admin:(\S+)\)", first.log)
        again = self.run_it("make", "run")
        assert password is not None
        self.assertIn(password[0], again.log)
        again.type(CTRL_C)
        self.assertEqual(again.exit_status(), 0)

    def session(self, uri: str) -> ClientConnection:
        """A client that trusts the development authority."""
        return open_session(uri, serial(ssl.create_default_context(cafile=str(self.checkout / ".state" / "ca.pem"))))

    def check_session(self, uri: str) -> None:
        """Hello comes back in capitals."""
        with self.session(uri) as session:
            session.send("hello")
            self.assertEqual(session.recv(timeout=TIMEOUT), "HELLO")

    def check_operators(self, process: Process, uri: str) -> None:
        """The printed curl command says how to see an open session; asked by hand, for not every machine has curl."""
        words = shlex.split(process.wait_for(r"^ *(curl --cacert .*)$")[1])
        options = dict(zip(words[1:-1:2], words[2:-1:2], strict=True))
        trust = serial(ssl.create_default_context(cafile=str(self.checkout / options["--cacert"])))
        request = Request(words[-1], headers=basic(*options["--user"].split(":")))
        with self.session(uri) as session:
            session.send("hello")
            session.recv(timeout=TIMEOUT)
            with urlopen(request, timeout=TIMEOUT, context=trust) as answer:
                self.assertIn(uri, [row["gatewayPath"] for row in json.load(answer)])

    def check_line_to_paste(self, process: Process) -> None:
        """The printed line opens a session in which lines come back in capitals."""
        line = process.wait_for(r"^ *(\S*python\S* -m apiml_ws\.sample\.talk .*)$")[1].strip()
        talk = self.start(["sh", "-c", f"cd {shlex.quote(str(self.checkout))} && exec {line}"])
        talk.type("hello\n")
        talk.wait_for("HELLO")
        talk.type("bye\n")
        talk.wait_for("BYE")
        talk.close_input()
        self.assertEqual(talk.exit_status(), 0)

    def check_state(self) -> None:
        """Keys and passwords are for their owner alone."""
        state = self.checkout / ".state"
        for secret in [*state.glob("*-key.pem"), state / "admin-password", state / "passwords"]:
            self.assertEqual(os.stat(secret).st_mode & 0o077, 0, secret)
