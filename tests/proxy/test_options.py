"""What is asked of the kernel for connections."""

from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.proxy.options import OPTIONS, reset_on_close, set_options


class OptionsTests(SynchronousTestCase):
    """Over a real socket, which is not connected."""

    def test_all_are_set(self) -> None:
        """The kernel takes each; keep-alive among them."""
        with socket.socket() as sock:
            set_options(sock)
            for level, name, value in OPTIONS:
                self.assertEqual(sock.getsockopt(level, name), value)
        self.assertIn((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), OPTIONS)

    def test_reset(self) -> None:
        """A connection that is to end at once ends with an RST."""
        with (
            socket.create_server(("127.0.0.1", 0)) as listening,
            socket.create_connection(listening.getsockname()) as near,
        ):
            far, _ = listening.accept()
            reset_on_close(far)
            far.close()
            with self.assertRaises(ConnectionResetError):
                near.recv(1)
