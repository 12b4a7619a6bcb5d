"""How descriptors are shared out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.shares import Shares, shared


class SharesTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.core.shares.shared`."""

    def test_usual_limits(self) -> None:
        """Most of many descriptors are for sessions, two each; crowds that are no sessions do not grow with them for ever."""
        self.assertEqual(Shares(416, 96, 0), shared(1024, 16, registry=False))
        self.assertEqual(Shares(392, 96, 48), shared(1024, 16, registry=True))
        self.assertEqual(Shares(260088, 3072, 0), shared(524288, 16, registry=False))
        self.assertEqual(Shares(259576, 3072, 1024), shared(524288, 16, registry=True))

    def test_a_limit_that_is_no_use(self) -> None:
        """There are no sessions, rather than less than none."""
        self.assertEqual(0, shared(64, 20, registry=True).sessions)

    @given(st.integers(0, 1 << 30), st.integers(0, 1000), st.booleans())
    def test_nothing_is_shared_out_twice(self, limit: int, taken: int, registry: bool) -> None:
        """All together is never more than there is, with 64 to spare, as soon as there is any session."""
        given_out = shared(limit, taken, registry=registry)
        whole = 2 * given_out.sessions + given_out.newcomers + given_out.registrants + taken + 64
        self.assertTrue(whole <= limit or not given_out.sessions)
