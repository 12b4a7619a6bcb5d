"""Tells systemd how the service is."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.notify import READY, STOPPING, notify


class Notifying(SynchronousTestCase):
    """Datagrams to a socket of this process."""

    def setUp(self) -> None:
        # Not mktemp(): the path of a socket must be shorter than those are.
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = os.path.join(self.folder, "notify")

    def listening(self, address: str) -> socket.socket:
        """A socket in the place of systemd's."""
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.addCleanup(receiver.close)
        receiver.bind(address)
        return receiver

    def test_socket_with_a_path(self) -> None:
        """Each state is one datagram, as systemd spells it."""
        receiver = self.listening(self.path)
        environment = {"NOTIFY_SOCKET": self.path}
        self.assertEqual([notify(environment, READY), notify(environment, STOPPING)], [True, True])
        self.assertEqual([receiver.recv(100), receiver.recv(100)], [b"READY=1", b"STOPPING=1"])

    def test_abstract_socket(self) -> None:
        """A name that begins with @ is one of Linux's abstract ones."""
        receiver = self.listening(f"\0{self.path}")
        self.assertTrue(notify({"NOTIFY_SOCKET": f"@{self.path}"}, READY))
        self.assertEqual(receiver.recv(100), b"READY=1")

    def test_nobody_asks(self) -> None:
        """Without the variable nothing is sent."""
        self.assertEqual([notify({}, READY), notify({"NOTIFY_SOCKET": ""}, READY)], [False, False])

    def test_nobody_is_there(self) -> None:
        """A manager that is gone, or cannot be, is logged and ends nothing."""
        for address in (self.path, "x" * 200):
            self.assertFalse(notify({"NOTIFY_SOCKET": address}, READY))

    def test_nobody_reads(self) -> None:
        """A manager that takes nothing does not hold up the service."""
        self.listening(self.path)
        environment = {"NOTIFY_SOCKET": self.path}
        self.assertIn(False, [notify(environment, READY) for _ in range(10000)])
