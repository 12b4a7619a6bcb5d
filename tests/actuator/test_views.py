"""Tests of :mod:`apiml_ws.actuator.views`."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.actuator.views import RelayChoice, health, info, links, listed
from tests.actuator.doubles_views import Directory, OpenSession, Sessions, knows


class Listed(SynchronousTestCase):
    """The session list."""

    def test_the_five_keys_in_their_order(self) -> None:
        """A session has exactly the keys of the reference system, in its order."""
        rows = list(listed(Sessions(open=[OpenSession()])))
        self.assertEqual(
            [list(row.items()) for row in rows],
            [
                [
                    ("sessionId", "s-1"),
                    ("clientAddress", "/127.0.0.1:51234"),
                    ("gatewayPath", "wss://localhost:10010/discoverableclient/ws/v1/uppercase?a=b"),
                    ("serviceUrl", "wss://localhost:10012/discoverableclient/ws/uppercase?a=b"),
                    ("serviceSessionId", "b-1"),
                ]
            ],
        )

    def test_nothing_open(self) -> None:
        """Without sessions the list is empty."""
        self.assertEqual(list(listed(Sessions())), [])


class Health(SynchronousTestCase):
    """UP or DOWN, and why."""

    def test_up(self) -> None:
        """While sessions are taken and a source was read, the gateway is UP, with all details."""
        sessions = Sessions(moves=3, moving=2, failed_moves=1, open=[OpenSession()])
        directory = Directory({"eureka": 1.5004, "static": None}, knows("zebra", "ant"))
        self.assertEqual(
            health(sessions, directory),
            (
                200,
                {
                    "status": "UP",
                    "components": {
                        "discoveryComposite": {
                            "status": "UP",
                            "components": {
                                "discoveryClient": {"status": "UP", "details": {"services": ["ant", "zebra"]}},
                                "eureka": {"status": "UP", "details": {"snapshotAgeSeconds": 1.5}},
                                "static": {"status": "DOWN", "details": {"snapshotAgeSeconds": None}},
                            },
                        },
                        "gateway": {
                            "status": "UP",
                            "details": {"openSessions": 1, "moves": 3, "movesInProgress": 2, "movesFailed": 1},
                        },
                    },
                },
            ),
        )

    def test_a_snapshot_of_before_the_start_says_so(self) -> None:
        """What came from disk is marked, with the age that it has."""
        _, content = health(Sessions(), Directory({"eureka": 90.0, "static": 1.0}, from_disk=("eureka",)))
        components: Any = content["components"]
        sources = components["discoveryComposite"]["components"]
        self.assertEqual(sources["eureka"]["details"], {"snapshotAgeSeconds": 90.0, "fromDisk": True})
        self.assertEqual(sources["static"]["details"], {"snapshotAgeSeconds": 1.0})

    def test_down_before_any_source_was_read(self) -> None:
        """A gateway that knows no routes yet is DOWN with 503."""
        status, content = health(Sessions(), Directory({"eureka": None}))
        self.assertEqual((status, content["status"]), (503, "DOWN"))

    def test_down_while_stopping(self) -> None:
        """A gateway that takes no more sessions is DOWN with 503."""
        status, content = health(Sessions(inviting=False), Directory())
        self.assertEqual((status, content["status"]), (503, "DOWN"))

    def test_a_registry_that_was_lost_leaves_it_up(self) -> None:
        """However old a snapshot is, the gateway routes on it and is UP."""
        status, content = health(Sessions(), Directory({"eureka": 1e6}))
        self.assertEqual((status, content["status"]), (200, "UP"))


class Info(SynchronousTestCase):
    """What runs."""

    def test_versions_and_relay(self) -> None:
        """The versions are those of the installed packages, the relay is named with its reason."""
        self.assertEqual(
            info(RelayChoice("portable", "as configured")),
            {
                "build": {"name": "apiml-ws", "version": version("apiml-ws")},
                "relay": {"kind": "portable", "reason": "as configured"},
                "runtime": {
                    "python": platform.python_version(),
                    "twisted": version("twisted"),
                    "autobahn": version("autobahn"),
                },
            },
        )


class Links(SynchronousTestCase):
    """The index."""

    def test_every_name_has_a_link(self) -> None:
        """Self and each name lead to a path that needs no host."""
        self.assertEqual(
            links("/application", ["health"]),
            {
                "_links": {
                    "self": {"href": "/application", "templated": False},
                    "health": {"href": "/application/health", "templated": False},
                }
            },
        )
