"""Ids of sessions."""

from __future__ import annotations

from random import Random
from uuid import UUID

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.ids import random_id


class RandomIdTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.core.ids.random_id`."""

    def test_spelled_as_the_library_does(self) -> None:
        """Whatever the bytes are."""
        random = Random(7)
        for data in (bytes(16), b"\xff" * 16, *(random.randbytes(16) for _ in range(100))):
            self.assertEqual(random_id(data), str(UUID(bytes=data, version=4)))
