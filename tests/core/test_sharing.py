"""What ``apiml.lb.type`` may say."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.registry import NO_METADATA
from apiml_ws.core.sharing import Sharing, sharing


class SharingTests(SynchronousTestCase):
    """One word of metadata."""

    def test_words(self) -> None:
        """Each word means its kind, whatever its case and the blanks around it; no word is round robin; others are unknown."""
        for word, expected in (
            ("headerRequest", Sharing.HEADER_REQUEST),
            ("authentication", Sharing.AUTHENTICATION),
            ("leastSessions", Sharing.LEAST_SESSIONS),
            ("roundRobin", Sharing.ROUND_ROBIN),
            (" HEADERREQUEST\n", Sharing.HEADER_REQUEST),
            ("", Sharing.ROUND_ROBIN),
            (" ", Sharing.ROUND_ROBIN),
            ("random", None),
            ("header request", None),
        ):
            self.assertIs(sharing({"apiml.lb.type": word}), expected, word)
        self.assertIs(sharing(NO_METADATA), Sharing.ROUND_ROBIN)
