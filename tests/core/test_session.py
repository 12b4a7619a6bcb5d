"""A session: what others see of it."""

from __future__ import annotations

from apiml_ws.core.interfaces import Boundary, Side
from tests.core.doubles_session_case import SessionTestCase


class ViewTests(SessionTestCase):
    """What operators see."""

    def test_open_on_both_legs(self) -> None:
        """It is shown from when its service is open until it closes; with its last service while it is moved."""
        self.begin()
        self.assertIsNone(self.session.view())
        self.world.dialer.attempts[0].open()
        view = self.session.view()
        assert view is not None
        self.assertEqual(
            (view.session_id, view.client_address, view.gateway_uri, view.service_uri, view.service_session_id),
            (
                "session-1",
                "/127.0.0.1:51234",
                "wss://localhost:10010/sample/ws/v1/chat?x=1",
                "wss://host.test:10012/sample/ws/chat?x=1",
                "service-session-1",
            ),
        )
        self.session.lost(Side.SERVICE, Boundary.MESSAGE)
        self.assertEqual(self.session.view(), view)
        self.session.stop()
        self.assertIsNone(self.session.view())
        self.client_gone()
        self.assertIsNone(self.session.view())
