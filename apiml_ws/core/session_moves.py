"""The steps of a session that goes on at another instance: after its own was lost, or said that it leaves, or is to be left."""
# ruff: noqa: ARG001 - Automat gives every step the machine, what it holds, and all that came with the input

from __future__ import annotations

from apiml_ws.core.closing import Cause, Close, closure
from apiml_ws.core.conversation import Conversation
from apiml_ws.core.dialing import DialRefusal
from apiml_ws.core.interfaces import ServiceLeg, Side
from apiml_ws.core.registry import Instance
from apiml_ws.core.session_inputs import Inputs
from apiml_ws.core.session_steps import end


def let_service_leave(inputs: Inputs, talk: Conversation, close: Close) -> None:
    """Answer a service that asks for its sessions to go on elsewhere, and look for another."""
    talk.farewell.heard(Side.SERVICE, close)
    talk.hold()
    talk.farewell.say(Side.SERVICE, close)
    talk.redial()


def replace_service(inputs: Inputs, talk: Conversation) -> None:
    """Look for another service."""
    talk.farewell.lost(Side.SERVICE)
    talk.hold()
    talk.redial()


def note_service_end(inputs: Inputs, talk: Conversation) -> None:
    """The service that left is gone altogether."""
    talk.farewell.lost(Side.SERVICE)


def deliver(inputs: Inputs, talk: Conversation, leg: ServiceLeg, instance: Instance) -> None:
    """Let a service have what the client sent before its close, then that."""
    talk.attach(leg, instance)
    talk.farewell.pass_on(Side.CLIENT)
    end(inputs, talk, Cause.CLIENT_CLOSED)


def relocate(inputs: Inputs, talk: Conversation) -> None:
    """Look for another service while the present one goes on."""
    talk.relocate()


def stay(inputs: Inputs, talk: Conversation) -> None:
    """Go on with the present service."""
    talk.stay()


def stay_refused(inputs: Inputs, talk: Conversation, refusal: DialRefusal) -> None:
    """Nobody else would have the session."""
    talk.stay()


def stay_unfit(inputs: Inputs, talk: Conversation, leg: ServiceLeg, instance: Instance) -> None:
    """The session cannot go on with what that one agreed to."""
    leg.abandon()
    talk.stay()


def hand_over(inputs: Inputs, talk: Conversation, leg: ServiceLeg, instance: Instance) -> None:
    """Somebody else is there: the present service may go."""
    talk.retire(leg, instance)


def note_retired(inputs: Inputs, talk: Conversation) -> None:
    """The present service was told to go, and may say what it still has to."""
    talk.note_retired()


def follow_closed(inputs: Inputs, talk: Conversation, close: Close) -> None:
    """It said all that it had to."""
    talk.replace()


def follow_gone(inputs: Inputs, talk: Conversation) -> None:
    """It is gone without an answer."""
    talk.replace()


def follow_and_deliver(inputs: Inputs, talk: Conversation, close: Close) -> None:
    """The client said close: whoever comes next gets what waits, and that."""
    talk.farewell.heard(Side.CLIENT, close)
    talk.replace()
    talk.farewell.pass_on(Side.CLIENT)
    end(inputs, talk, Cause.CLIENT_CLOSED)


def break_off(inputs: Inputs, talk: Conversation, close: Close) -> None:
    """It closed inside a message: nobody can go on from there."""
    talk.farewell.heard(Side.SERVICE, close)
    talk.farewell.say(Side.CLIENT, closure(Cause.NOT_MOVED))
    end(inputs, talk, Cause.NOT_MOVED)
