"""How any relay lets a service go in good order, over real sockets."""

from __future__ import annotations

from apiml_ws.core.closing import Close
from apiml_ws.core.frames import Opcode
from tests.proxy.pump.sockets_case import SocketsCase
from tests.proxy.relay_case import SERVICE, answered, asked, to_client, to_service

MOVED = Close(1001, "Session moved")
LEAVE = to_service(Opcode.CLOSE, MOVED.payload())
LEFT = answered(MOVED.payload(), Opcode.CLOSE)


class Retiring(SocketsCase):
    """See the suite over memory wires; here the pump has the session before and after."""

    def test_between_messages(self) -> None:
        """What the service still says comes first, what the client says then goes to the next one."""
        self.couple()
        self.client.send(asked(b"1"))
        self.arrives(self.service, asked(b"1"))
        self.assert_lent()
        self.relay.retire(MOVED)
        self.heard(("retired", True))
        self.client.send(asked(b"2") + asked(b"?", Opcode.PING))
        former = self.service
        former.send(answered(b"last") + LEFT)
        self.heard(("close", SERVICE, MOVED))
        self.arrives(former, asked(b"1") + LEAVE)
        self.arrives(self.client, to_client(Opcode.PONG, b"?") + answered(b"last"))
        self.assertTrue(self.relay.movable)
        self.attach(early=answered(b"next"))
        self.arrives(self.service, asked(b"2"))
        self.arrives(self.client, to_client(Opcode.PONG, b"?") + answered(b"last") + answered(b"next"))
        self.assert_lent()

    def test_inside_a_message(self) -> None:
        """It ends first, however it is cut."""
        self.couple()
        message = asked(b"x" * 200, first=0) + asked(b"y" * 200, Opcode.CONTINUATION)
        self.client.send(message[:100])
        self.arrives(self.service, message[:100])
        self.relay.retire(MOVED)
        self.client.send(message[100:300])
        self.arrives(self.service, message[:300])
        self.go_on(0.15)
        self.client.send(message[300:] + asked(b"part", first=0))
        self.heard(("retired", True))
        self.arrives(self.service, message + LEAVE)
        self.service.end()
        self.heard(("ended", SERVICE))
        self.attach()
        self.arrives(self.service, asked(b"part", first=0))
        self.assert_lent()

    def test_a_message_that_does_not_end(self) -> None:
        """All goes on as before."""
        self.couple()
        self.client.send(asked(b"x" * 20)[:10])
        self.arrives(self.service, asked(b"x" * 20)[:10])
        self.relay.retire(MOVED)
        self.heard(("retired", False))
        self.client.send(asked(b"x" * 20)[10:])
        self.arrives(self.service, asked(b"x" * 20))
        self.assert_lent()
