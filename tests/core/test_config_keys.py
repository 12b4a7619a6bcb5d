"""The table of all keys of the configuration."""

from __future__ import annotations

import dataclasses
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config import Config
from apiml_ws.core.config_keys import BY_SPELLING, BY_VARIABLE, KEYS, SECTIONS, Key, Missing, nearest
from apiml_ws.core.config_values import Many, interpret


def default_of(key: Key) -> Any:
    """The default in the dataclasses."""
    value: object = Config()
    for name in key.field.split("."):
        value = getattr(value, name)
    return value


class Keys(SynchronousTestCase):
    """The table agrees with the dataclasses and with itself."""

    def test_defaults_are_those_of_the_dataclasses(self) -> None:
        """What a file would say to get the default gives the default."""
        for key in KEYS:
            if not key.field.startswith("verification.") and key.name != "apiml.service.hostname":
                self.assertEqual(interpret(key.kind, key.default), default_of(key), key.name)

    def test_every_field_has_a_key(self) -> None:
        """No field of the configuration is out of the operator's reach."""
        fields = {key.field for key in KEYS}
        for each in dataclasses.fields(Config):
            value = getattr(Config(), each.name)
            if dataclasses.is_dataclass(value):
                for inner in dataclasses.fields(value):
                    self.assertIn(f"{each.name}.{inner.name}", fields)
            elif each.name not in ("verification", "warnings", "places"):
                self.assertIn(each.name, fields)

    def test_names_and_places_are_unique(self) -> None:
        """No two keys share a name, a variable or a field."""
        self.assertEqual(len(BY_VARIABLE), len(KEYS))
        self.assertEqual(len({key.field for key in KEYS}), len(KEYS))
        self.assertEqual(len(BY_SPELLING), sum(len(key.spellings) for key in KEYS))
        self.assertTrue(SECTIONS.isdisjoint(BY_SPELLING))

    def test_every_key_is_explained(self) -> None:
        """Each says what it is for, and paths are relative to the file's folder."""
        for key in KEYS:
            self.assertTrue(key.doc)
            if key.missing is not Missing.NO_PATH:
                item = key.kind.item if isinstance(key.kind, Many) else key.kind
                self.assertIn("relative", item.allowed)

    def test_variables_are_springs(self) -> None:
        """Dots become underscores, dashes go, letters are upper case."""
        self.assertEqual(BY_VARIABLE["SERVER_MAXHTTPHEADERSIZE"].name, "server.max-http-header-size")
        self.assertEqual(BY_VARIABLE["SERVER_WEBSOCKET_MAXIDLETIMEOUT"].name, "server.webSocket.maxIdleTimeout")
        self.assertIn("APIML_SERVICE_DISCOVERYSERVICEURLS", BY_VARIABLE)

    def test_both_spellings_of_web_socket(self) -> None:
        """Zowe's documentation has both."""
        self.assertIs(BY_SPELLING["server.websocket.drain"], BY_SPELLING["server.webSocket.drain"])
        self.assertEqual(
            {"server.websocket", "server.webSocket", "server", "apiml.discovery.embedded"} - SECTIONS, set()
        )

    def test_nearest(self) -> None:
        """A mistyped name is led to the right one, whatever its case."""
        for mistyped, meant in [
            ("server.websocket.maxIdleTimeOut", "server.webSocket.maxIdleTimeout"),
            ("SERVER.PORT", "server.port"),
            ("servr.prt", "server.port"),
            ("apiml.service.discoveryServiceUrl", "apiml.service.discoveryServiceUrls"),
        ]:
            self.assertEqual(nearest(mistyped), meant)

    def test_nearest_of_nonsense_is_some_key(self) -> None:
        """There always is one."""
        self.assertIn(nearest("\N{SNOWMAN}"), BY_SPELLING)
