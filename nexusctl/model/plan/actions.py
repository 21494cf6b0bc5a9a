"""What can happen to an object of a plan, with the words and the sign of each: one row an action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Action = Literal[
    "adopt", "create", "update", "replace", "start", "resume", "restart", "run", "rename", "pause", "stop", "kill",
    "signal", "extend", "remove",
]  # fmt: skip


class Wording(NamedTuple):
    """`symbol` and `color` mark it in a plan; `to` follows how many it will happen to, `done` how many it has happened
    to, and `will` says of one what is going to happen, empty where the symbol says enough.
    """

    symbol: str
    color: str
    to: str
    done: str
    will: str = ""


ACTIONS: Mapping[Action, Wording] = {
    "adopt": Wording("=", "cyan", "to adopt", "adopted"),
    "create": Wording("+", "green", "to create", "created"),
    "update": Wording("~", "yellow", "to update in place", "updated in place", "will be updated in place"),
    "replace": Wording("-/+", "magenta", "to replace", "replaced", "will be replaced"),
    "start": Wording(">", "cyan", "to start", "started", "will be started"),
    "resume": Wording(">", "cyan", "to resume", "resumed", "will be resumed"),
    "restart": Wording(">", "cyan", "to restart", "restarted", "will be restarted"),
    "run": Wording(">", "cyan", "to run", "run", "will run again"),
    "rename": Wording("~", "yellow", "to rename", "renamed", "will be renamed"),
    "pause": Wording("||", "yellow", "to pause", "paused", "will be paused"),
    "stop": Wording("x", "yellow", "to stop", "stopped", "will be stopped"),
    "kill": Wording("x", "red", "to kill", "killed", "will be killed"),
    "signal": Wording("!", "yellow", "to signal", "signalled", "will be sent a signal"),
    "extend": Wording("+", "cyan", "to extend", "extended", "will live longer"),
    "remove": Wording("-", "red", "to remove", "removed"),
}
"""In the order in which a plan counts them."""
