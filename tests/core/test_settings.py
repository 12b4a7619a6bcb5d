"""Operator and service, brought together."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config import Compression, Drain, Propagation, WebSocketConfig
from apiml_ws.core.interfaces import Limits
from apiml_ws.core.registry import NO_METADATA
from apiml_ws.core.settings import SessionSettings, Settings, nonsense, settings_for

DEFAULT = WebSocketConfig()


class SettingsTests(SynchronousTestCase):
    """The rules of one session."""

    def test_operator_alone(self) -> None:
        """Without metadata the configuration holds, and its defaults are those of the class."""
        self.assertEqual(settings_for(DEFAULT, NO_METADATA), SessionSettings())
        config = WebSocketConfig(
            connect_timeout=1, max_idle_timeout=2, async_write_timeout=3, close_timeout=4, max_message_size=5, max_frame_size=6,
            propagation=Propagation.ALWAYS, propagation_timeout=7, drain=Drain.MOVE, compression=Compression.ALWAYS,
        )  # fmt: skip
        expected = SessionSettings(Limits(5, 6, 4, 3), 1, 2, Propagation.ALWAYS, 7, Drain.MOVE, True)
        self.assertEqual(settings_for(config, NO_METADATA), expected)

    def test_numbers(self) -> None:
        """The lower of two numbers holds, 0 is no limit, nonsense is not there."""
        table = (
            (100, "50", 50), (100, "200", 100), (100, "0", 100), (0, "50", 50), (0, "0", 0), (100, " 50 ", 50),
            (100, "", 100),
            (100, "-1", 100), (100, "50.5", 100), (100, "many", 100), (100, "1e1", 100), (100, "\u0665", 100),
            (100, "9" * 16, 100),
        )  # fmt: skip
        for ours, theirs, expected in table:
            config = WebSocketConfig(max_message_size=ours, max_frame_size=ours)
            limits = settings_for(config, {"apiml.ws.maxMessageSize": theirs, "apiml.ws.maxFrameSize": theirs}).limits
            self.assertEqual((limits.max_message_size, limits.max_frame_size), (expected, expected), (ours, theirs))
            self.assertIsInstance(limits.max_message_size, int)

    def test_each_key_is_its_own(self) -> None:
        """Every number of the metadata reaches its place; times are milliseconds."""
        keys = (
            "maxMessageSize",
            "maxFrameSize",
            "asyncWriteTimeout",
            "connectTimeout",
            "maxIdleTimeout",
            "propagationTimeout",
        )
        metadata = {f"apiml.ws.{key}": str(1500 + number) for number, key in enumerate(keys)}
        made = settings_for(DEFAULT, metadata)
        self.assertEqual(made.limits, Limits(1500, 1501, 5.0, 1.502))
        self.assertEqual((made.connect_timeout, made.max_idle_timeout, made.propagation_timeout), (1.503, 1.504, 1.505))

    def test_propagation(self) -> None:
        """The service's word holds, except that an operator's ``never`` is final."""
        auto, always, never = Propagation.AUTO, Propagation.ALWAYS, Propagation.NEVER
        for ours, theirs, expected in (
            (auto, "always", always), (auto, "never", never), (always, "auto", auto), (always, "never", never),
            (never, "always", never), (never, "auto", never), (auto, "nonsense", auto), (auto, " ALWAYS ", always),
        ):  # fmt: skip
            made = settings_for(replace(DEFAULT, propagation=ours), {"apiml.ws.propagation": theirs})
            self.assertEqual((made.propagation, made.takeover), (expected, expected is not always), (ours, theirs))

    def test_drain(self) -> None:
        """The service's word holds."""
        for ours in Drain:
            for theirs, expected in (
                ("keep", Drain.KEEP),
                ("Move", Drain.MOVE),
                ("close", Drain.CLOSE),
                ("never", ours),
            ):
                self.assertEqual(settings_for(replace(DEFAULT, drain=ours), {"apiml.ws.drain": theirs}).drain, expected)

    def test_compression(self) -> None:
        """The service's word holds, except that an operator's ``never`` is final."""
        service, always, never = Compression.SERVICE, Compression.ALWAYS, Compression.NEVER
        for ours, theirs, expected in (
            (service, None, False), (service, "true", True), (service, "TRUE", True), (service, "always", True),
            (service, "false", False), (service, "nonsense", False), (always, None, True), (always, "false", False),
            (always, "never", False),
            (always, "nonsense", True), (never, None, False), (never, "true", False),
        ):  # fmt: skip
            metadata = NO_METADATA if theirs is None else {"apiml.ws.compression": theirs}
            self.assertIs(
                settings_for(replace(DEFAULT, compression=ours), metadata).compression, expected, (ours, theirs)
            )


class RememberedTests(SynchronousTestCase):
    """Tests of :class:`~apiml_ws.core.settings.Settings`."""

    def setUp(self) -> None:
        self.settings = Settings(WebSocketConfig())

    def test_they_are_worked_out_once(self) -> None:
        """For one metadata; another one that says the same has its own."""
        slow = {"apiml.ws.connectTimeout": "1000"}
        found = self.settings.of(slow)
        self.assertEqual(found, settings_for(WebSocketConfig(), slow))
        self.assertIs(self.settings.of(slow), found)
        self.assertEqual(self.settings.of(dict(slow)), found)
        self.assertNotEqual(self.settings.of(NO_METADATA), found)

    def test_they_do_not_pile_up(self) -> None:
        """Of a thousand services, the rest is forgotten; and nothing is found for what only stands in its place."""
        first = {"apiml.ws.connectTimeout": "1000"}
        found = self.settings.of(first)
        for number in range(1000):
            self.assertEqual(
                self.settings.of({"apiml.ws.connectTimeout": str(number + 1)}).connect_timeout, (number + 1) / 1000
            )
        again = self.settings.of(first)
        self.assertEqual(again, found)
        self.assertIsNot(again, found)


class NonsenseTests(SynchronousTestCase):
    """What is ignored is named."""

    def test_names(self) -> None:
        """Each key that is not known, or has a value that makes no sense, in order, and no other."""
        metadata = {
            "apiml.ws.maxMessageSize": "big",
            "apiml.ws.connectTimeout": "-1",
            "apiml.ws.propagation": "sometimes",
            "apiml.ws.origin": "anybody",
            "apiml.ws.drain": "keep",
            "apiml.ws.maxIdleTimeout": "0",
            "apiml.ws.maxMessagesize": "1",
            "apiml.ws.compression": "true",
            "apiml.lb.type": "headerRequest",
        }
        names = ("connectTimeout", "maxMessageSize", "maxMessagesize", "origin", "propagation")
        self.assertEqual(nonsense(metadata), tuple(f"apiml.ws.{name}" for name in names))
        self.assertEqual(nonsense(NO_METADATA), ())
