"""How long the kernel lets a peer live that takes nothing, while either relay has something for it."""

from __future__ import annotations

import socket
from typing import Any

from apiml_ws.core.frames import Opcode
from apiml_ws.proxy.leg import Leg
from apiml_ws.proxy.options import set_options
from apiml_ws.proxy.wire import SocketWire
from tests.proxy.doubles_wire import tcp_pair, user_timeout
from tests.proxy.pump import sockets_case as case
from tests.proxy.pump.doubles_sockets import Peer
from tests.proxy.relay_case import asked


class Shared:
    """Keeps the suite from being collected by itself."""

    class Patience(case.SocketsCase):
        """Over TCP."""

        def make_leg(self, **agreed: Any) -> tuple[Leg, Peer]:
            """A leg with the options that connections have."""
            near, far = tcp_pair()
            set_options(near)
            self.near: list[socket.socket] = [*getattr(self, "near", []), near]
            return Leg(SocketWire(near, near.close), **agreed), Peer(far)

        def test_while_something_is_kept(self) -> None:
            """A little more than asyncWriteTimeout, so that we can say why; else half a minute."""
            self.couple()
            _, service = self.near
            self.assert_lent()
            self.assertEqual(user_timeout(service), 30000)
            self.service.reading = False
            message = asked(bytes(1 << 24), Opcode.BINARY)
            self.client.send(message)
            self.until(lambda: user_timeout(service) == 65000)
            self.assert_lent()
            self.service.reading = True
            self.arrives(self.service, message)
            self.until(lambda: user_timeout(service) == 30000)
            self.assert_lent()


class PortablePatience(case.Portable, Shared.Patience):
    """See above."""


class NativePatience(case.Native, Shared.Patience):
    """See above."""
