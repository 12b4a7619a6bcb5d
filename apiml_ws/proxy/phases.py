"""How far the two directions of a leg are on their way to its end."""

from __future__ import annotations

from enum import Enum


class Hearing(Enum):
    """What is done with what the peer sends."""

    PASSING = "passed on"
    MUTED = "only the rest of a frame is passed on; a close frame is looked for"
    DONE = "its close frame came; the rest is thrown away"
    DEAF = "it broke a rule; the rest is thrown away"


class Saying(Enum):
    """How far we are with our own close frame."""

    OPEN = "none yet"
    CLOSING = "it waits for the edge of a frame"
    SAID = "nothing follows it"
