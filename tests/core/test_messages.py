"""Tests of the bodies of HTTP errors."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.messages import _MESSAGES, error_body


class ErrorBodyTests(SynchronousTestCase):
    """Tests of :func:`~apiml_ws.core.messages.error_body`."""

    def test_has_the_fields_of_the_reference_in_its_order(self) -> None:
        """A body is one message with the reference system's fields, spelled and ordered as there."""
        self.assertEqual(
            list(json.loads(error_body("ZWEAM104E", "/x/y"))["messages"][0].items()),
            [
                ("messageType", "ERROR"),
                ("messageNumber", "ZWEAM104E"),
                ("messageContent", "The endpoint you are looking for '/x/y' could not be located"),
                ("messageAction", "Verify that the URL of the endpoint you are trying to reach is correct."),
                ("messageReason", "The endpoint you are looking for could not be located."),
                ("messageKey", "org.zowe.apiml.common.endPointNotFound"),
            ],
        )

    def test_every_message_can_be_made(self) -> None:
        """Each message takes as many fields as its text has places."""
        for number, message in _MESSAGES.items():
            fields = ["<&\"'>"] * message.content.count("%s")
            content = json.loads(error_body(number, *fields))["messages"][0]["messageContent"]
            self.assertEqual(content, message.content % tuple(fields))

    def test_refuses_what_is_not_there(self) -> None:
        """An unknown number is a KeyError, a wrong count of fields a TypeError."""
        self.assertRaises(KeyError, error_body, "ZWEAX000E")
        self.assertRaises(TypeError, error_body, "ZWEAM104E")
        self.assertRaises(TypeError, error_body, "ZWEAM104E", "a", "b")
