"""The bodies of HTTP errors: numbered messages in the shape that clients of the API Mediation Layer read.

The numbers and keys are those of Zowe's own message files where it has one for the case.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class _Message:
    """One numbered message; ``content`` has a ``%s`` for each field."""

    key: str
    content: str
    reason: str = ""
    action: str = ""


_MESSAGES: Final = MappingProxyType(
    {
        "ZWEAM104E": _Message(
            "org.zowe.apiml.common.endPointNotFound",
            "The endpoint you are looking for '%s' could not be located",
            "The endpoint you are looking for could not be located.",
            "Verify that the URL of the endpoint you are trying to reach is correct.",
        ),
        "ZWEAM700E": _Message(
            "org.zowe.apiml.common.serviceTimeout",
            "No response received within the allowed time: %s",
            "The service did not answer in time.",
            "Verify that the service runs and is not overloaded.",
        ),
        "ZWEAM701E": _Message(
            "org.zowe.apiml.common.tlsError",
            "The request to the URL '%s' has failed: %s",
            "The service could not be reached, or what it answered is no WebSocket handshake.",
            "Verify that the service runs, that its certificate is trusted, and that it speaks WebSocket at this URL.",
        ),
        "ZWEAG105E": _Message(
            "org.zowe.apiml.security.authRequired",
            "Authentication is required for URL '%s'",
            "The request has no credentials.",
            "Provide credentials.",
        ),
        "ZWEAG120E": _Message(
            "org.zowe.apiml.security.login.invalidCredentials",
            "Invalid username or password for URL '%s'",
            "The user name or the password is not right.",
            "Provide valid credentials.",
        ),
        "ZWEAG710E": _Message(
            "org.zowe.apiml.gateway.loadBalancerDoesNotHaveAvailableServer",
            "Load balancer does not have available server for client: %s",
            "No instance of the service is up.",
            "Verify that an instance of the service is registered and up.",
        ),
        "ZWEAT403E": _Message(
            "org.zowe.apiml.security.forbidden",
            "The user is not authorized to the target resource: %s",
            "The service does not accept requests of this origin.",
            "Add the origin to the allowed ones, or come from the gateway's own.",
        ),
        "ZWEAO400E": _Message(
            "org.zowe.apiml.common.badRequest",
            "The structure of the request is invalid: %s",
            "The request does not follow its protocol.",
            "Change the request as the message says.",
        ),
        "ZWEAO402E": _Message(
            "org.zowe.apiml.common.unauthorized",
            "The request to '%s' has not been applied because it lacks valid authentication credentials",
            "Only holders of a client certificate that the gateway trusts are heard here.",
            "Show a certificate, and let the gateway ask for one (server.ssl.clientAuth).",
        ),
        "ZWEAO405E": _Message(
            "org.zowe.apiml.common.methodNotAllowed",
            "The request method has been disabled and cannot be used for the requested resource.",
            "The resource does not know this method.",
            "Use a method that the Allow header names.",
        ),
        "ZWEAO500E": _Message(
            "org.zowe.apiml.common.internalServerError",
            "The service has encountered an unexpected error.",
            "The gateway has a defect.",
            "Report it with the lines of the gateway's log at that time.",
        ),
        "ZWEAO503E": _Message(
            "org.zowe.apiml.common.serviceUnavailable",
            "The server is not ready to handle the request: %s",
            "The gateway is starting or stopping.",
            "Try again later.",
        ),
    }
)


def error_body(number: str, *fields: str) -> bytes:
    """The JSON body for message ``number`` (its id and type letter, such as ``ZWEAM104E``) with ``fields`` filled in.

    :raises KeyError: there is no such message.
    :raises TypeError: the message has another number of fields.
    """
    message = _MESSAGES[number]
    entry = {
        "messageType": "ERROR",
        "messageNumber": number,
        "messageContent": message.content % fields,
        "messageAction": message.action,
        "messageReason": message.reason,
        "messageKey": message.key,
    }
    return json.dumps({"messages": [entry]}, separators=(",", ":")).encode()
