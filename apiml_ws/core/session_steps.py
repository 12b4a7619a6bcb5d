"""What the inputs of a session do, one step each; which step belongs to which state is :mod:`apiml_ws.core.session_table`'s."""
# ruff: noqa: ARG001 - Automat gives every step the machine, what it holds, and all that came with the input

from __future__ import annotations

from collections.abc import Callable

from apiml_ws.core.closing import Cause, Close, CloseCode, closure, service_closure, shortened
from apiml_ws.core.conversation import Conversation
from apiml_ws.core.dialing import DialRefusal
from apiml_ws.core.interfaces import ServiceLeg, Side, Violation
from apiml_ws.core.registry import Instance
from apiml_ws.core.session_inputs import Inputs
from apiml_ws.core.session_view import SessionView


def settle(inputs: Inputs, talk: Conversation) -> None:
    """No connection is left: say so."""
    if talk.farewell.over:
        inputs.settled()


def end(inputs: Inputs, talk: Conversation, cause: Cause, detail: str = "") -> None:
    """The cause is known; nothing may be left already."""
    talk.end(cause, detail)
    settle(inputs, talk)


def attach(inputs: Inputs, talk: Conversation, leg: ServiceLeg, instance: Instance) -> None:
    """Go on with a service."""
    talk.attach(leg, instance)


def fail(inputs: Inputs, talk: Conversation) -> None:
    """An error of our own ends it."""
    talk.fail()
    settle(inputs, talk)


def give_up_client(inputs: Inputs, talk: Conversation) -> None:
    """The relay failed and ended the client's connection; it ends the service's too."""
    talk.farewell.lost(Side.CLIENT)
    fail(inputs, talk)


def give_up_service(inputs: Inputs, talk: Conversation) -> None:
    """The relay failed and ended the service's connection."""
    talk.farewell.lost(Side.SERVICE)
    fail(inputs, talk)


def abandon_late(inputs: Inputs, talk: Conversation, leg: ServiceLeg, instance: Instance) -> None:
    """Nobody waits for this leg."""
    leg.abandon()


def refuse(inputs: Inputs, talk: Conversation, refusal: DialRefusal) -> None:
    """There will be no service."""
    talk.unserved(refusal)
    settle(inputs, talk)


def refuse_unfit(inputs: Inputs, talk: Conversation, leg: ServiceLeg, instance: Instance) -> None:
    """The session cannot go on with what this service agreed to."""
    leg.abandon()
    refuse(inputs, talk, DialRefusal(Cause.NOT_MOVED, detail=f"{instance.instance_id} agreed to something else"))


def miss_deadline(inputs: Inputs, talk: Conversation) -> None:
    """No service was found in time."""
    refuse(inputs, talk, DialRefusal(Cause.NOT_MOVED, detail="deadline"))


def answer_client(inputs: Inputs, talk: Conversation, close: Close) -> None:
    """There is no service to ask: the client gets its own close back."""
    talk.farewell.heard(Side.CLIENT, close)
    talk.farewell.say(Side.CLIENT, close)
    end(inputs, talk, Cause.CLIENT_CLOSED)


def note_client_close(inputs: Inputs, talk: Conversation, close: Close) -> None:
    """Keep the close for the service that is looked for."""
    talk.farewell.heard(Side.CLIENT, close)


def pass_client_close(inputs: Inputs, talk: Conversation, close: Close) -> None:
    """The service gets the client's close."""
    talk.farewell.heard(Side.CLIENT, close)
    talk.farewell.pass_on(Side.CLIENT)


def pass_service_close(inputs: Inputs, talk: Conversation, close: Close) -> None:
    """The client gets the service's close."""
    talk.farewell.heard(Side.SERVICE, close)
    talk.farewell.pass_on(Side.SERVICE)


def close_for_client(inputs: Inputs, talk: Conversation, close: Close) -> None:
    """The client asks for the end."""
    pass_client_close(inputs, talk, close)
    end(inputs, talk, Cause.CLIENT_CLOSED)


def close_for_service(inputs: Inputs, talk: Conversation, close: Close) -> None:
    """The service asks for the end."""
    pass_service_close(inputs, talk, close)
    end(inputs, talk, Cause.SERVICE_CLOSED)


def lose_client(inputs: Inputs, talk: Conversation) -> None:
    """There is nobody left to serve."""
    talk.farewell.lost(Side.CLIENT)
    talk.farewell.say(Side.SERVICE, service_closure(Cause.CLIENT_LOST))
    end(inputs, talk, Cause.CLIENT_LOST)


def lose_service(inputs: Inputs, talk: Conversation) -> None:
    """There is nobody left to talk to."""
    cause = Cause.NOT_MOVED if talk.may_move else Cause.SERVICE_LOST
    talk.farewell.lost(Side.SERVICE)
    talk.farewell.say(Side.CLIENT, closure(cause))
    end(inputs, talk, cause)


def cut_service(inputs: Inputs, talk: Conversation) -> None:
    """The same, but a client that got half a frame can be told nothing."""
    talk.farewell.drop(Side.CLIENT)
    lose_service(inputs, talk)


def note_client_end(inputs: Inputs, talk: Conversation) -> None:
    """The client does not wait for the answer to its close."""
    talk.farewell.lost(Side.CLIENT)


def finish_client(inputs: Inputs, talk: Conversation) -> None:
    """One connection less; who waits for the client's answer gets its own close back."""
    talk.farewell.lost(Side.CLIENT)
    talk.farewell.give_back(Side.SERVICE)
    settle(inputs, talk)


def finish_service(inputs: Inputs, talk: Conversation) -> None:
    """One connection less; who waits for the service's answer gets its own close back."""
    talk.farewell.lost(Side.SERVICE)
    talk.farewell.give_back(Side.CLIENT)
    settle(inputs, talk)


def refuse_client_input(inputs: Inputs, talk: Conversation, violation: Violation) -> None:
    """Tell the client which rule it broke, and the service that the client is gone."""
    too_big = violation.code == CloseCode.MESSAGE_TOO_BIG
    cause = Cause.CLIENT_OVER_LIMIT if too_big else Cause.CLIENT_BROKE_PROTOCOL
    talk.farewell.say(Side.CLIENT, Close(violation.code, shortened(violation.text)))
    talk.farewell.say(Side.SERVICE, service_closure(cause))
    end(inputs, talk, cause, violation.text)


def refuse_service_input(inputs: Inputs, talk: Conversation, violation: Violation) -> None:
    """Tell the service which rule it broke, and the client that the service is gone."""
    too_big = violation.code == CloseCode.MESSAGE_TOO_BIG
    cause = Cause.SERVICE_OVER_LIMIT if too_big else Cause.SERVICE_BROKE_PROTOCOL
    talk.farewell.say(Side.SERVICE, Close(violation.code, shortened(violation.text)))
    talk.farewell.say(Side.CLIENT, closure(cause))
    end(inputs, talk, cause, violation.text)


def drop_client(inputs: Inputs, talk: Conversation) -> None:
    """A client that takes nothing does not take a close either."""
    talk.farewell.drop(Side.CLIENT)


def drop_service(inputs: Inputs, talk: Conversation) -> None:
    """A service that takes nothing does not take a close either."""
    talk.farewell.drop(Side.SERVICE)


def give_client_up(inputs: Inputs, talk: Conversation) -> None:
    """Drop a client that takes nothing."""
    talk.farewell.drop(Side.CLIENT)
    talk.farewell.say(Side.SERVICE, service_closure(Cause.CLIENT_STALLED))
    end(inputs, talk, Cause.CLIENT_STALLED)


def give_service_up(inputs: Inputs, talk: Conversation) -> None:
    """Drop a service that takes nothing."""
    talk.farewell.drop(Side.SERVICE)
    talk.farewell.say(Side.CLIENT, closure(Cause.SERVICE_STALLED))
    end(inputs, talk, Cause.SERVICE_STALLED)


def close_both(cause: Cause) -> Callable[[Inputs, Conversation], None]:
    """A step that closes both legs because of ``cause``."""

    def close_both(inputs: Inputs, talk: Conversation) -> None:
        talk.farewell.say(Side.CLIENT, closure(cause))
        talk.farewell.say(Side.SERVICE, service_closure(cause))
        end(inputs, talk, cause)

    return close_both


def cut(inputs: Inputs, talk: Conversation) -> None:
    """End what is left at once."""
    talk.farewell.drop(Side.CLIENT)
    talk.farewell.drop(Side.SERVICE)
    talk.finish()


def cut_short(inputs: Inputs, talk: Conversation) -> None:
    """End a session at once that was not ending yet."""
    talk.end(Cause.STOPPING)
    cut(inputs, talk)


def finish(inputs: Inputs, talk: Conversation) -> None:
    """Nothing is left."""
    talk.finish()


def view(inputs: Inputs, talk: Conversation) -> SessionView | None:
    """Open on both legs."""
    return talk.view()
